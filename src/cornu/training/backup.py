"""The callback that makes a backup of the whole training, and begins where the last one left off."""

import os
import pathlib
import warnings
import zipfile

from .. import writing
from . import progress, record
from .callback import Callback

FILE, PREVIOUS = "training.backup", "previous.backup"
PLACE = "training/"  # where an archive, which may have other things in it, has the training


def read(path: pathlib.Path) -> dict:
    """The state of the training in a file.

    Raises OSError, KeyError, ValueError or zipfile.BadZipFile where there is none, or it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        return record.load(archive, PLACE)


def holds_training(path) -> bool:
    """Whether a file is an archive that holds the state of a training."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return f"{PLACE}tree.json" in archive.namelist()


class Keeper(Callback):
    """What saves the whole state of a training, and can go on from there.

    A subclass says where by `found`, and writes by `save_now`.
    """

    told_last = True  # so that what the others noted of this batch or epoch is saved too

    def found(self) -> list[pathlib.Path]:
        """The files that there are to go on from, the best first."""
        raise NotImplementedError

    def save_now(self) -> str | None:
        """Save the training as it stands; returns where, None where that cannot be said yet."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Go on from the first file that can be read, if it is farther than the training is.

        Raises OSError where there are files, and none can be read.
        """
        if self.run is None:
            raise RuntimeError(f"{type(self).__name__} keeps a training of `fit`: it does not work by itself")
        unsure = self.run.unsure()
        if unsure:
            warnings.warn(f"{type(self).__name__}: the order of data is not kept. {unsure}", stacklevel=5)
        damaged = []
        for path in self.found():
            try:
                taken = read(path)
            except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
                damaged.append(f"{path}: {error}")
                continue
            if damaged:
                warnings.warn(f"{'; '.join(damaged)}. Going on from {path}", stacklevel=5)
            if (taken["epoch"], taken["step"]) > self.run.place:
                self.run.give(taken, str(path))
                self._say(path)
            return
        if damaged:
            raise OSError(f"{'; '.join(damaged)}. Take the damaged away to begin anew")

    def _say(self, path: pathlib.Path) -> None:
        if self.params and self.params["verbose"]:
            epoch, step = self.run.place
            at = f"batch {step + 1} of epoch {epoch + 1}" if step else f"epoch {epoch + 1}"
            progress.say(f"{path}: training goes on with {at}")


class BackupAndRestore(Keeper):
    """Saves the whole training again and again; a `fit` that was broken off goes on from there when it is started anew.

    Kept are the weights, the optimizer, random generators (Python's and NumPy's too), metrics, what callbacks have
    noted, the epoch and the batch, and the order of the data: of arrays and Sequences, whose own orders and random
    generators count, and of iterators with `get_state` and `set_state`, such as Grain's. So the numbers are those of
    a training that was not broken off, bit for bit on one device. Of a generator nobody knows where it is; a warning
    says so. A Sequence that draws from a generator of its own making in `__getitem__` draws anew: let it draw from
    NumPy's, or from one that is its attribute.

    SIGTERM makes `fit` save, too, before it ends the program.

    Args:
        backup_dir: a folder for the backup; no other training may use it.
        save_freq: 'epoch'; after how many batches to save; or False: only at SIGTERM.
        double_checkpoint: whether the backup before the last is kept, for disks that lose data.
        delete_checkpoint: whether the backup is taken away when `fit` is through.

    Raises ValueError where the backup is of another model or of other data, and OSError where it is damaged, or
    cannot be written; then the one before is as it was.

    Example:
        >>> backup = BackupAndRestore("backup", save_freq=100)

    Source: Keras 3.15.1 for the arguments.
    """

    kept = ()

    def __init__(
        self, backup_dir, save_freq: int | str | bool = "epoch", double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):  # fmt: skip
        super().__init__()
        if not backup_dir:
            raise ValueError("BackupAndRestore: `backup_dir` is the folder of the backup; got nothing")
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq not in ("epoch", False) and not whole:
            raise ValueError(
                f"BackupAndRestore: save_freq is 'epoch', a number of batches, or False; got {save_freq!r}"
            )
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._passed = self._seen = 0  # batches since the last backup, and of this epoch

    @property
    def file(self) -> pathlib.Path:
        return pathlib.Path(self.backup_dir, FILE)

    @property
    def previous(self) -> pathlib.Path:
        return pathlib.Path(self.backup_dir, PREVIOUS)

    @property
    def every_batch(self) -> int:
        """After how many batches the next backup is due; 0 where batches do not matter."""
        return self.save_freq - self._passed if isinstance(self.save_freq, int) and self.save_freq else 0

    def found(self) -> list[pathlib.Path]:
        return [path for path in (self.file, self.previous) if path.exists()]

    def on_train_begin(self, logs=None):
        for part in pathlib.Path(self.backup_dir).glob(f".*.backup.*{writing.PART}"):
            part.unlink(missing_ok=True)  # left by a process that was killed
        self.go_on()
        self._passed, self._seen = 0, self.run.step

    def on_epoch_begin(self, epoch, logs=None):
        self._seen = 0

    def on_train_batch_end(self, batch, logs=None):
        if not self.every_batch:
            return
        self._passed, self._seen = self._passed + self.run.step - self._seen, self.run.step
        if self._passed >= self.save_freq:
            self.save_now()

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self.save_now()

    def save_now(self) -> str:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and self.file.exists():
            with writing.replacing(self.previous) as file:
                file.write(self.file.read_bytes())
        with writing.replacing(self.file) as file, zipfile.ZipFile(file, "w") as archive:
            record.dump(self.run.take(), archive, PLACE)
        self._passed = 0
        return str(self.file)

    def on_train_end(self, logs=None):
        if self.delete_checkpoint:
            for path in self.found():
                path.unlink()
            if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)
