"""A training that is broken off and started again is, bit for bit, the training that never was."""

import functools
import random
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers
from cornu.training import notes, record

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(44, 6)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


class Die(Exception):
    """A training that is broken off."""


class Killer(callbacks.Callback):
    """Breaks off after so many batches, without a word to anybody."""

    kept = ()

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Die


class Losses(callbacks.Callback):
    """A callback of one's own, that notes things."""

    def __init__(self, every=1):
        super().__init__()
        self.every, self.losses, self.epochs = every, [], {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs[epoch] = self.epochs.get(epoch, 0) + 1

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


class Shuffling(cornu.utils.PyDataset):
    """Its order is its own affair."""

    def __init__(self, size=5):
        super().__init__()
        self.size, self.random, self.rows = size, random.Random(4), list(range(40))

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        rows = self.rows[index * 8 : index * 8 + 8]
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.random.shuffle(self.rows)


class Telling:
    """An iterator without end that says where it is, as Grain's do."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        rows = np.random.RandomState(self.at).permutation(40)[:8]
        self.at += 1
        return X[rows], Y[rows]

    def get_state(self):
        return f'{{"at": {self.at}}}'.encode()

    def set_state(self, state):
        self.at = int(state.decode().split()[1].strip("}"))


class Pass:
    """An iterable whose iterators say where they are."""

    def __iter__(self):
        return iter([(X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)])


def model(seed=1):
    cornu.utils.set_random_seed(seed)
    made = cornu.Sequential(
        [
            cornu.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    made.compile(cornu.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return made


ARRAYS = {"x": X, "y": Y, "batch_size": 8, "validation_split": 0.1}  # 5 batches, the last one smaller
DATA = {
    "arrays": lambda: ARRAYS,
    "whole batches": lambda: ARRAYS | {"shuffle": "batch"},
    "class weights": lambda: ARRAYS | {"class_weight": {0: 1.0, 1: 3.0}},
    "few steps": lambda: ARRAYS | {"steps_per_epoch": 3},
    "dataset": lambda: {"x": Shuffling()},
    "dataset, longer epochs": lambda: {"x": Shuffling(), "steps_per_epoch": 7},
    "telling": lambda: {"x": Telling(), "steps_per_epoch": 5},
    "validated by a dataset": lambda: ARRAYS | {"validation_split": 0, "validation_data": Shuffling(2)},
}


def fit(data, seed, *more, epochs=4):
    """What a training comes to: numbers by name."""
    made, losses = model(seed), Losses()
    np.random.seed(seed), random.seed(seed)
    own = [
        callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05),
        callbacks.LearningRateScheduler(lambda epoch, *rate: 0.9 * (rate[0] if rate else 0.05)),
        losses,
    ]
    history = made.fit(**DATA[data](), epochs=epochs, verbose=0, callbacks=[*more, *own])
    return {
        **history.history,
        "epochs": losses.epochs,
        "losses": losses.losses,
        "random": [np.random.rand(), random.random()],
        "weights": [weight.tobytes() for weight in made.get_weights()],
    }


def broken_off(data, keeper, batches):
    """The same, broken off and started again with other seeds."""
    with pytest.raises(Die):
        fit(data, 1, keeper(), Killer(batches))
    saved = bool(keeper().found())
    return fit(data, 2 if saved else 1, keeper()), saved


@functools.cache
def never_broken_off(data="arrays"):
    return fit(data, 1)


KILLS = [("arrays", 1), ("arrays", 4), ("arrays", 5), *((data, 9) for data in DATA)]


@pytest.mark.parametrize("data, batches", KILLS)
def test_goes_on_bit_for_bit(data, batches, tmp_path):
    keeper = lambda: callbacks.BackupAndRestore(tmp_path / "backup", save_freq=2)  # noqa: E731
    assert broken_off(data, keeper, batches) == (never_broken_off(data), batches > 2)
    assert not (tmp_path / "backup").exists()  # it is through


@pytest.mark.parametrize("save_freq", ["epoch", 3])
def test_saves_as_often_as_it_is_told(save_freq, tmp_path):
    wanted = never_broken_off()
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, save_freq, delete_checkpoint=False)  # noqa: E731
    with pytest.raises(Die):
        fit("arrays", 1, keeper(), Killer(9))
    with zipfile.ZipFile(tmp_path / "training.backup") as archive:
        taken = record.load(archive, "training/")
    done = taken["epoch"] * 5 + taken["step"]
    assert done == (5 if save_freq == "epoch" else 8 // save_freq * save_freq)
    assert fit("arrays", 2, keeper()) == wanted
    assert fit("arrays", 3, keeper()) == wanted  # nothing is left to do


@pytest.mark.parametrize("era", [1, 2])
def test_older_eras_tell_each_batch_its_own_loss(era, tmp_path):
    cornu.set_era(era)
    wanted = fit("arrays", 1)  # of this era
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, save_freq=2)  # noqa: E731
    assert broken_off("arrays", keeper, 8) == (wanted, True)


def test_spans_of_many_steps_end_where_a_backup_is_due(tmp_path):
    x = np.ones((4000, 6), "float32")
    saved = []
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=300)
    save = backup.save_now
    backup.save_now = lambda: (saved.append(backup.run.place), save())
    model().fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0, callbacks=[backup])
    assert saved == [(0, 300), (0, 600), (0, 900), (1, 200), (1, 500), (1, 800)]


def test_a_checkpoint_holds_the_training(tmp_path):
    wanted = never_broken_off()
    keeper = lambda: callbacks.ModelCheckpoint(  # noqa: E731
        tmp_path / "{epoch}[{batch}].keras", save_freq=3, save_state=True
    )
    assert broken_off("arrays", keeper, 8) == (wanted, True)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert "1[3].keras" in files and "2[1].keras" in files
    x = RNG.normal(size=(3, 6))
    loaded = cornu.models.load_model(tmp_path / "1[3].keras")  # a model like any other
    assert loaded.predict(x, verbose=0).shape == (3, 1)


def test_the_best_checkpoint_holds_the_training(tmp_path):
    wanted = never_broken_off()
    keeper = lambda: callbacks.ModelCheckpoint(  # noqa: E731
        tmp_path / "best.keras", "loss", save_best_only=True, save_state=True
    )
    assert broken_off("arrays", keeper, 8) == (wanted, True)


def test_more_epochs_go_on_from_what_is_through(tmp_path):
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)  # noqa: E731
    wanted = fit("dataset", 1, epochs=3)
    fit("dataset", 1, keeper(), epochs=2)
    assert fit("dataset", 2, keeper(), epochs=3)["loss"] == wanted["loss"]


def test_stopping_early_is_not_forgotten(tmp_path):
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2 and self.run.epoch == 1

    wanted = fit("arrays", 1, Stop())
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, save_freq=1, delete_checkpoint=False)  # noqa: E731
    with pytest.raises(Die):
        fit("arrays", 1, keeper(), Stop(), callbacks.LambdaCallback(on_test_end=lambda logs: dies(keeper)))
    assert fit("arrays", 2, keeper(), Stop()) == wanted
    assert len(wanted["loss"]) == 2


def dies(keeper):
    with zipfile.ZipFile(keeper().file) as archive:
        if record.load(archive, "training/")["stop_training"]:
            raise Die


def test_the_table_has_each_epoch_once(tmp_path):
    def run(folder, seed, *more):
        log = callbacks.CSVLogger(folder / "log.csv")
        fit("arrays", seed, *more, log)
        return (folder / "log.csv").read_text()

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    wanted = run(whole, 1)
    for batches in (7, 13):
        with pytest.raises(Die):
            run(parts, 1, callbacks.BackupAndRestore(tmp_path / "b", 3), Killer(batches))
    assert run(parts, 2, callbacks.BackupAndRestore(tmp_path / "b", 3)) == wanted


def test_a_generator_cannot_be_put_where_it_was(tmp_path):
    def batches():
        while True:
            yield X[:8], Y[:8]

    with pytest.warns(UserWarning, match="the order of data is not kept. x: where a generator is"):
        model().fit(
            batches(), steps_per_epoch=3, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "a")]
        )
    with pytest.warns(UserWarning, match="whether the batches of a Pass come in the same order"):
        model().fit(Pass(), verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "b")])


def test_an_iterable_skips_what_was_done(tmp_path):
    DATA["pass"] = lambda: {"x": Pass()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keeper = lambda: callbacks.BackupAndRestore(tmp_path, save_freq=2)  # noqa: E731
        assert broken_off("pass", keeper, 8) == (fit("pass", 1), True)
    del DATA["pass"]


def test_a_damaged_backup_is_told_and_the_one_before_serves(tmp_path):
    wanted = never_broken_off()
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, 2, double_checkpoint=True)  # noqa: E731
    with pytest.raises(Die):
        fit("arrays", 1, keeper(), Killer(9))
    path = tmp_path / "training.backup"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 255
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="training.backup: .*Going on from .*previous.backup"):
        assert fit("arrays", 2, keeper()) == wanted
    tmp_path.mkdir()  # it went with the backup
    (tmp_path / "training.backup").write_bytes(b"nothing")
    with pytest.raises(OSError, match="training.backup: .*Take the damaged away"):
        fit("arrays", 2, keeper())


def test_what_does_not_fit_is_refused_before_anything_changes(tmp_path):
    keeper = lambda: callbacks.BackupAndRestore(tmp_path, 2)  # noqa: E731
    with pytest.raises(Die):
        fit("arrays", 1, keeper(), Killer(3))
    for build, data, words in [
        (lambda: model(), {"x": X[:40], "y": Y[:40], "batch_size": 8}, "there are 40 samples, and were 39"),
        (lambda: model(), ARRAYS | {"batch_size": 4}, "within an epoch batch_size stays 8"),
        (lambda: model(), {"x": Shuffling()}, "it is a Shuffling, and was an array"),
    ]:
        made = build()
        before = made.get_weights()
        with pytest.raises(ValueError, match=words):
            made.fit(**data, verbose=0, callbacks=[keeper()])
        assert all(map(np.array_equal, before, made.get_weights()))
    other = cornu.Sequential([cornu.Input((6,)), layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match="is of another model"):
        other.fit(**ARRAYS, verbose=0, callbacks=[keeper()])


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: callbacks.BackupAndRestore(""), "backup_dir"),
        (lambda: callbacks.BackupAndRestore("b", save_freq="batch"), "save_freq is 'epoch'"),
        (lambda: callbacks.BackupAndRestore("b", save_freq=0.5), "save_freq is 'epoch'"),
        (lambda: callbacks.ModelCheckpoint("a.h5", save_state=True), "ends with .keras"),
        (
            lambda: callbacks.ModelCheckpoint("a.weights.h5", save_weights_only=True, save_state=True),
            "ends with .keras",
        ),
    ],
)
def test_arguments_that_mean_nothing(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_only_fit_has_a_training_to_keep(tmp_path):
    with pytest.raises(RuntimeError, match="keeps a training of `fit`"):
        callbacks.CallbackList([callbacks.BackupAndRestore(tmp_path)], model=model()).on_train_begin()


def test_the_constructor_has_the_arguments_of_keras(tmp_path):
    keras = pytest.importorskip("keras")
    import inspect

    ours, theirs = (inspect.signature(each.BackupAndRestore) for each in (callbacks, keras.callbacks))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


# ---- what is kept of objects ----------------------------------------------------------------------


class Noted:
    def __init__(self, size):
        self.size = size
        self.count, self.text, self.order = 3, "a", np.arange(4)
        self.table, self.nested = np.ones((2, 2)), {"a": [1, (2.5, None)]}
        self.random, self.generator = random.Random(1), np.random.default_rng(1)
        self.old, self.cell = np.random.RandomState(1), cornu.Variable([1.0, 2.0])
        self.function, self.model = print, object()


def test_plain_attributes_are_noted_and_put_back():
    a, b = Noted(1), Noted(2)
    for each in (a.random.random, a.generator.random, a.old.rand):
        each()
    a.count, a.nested["a"][0] = 7, 8
    a.cell.assign([3.0, 4.0])
    kept = [b.random, b.generator, b.old, b.cell]
    state = notes.of_attributes(a)
    assert not {"size", "function", "model"} & state.keys()
    assert "table" not in notes.of_attributes(a, small=True)
    notes.to_attributes(b, state)
    assert [b.size, b.count, b.nested["a"][0]] == [2, 7, 8] and b.cell.numpy().tolist() == [3.0, 4.0]
    assert all(x is y for x, y in zip(kept, [b.random, b.generator, b.old, b.cell], strict=True))
    assert [a.random.random(), a.generator.random(), a.old.rand()] == [
        b.random.random(),
        b.generator.random(),
        b.old.rand(),
    ]


# ---- killed ---------------------------------------------------------------------------------------


def test_killed_again_and_again():
    command = [sys.executable, ROOT / "tools" / "torture.py", "--kills", "6", "--kinds", "arrays"]
    made = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert made.returncode == 0 and "0 lost, 0 different" in made.stdout, made.stdout + made.stderr
