"""Pipelines of Grain, broken off and started again: bit for bit the training that never was."""

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers

grain = pytest.importorskip("grain")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


class Rows:
    def __repr__(self):  # by which Grain knows the data again
        return "Rows"

    def __len__(self):
        return 64

    def __getitem__(self, index):
        return X[index], Y[index]


def shuffled():
    return grain.MapDataset.source(Rows()).shuffle(seed=3)


def loader():
    sampler = grain.samplers.IndexSampler(64, shuffle=True, seed=3)
    return grain.DataLoader(
        data_source=Rows(), sampler=sampler, operations=[grain.transforms.Batch(8)], worker_count=0
    )


DATA = {  # name -> (the data, whether an epoch's end has to be said)
    "map dataset": (lambda: shuffled().batch(8), False),
    "repeated map dataset": (lambda: shuffled().repeat().batch(8), True),
    "iterable dataset": (lambda: shuffled().repeat().to_iter_dataset().batch(8), True),
    "iterator": (lambda: iter(shuffled().repeat().to_iter_dataset().batch(8)), True),
    "loader": (loader, True),
}


class Die(Exception):
    """A training that is broken off."""


class Noted(callbacks.Callback):
    """Keeps the losses, and breaks off after so many batches."""

    def __init__(self, most=None):
        super().__init__()
        self.most, self.losses = most, []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))
        if len(self.losses) == self.most:
            raise Die


def train(name, folder, most=None):
    make, endless = DATA[name]
    cornu.utils.set_random_seed(1)
    model = cornu.Sequential(
        [cornu.Input((5,)), layers.Dense(8, "relu"), layers.Dropout(0.3), layers.Dense(1, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    noted, more = Noted(most), {"steps_per_epoch": 8} if endless else {}
    backup = callbacks.BackupAndRestore(folder, save_freq=3)
    model.fit(make(), epochs=3, verbose=0, callbacks=[noted, backup], **more)
    return noted.losses, [weight.tobytes() for weight in model.get_weights()]


@pytest.mark.parametrize("name", DATA)
def test_broken_off_and_started_again(name, tmp_path):
    wanted = train(name, tmp_path / "never")
    assert len(wanted[0]) == 24
    with pytest.raises(Die):
        train(name, tmp_path / "once", most=11)
    assert train(name, tmp_path / "once") == wanted


def test_what_never_ends_is_told():
    model = cornu.Sequential([cornu.Input((5,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="never ends: say how many batches make an epoch"):
        model.fit(shuffled().repeat().batch(8), verbose=0)
