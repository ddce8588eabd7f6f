"""The callback that saves the model while it trains."""

import glob
import os
import pathlib
import string
import zipfile

from .. import writing
from ..saving import archive
from . import record
from .backup import PLACE, Keeper, holds_training
from .callback import announce
from .monitors import Monitor


class ModelCheckpoint(Monitor, Keeper):
    """Saves the model, or its weights, while it trains.

    Args:
        filepath: where; may name `{epoch}`, any number in the logs and, with an int `save_freq`, `{batch}`, as in
            "{epoch:02d}-{val_loss:.2f}.keras". Epochs count from 1; in era 1 from 0.
        monitor: name of the number that tells which epoch is best.
        verbose: 1 says what is saved.
        save_best_only: whether only an epoch that improves on all before is saved.
        save_weights_only: whether only the weights are saved.
        mode: 'min', 'max' or 'auto', as in `Monitor`.
        save_freq: 'epoch', or after how many batches to save.
        initial_value_threshold: what the first saved epoch has to beat.
        period: epochs between two files.
        save_state: whether the file, a .keras one, holds the whole training as well; `fit` then begins where the
            newest file left off, as with `BackupAndRestore`, whose text says what is kept. At SIGTERM a file is
            written, unless only the best are.

    Raises ValueError for an ending that names no format (era 3: .keras, .h5; weights: .weights.h5; with save_state
    .keras) and KeyError for a `{name}` that the logs do not have.

    Example:
        >>> keep = ModelCheckpoint("best.keras", "val_loss", save_best_only=True)
    """

    kept = ("best", "_epoch", "_batches", "_epochs")

    def __init__(
        self, filepath, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: str = "auto", save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None, period: int = 1, save_state: bool = False,
    ):  # fmt: skip
        super().__init__(monitor=monitor, mode=mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.period, self.best = save_freq, period, initial_value_threshold
        self.every_batch = save_freq != "epoch"
        if self.every_batch and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"ModelCheckpoint: save_freq is 'epoch' or a number of batches; got {save_freq!r}"
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if self._era == 3 and not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: {self.filepath!r} has to end with {' or '.join(endings)}"
                + (", since only weights are saved" if save_weights_only else "")
            )
        self.save_state = self.told_last = save_state
        if save_state and (save_weights_only or not self.filepath.endswith(".keras")):
            raise ValueError(
                "ModelCheckpoint: save_state=True keeps model and training in one file, whose name ends with "
                f".keras; got {self.filepath!r}" + (", save_weights_only=True" if save_weights_only else "")
            )
        self._epoch = self._batches = self._epochs = 0

    def on_train_begin(self, logs=None):
        if self.save_best_only:
            self.sign  # noqa: B018 - raises where it cannot be told
        if self.save_state:
            self.go_on()

    def found(self) -> list[pathlib.Path]:
        """The files that `filepath` may mean, the newest first."""
        pieces = string.Formatter().parse(self.filepath)
        pattern = "".join(
            glob.escape(text) + ("*" if name is not None else "") for text, name, _, _ in pieces
        )
        return [
            pathlib.Path(path)
            for path in sorted(glob.glob(pattern), key=os.path.getmtime, reverse=True)
            if holds_training(path)
        ]

    def save_now(self) -> str | None:
        if not self.save_state or self.save_best_only:
            return None
        epoch, step = self.run.place
        try:
            path = self._path(epoch - (not step), {"batch": step, **self.run.logs})
        except KeyError:  # such as that of a validation which has not been yet
            return None
        self._write(path)
        return path

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq != "epoch":
            return
        self._epochs += 1
        if self._epochs >= self.period:
            self._epochs = 0
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict) -> None:
        path = self._path(epoch, logs)
        if self.save_best_only and not self._improved(epoch, logs, path):
            return
        if self.verbose and not self.save_best_only:
            announce(self, epoch, f"saving model to {path}")
        self._write(path)

    def _write(self, path: str) -> None:
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: {path} is a folder; name a file in it")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_state:
            with writing.replacing(path) as file:
                file.write(archive.to_bytes(self.model))
                with zipfile.ZipFile(file, "a") as whole:
                    record.dump(self.run.take(), whole, PLACE)
        else:
            save = self.model.save_weights if self.save_weights_only else self.model.save
            save(path, overwrite=True)

    def _path(self, epoch: int, logs: dict) -> str:
        try:
            return self.filepath.format(**{"epoch": epoch + (self._era > 1), **logs})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: the logs have no {error} for the file name {self.filepath!r}. "
                f"They have: {', '.join(['epoch', *logs])}"
            ) from None

    def _improved(self, epoch: int, logs: dict, path: str) -> bool:
        value = self.read(logs)
        if value is None:
            return self._era == 3  # which saves what it cannot compare
        before, improved = self.best, self.better(value, self.best)
        if improved:
            self.best = value
        if self.verbose:
            best = "nothing" if before is None else f"{before:.5f}"
            verb = f"improved from {best} to {value:.5f}, saving model to {path}"
            announce(self, epoch, f"{self.monitor} {verb if improved else f'did not improve from {best}'}")
        return improved
