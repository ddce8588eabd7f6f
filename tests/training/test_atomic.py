"""Nothing is lost where a file cannot be written: one clear error, the old file as it was, and no litter."""

import contextlib
import csv
import os
import resource

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers, utils, writing
from cornu.utils import io_utils


@contextlib.contextmanager
def full_disk(size=2048):
    """No file grows beyond `size` bytes: the system refuses, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def model(units=40):
    made = cornu.Sequential([cornu.Input((30,)), layers.Dense(units), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def backup(path):
    x = np.ones((8, 30), "float32")
    keeper = callbacks.BackupAndRestore(os.path.dirname(path), delete_checkpoint=False)
    keeper.found = lambda: []  # what is there is no backup
    model().fit(x, x[:, :1], verbose=0, callbacks=[keeper])


def checkpoint(path, **more):
    x = np.ones((8, 30), "float32")
    model().fit(x, x[:, :1], verbose=0, callbacks=[callbacks.ModelCheckpoint(path, **more)])


PICTURE = np.random.default_rng(0).uniform(0, 255, (60, 60, 3))
NUMBERS = np.random.default_rng(0).normal(size=(60, 60))
WRITERS = {
    "whole.keras": lambda path: model().save(path),
    "whole.h5": lambda path: model().save(path),
    "some.weights.h5": lambda path: model().save_weights(path),
    "some.h5": lambda path: model().save_weights(path),
    "array.npy": lambda path: io_utils.save_array(NUMBERS, path),
    "array.npz": lambda path: io_utils.save_array(NUMBERS, path),
    "array.hdf": lambda path: io_utils.save_array(NUMBERS, path),
    "picture.png": lambda path: utils.save_img(path, PICTURE),
    "plot.png": lambda path: utils.plot_model(model(), path),
    "training.backup": backup,
    "checkpoint.keras": checkpoint,
    "state.keras": lambda path: checkpoint(path, save_state=True),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"the old one")
    with full_disk(), pytest.raises(OSError, match=f"{name} could not be written: File too large"):
        WRITERS[name](str(path))
    assert path.read_bytes() == b"the old one" and os.listdir(tmp_path) == [name]
    WRITERS[name](str(path))
    assert path.stat().st_size > 2048 and os.listdir(tmp_path) == [name]


def test_a_disk_that_does_not_take_what_was_written(tmp_path, monkeypatch):
    (tmp_path / "a.keras").write_bytes(b"the old one")

    def refuse(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="a.keras could not be written: No space left") as raised:
        model().save(tmp_path / "a.keras")
    assert raised.value.errno == 28
    assert os.listdir(tmp_path) == ["a.keras"] and (tmp_path / "a.keras").read_bytes() == b"the old one"


def test_what_is_written_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("replace"), replace(a, b)))
    model().save(tmp_path / "a.keras")
    assert done == ["fsync", "replace", "fsync"]  # the file, its name, the folder


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="could not be written"):
        model().save(tmp_path / "a.keras")


def test_a_folder_that_may_not_be_written_says_so(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path / ".a.keras.x.part"))

    monkeypatch.setattr(writing.tempfile, "mkstemp", refuse)
    with pytest.raises(PermissionError, match=r"a\.keras could not be written: Permission denied$"):
        model().save(tmp_path / "a.keras")


def test_names_that_no_file_can_have(tmp_path):
    with pytest.raises(FileNotFoundError, match="the folder .*gone is not there"):
        model().save(tmp_path / "gone" / "a.keras")
    (tmp_path / "b.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="a folder has that name"):
        model().save(tmp_path / "b.keras")


def test_a_folder_that_vanishes_while_a_file_is_written(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    with (
        pytest.raises(FileNotFoundError, match="could not be written"),
        writing.replacing(folder / "a") as file,
    ):
        file.write(b"lost")
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()


def test_an_error_of_another_kind_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), writing.replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_text() == "old"


def test_permissions_and_links_stay(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with writing.replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink() and real.read_text() == "new" and real.stat().st_mode & 0o777 == 0o640


def test_a_line_that_does_not_fit_leaves_the_table_whole(tmp_path):
    log = callbacks.CSVLogger(tmp_path / "log.csv")
    log.on_train_begin()
    log.on_epoch_end(0, {"loss": 1.0})
    before = (tmp_path / "log.csv").read_bytes()
    with full_disk(len(before) + 3), pytest.raises(OSError, match="log.csv could not be written"):
        log.on_epoch_end(1, {"loss": 0.123456789})
    assert (tmp_path / "log.csv").read_bytes() == before
    log.on_epoch_end(1, {"loss": 0.5})
    log.on_train_end()
    with open(tmp_path / "log.csv") as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["1.0", "0.5"]


def test_tensorboard_says_which_file(tmp_path):
    x = np.ones((8, 30), "float32")
    with full_disk(64), pytest.raises(OSError, match="events.out.*could not be written"):
        model().fit(x, x[:, :1], verbose=0, callbacks=[callbacks.TensorBoard(tmp_path)])
