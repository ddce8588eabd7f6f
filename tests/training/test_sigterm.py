"""SIGTERM during `fit`: the step is finished, the training saved, the program ends; a handler of one's own stays."""

import os
import signal
import threading

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers
from cornu.training.leaving import CODE

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")


class Shuffled(cornu.utils.PyDataset):
    """Each epoch the data makes an order of its own."""

    def __init__(self):
        super().__init__()
        self.random, self.rows = np.random.default_rng(1), np.arange(30)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = self.rows[index * 10 : index * 10 + 10]
        return X[rows], X[rows, :1]

    def on_epoch_end(self):
        self.random.shuffle(self.rows)


class Term(callbacks.Callback):
    """Sends the signal in the middle of a training."""

    kept = ()

    def __init__(self, hook):
        super().__init__()
        setattr(self, hook, lambda *args, **kwargs: self.send())
        self.sent = 0

    def send(self):
        self.sent += 1
        if self.sent == 3:
            os.kill(os.getpid(), signal.SIGTERM)


def fit(*more, epochs=5, data=None):
    cornu.utils.set_random_seed(1)
    model = cornu.Sequential([cornu.Input((4,)), layers.Dropout(0.2), layers.Dense(1)])
    model.compile("adam", "mse")
    own = [callbacks.EarlyStopping("val_loss", patience=1)]
    data = data or {"x": X[:30], "y": X[:30, :1], "batch_size": 10}
    held = X[30:], X[30:, :1]
    history = model.fit(**data, epochs=epochs, validation_data=held, verbose=0, callbacks=[*own, *more])
    return history.history, model.get_weights()[0].tobytes()


@pytest.mark.parametrize(
    "hook, words",
    [
        ("on_train_batch_end", "after batch 3 of epoch 1"),
        ("on_epoch_end", "after epoch 3"),
        ("on_test_batch_end", "after batch 3 of epoch 3"),
    ],
)
@pytest.mark.parametrize("keeper", ["backup", "checkpoint"])
def test_the_training_is_saved_and_goes_on(hook, words, keeper, tmp_path, capfd):
    def keep():
        if keeper == "backup":
            return callbacks.BackupAndRestore(tmp_path, save_freq=False)
        return callbacks.ModelCheckpoint(tmp_path / "a.keras", save_freq=1000, save_state=True)

    wanted = fit()
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left:
        fit(keep(), Term(hook))
    assert left.value.code == CODE == 143
    said = capfd.readouterr().err
    assert f"SIGTERM: `fit` stops {words}. The training is saved in {tmp_path}" in said
    assert signal.getsignal(signal.SIGTERM) is before
    np.random.seed(9)
    assert fit(keep()) == wanted


def test_an_epoch_of_the_data_ends_once(tmp_path):
    wanted = fit(data={"x": Shuffled()})
    with pytest.raises(SystemExit):
        fit(callbacks.BackupAndRestore(tmp_path), Term("on_test_batch_end"), data={"x": Shuffled()})
    assert fit(callbacks.BackupAndRestore(tmp_path), data={"x": Shuffled()}) == wanted


def test_without_a_keeper_it_says_that_nothing_is_saved(capfd):
    with pytest.raises(SystemExit):
        fit(Term("on_train_batch_end"))
    assert "Nothing is saved: BackupAndRestore among the callbacks would do that" in capfd.readouterr().err


def test_a_checkpoint_of_the_best_is_not_replaced(tmp_path, capfd):
    keep = callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True, save_state=True)
    with pytest.raises(SystemExit):
        fit(keep, Term("on_train_batch_end"))
    assert not os.listdir(tmp_path) and "Nothing is saved" in capfd.readouterr().err


def test_a_handler_of_ones_own_is_respected():
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        fit(Term("on_train_batch_end"), epochs=1)
        assert got == [signal.SIGTERM]
        got.append(signal.getsignal(signal.SIGTERM))
        os.kill(os.getpid(), signal.SIGTERM)
        assert got[2] == signal.SIGTERM  # it is still there
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_handler_is_put_back_after_errors_and_at_the_end():
    def fail(*args):
        raise ValueError("mine")

    fit(epochs=1)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    with pytest.raises(ValueError, match="mine"):
        fit(callbacks.LambdaCallback(on_train_batch_end=fail))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_other_threads_leave_the_handlers_alone():
    found = []

    def run():
        found.append(fit(callbacks.LambdaCallback(on_train_end=lambda logs: see()), epochs=1))

    def see():
        found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found[0] is signal.SIG_DFL and len(found) == 2
