"""Callbacks: who is told what, and what those of the library do, compared with Keras 3 and the rules of Keras 1."""

import csv
import http.server
import json
import math
import threading
import urllib.parse
import warnings

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers
from cornu.training import monitors

keras = pytest.importorskip("keras", reason="the oracle is Keras 3 on JAX")


class Thing:
    """Something with attributes."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Model:
    """As much of a model as callbacks want; its weights are the number of the epoch."""

    def __init__(self, rate=1.0):
        self.optimizer, self.stop_training, self.metrics, self.saved = (
            Thing(learning_rate=rate),
            False,
            [],
            [],
        )
        self.weights = -1

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite):
        self.saved.append(path)

    save_weights = save


def run(callback, series, name="val_loss", rate=1.0):
    """Tell a callback epochs with these values; returns the model, and the learning rate after each epoch."""
    model, rates = Model(rate), []
    callback.set_model(model)
    callback.set_params({"epochs": len(series)})
    callback.on_train_begin()
    for epoch, value in enumerate(series):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {name: value})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    callback.on_train_end()
    return model, rates


def series(seed, size=14):
    return np.random.default_rng(seed).integers(0, 6, size).astype(float).tolist()


# ---- hooks ---------------------------------------------------------------------------------------

STAGES = ("train", "test", "predict")
PLAIN = [f"on_{stage}_{at}" for stage in STAGES for at in ("begin", "end")]
INDEXED = [
    "on_epoch_begin",
    "on_epoch_end",
    *(f"on_{stage}_batch_{at}" for stage in STAGES for at in ("begin", "end")),
]


@pytest.mark.parametrize("hook", PLAIN + INDEXED)
def test_each_hook_is_told(hook):
    heard = []
    callback = type("Mine", (callbacks.Callback,), {hook: lambda self, *args: heard.append(args)})()
    told = callbacks.CallbackList([callback, callbacks.Callback()])
    getattr(told, hook)(*([3, {"loss": 1.0}] if hook in INDEXED else [{"loss": 1.0}]))
    assert heard == [((3, {"loss": 1.0}) if hook in INDEXED else ({"loss": 1.0},))]
    getattr(told, hook)(*([3] if hook in INDEXED else []))
    assert heard[1][-1] == {}


@pytest.mark.parametrize("hook", PLAIN + INDEXED)
def test_the_hooks_are_those_of_keras(hook):
    assert hasattr(keras.callbacks.Callback, hook) and hasattr(callbacks.Callback, hook)


@pytest.mark.parametrize("at", ["begin", "end"])
def test_hooks_of_keras_1(at):
    heard = []
    mine = type(
        "Mine", (callbacks.Callback,), {f"on_batch_{at}": lambda self, batch, logs={}: heard.append(batch)}
    )
    told = callbacks.CallbackList(mine())
    getattr(told, f"on_train_batch_{at}")(2, {})
    getattr(told, f"on_batch_{at}")(3, {})
    assert heard == [2, 3] and told.wants_every("train")
    both = type("Both", (mine,), {f"on_train_batch_{at}": lambda self, batch, logs: heard.append(-batch)})
    getattr(callbacks.CallbackList([both()]), f"on_train_batch_{at}")(5)
    assert heard == [2, 3, -5]


def test_setters_of_keras_0():
    class Old(callbacks.Callback):
        def __init__(self):  # does not call that of Callback, as many did
            self.heard = []

        def _set_model(self, model):
            self.heard.append(model)

        def _set_params(self, params):
            self.heard.append(params["epochs"])

    model = Model()
    told = callbacks.CallbackList([Old()], model=model, epochs=4)
    assert told.callbacks[0].heard == [model, 4] and told.callbacks[0].model is model


class Often(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


class Seldom(Often):
    every_batch = False


class AtTests(callbacks.Callback):
    def on_test_batch_begin(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    "made, wanted",
    [
        ([], ""),
        ([Often()], "train"),
        ([Seldom()], ""),
        ([Seldom(), AtTests()], "test"),
        ([callbacks.LambdaCallback(on_predict_batch_end=print)], "predict"),
        ([callbacks.LambdaCallback(on_epoch_end=print)], ""),
        ([callbacks.TerminateOnNaN(), callbacks.ProgbarLogger(), callbacks.History()], ""),
        ([callbacks.ModelCheckpoint("a.keras")], ""),
        ([callbacks.ModelCheckpoint("a.keras", save_freq=2)], "train"),
    ],
)
def test_who_wants_every_batch(made, wanted):
    told = callbacks.CallbackList(made)
    assert [stage for stage in STAGES if told.wants_every(stage)] == wanted.split()


def test_batches_are_told_copies_and_epochs_are_shared():
    def spoil(index, logs):
        logs["mine"] = index

    told = callbacks.CallbackList(
        callbacks.LambdaCallback(on_epoch_end=spoil, on_train_batch_end=spoil), add_history=True
    )
    logs = {"loss": 1.0}
    told.on_train_batch_end(0, logs)
    assert logs == {"loss": 1.0}
    told.on_train_begin()
    told.on_epoch_end(7, logs)
    assert told.history.history == {"loss": [1.0], "mine": [7]} and told.history.epoch == [7]


def test_what_is_added():
    own = callbacks.History()
    told = callbacks.CallbackList([[own], callbacks.EarlyStopping()], add_history=True, add_progbar=True)
    assert told.history is own and [type(each).__name__ for each in told] == [
        "History",
        "EarlyStopping",
        "ProgbarLogger",
    ]
    told.append(Often())
    assert told.wants_every("train")
    cornu.set_era(1)
    assert isinstance(callbacks.CallbackList([own], add_progbar=True).callbacks[0], callbacks.ProgbarLogger)


@pytest.mark.parametrize(
    "given, said",
    [(callbacks.EarlyStopping, r"EarlyStopping\(\.\.\.\)"), (print, "LambdaCallback"), (3, "3 has no")],
)
def test_what_is_no_callback(given, said):
    with pytest.raises(TypeError, match=said):
        callbacks.CallbackList([given])


def test_logs_of_batches_in_old_eras():
    cornu.set_era(1)
    heard = []
    told = callbacks.CallbackList(
        callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: heard.append(logs)),
        model=Model(),
        batch_size=32,
        samples=70,
    )
    told.on_train_batch_end(0, {"loss": 1.0})
    told.on_train_batch_end(2, {"loss": 1.0})
    assert heard == [{"batch": 0, "size": 32, "loss": 1.0}, {"batch": 2, "size": 6, "loss": 1.0}]


# ---- monitors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, sign",
    [
        ("loss", -1), ("val_loss", -1), ("out_loss", -1), ("val_accuracy", 1), ("acc", 1), ("auc", 1),
        ("mean_io_u", 1), ("val_mean_absolute_error", -1), ("mse", -1), ("precision", 1), ("r2_score", 1),
        ("sparse_categorical_crossentropy", -1), ("sparse_categorical_accuracy", 1), ("banana", None),
        ("accuracy_loss", None),
    ],
)  # fmt: skip
def test_direction_by_name(name, sign):
    assert monitors.direction(name) == sign


def test_direction_by_metric():
    model = Thing(metrics=[Thing(name="mine", _direction="up"), Thing(name="loss", _direction="down")])
    assert monitors.direction("val_mine", model) == 1 and monitors.direction("val_loss", model) == -1


@pytest.mark.parametrize("kind", [callbacks.EarlyStopping, callbacks.ReduceLROnPlateau])
def test_unknown_direction(kind):
    with pytest.raises(ValueError, match="'val_banana' should rise or fall. Write mode='max'"):
        run(kind("val_banana"), [1.0])
    cornu.set_era(2)
    run(kind("val_banana"), [1.0], name="val_banana")  # fell, in the old eras


def test_unknown_mode_is_auto():
    with pytest.warns(UserWarning, match="'sideways'"):
        assert callbacks.EarlyStopping(mode="sideways").mode == "auto"


def test_missing_number_is_told_once():
    with pytest.warns(UserWarning, match="watches 'val_loss'.*They have: loss") as told:
        run(callbacks.EarlyStopping(), [1.0, 2.0, 3.0], name="loss")
    assert len(told) == 1


STOPS = [
    {"patience": patience, "min_delta": delta, "mode": mode, **other}
    for patience in (0, 1, 2, 4)
    for delta, mode in ((0, "min"), (1.0, "min"), (0.5, "max"), (0, "auto"))
    for other in ({}, {"baseline": 2.5}, {"restore_best_weights": True}, {"start_from_epoch": 3})
] + [{"patience": 2, "baseline": 1.5, "restore_best_weights": True, "start_from_epoch": 2}]


@pytest.mark.parametrize("arguments", STOPS, ids=str)
def test_early_stopping_as_keras(arguments):
    for seed in range(6):
        ours = callbacks.EarlyStopping(**arguments)
        theirs = keras.callbacks.EarlyStopping(**arguments)
        results = [
            (*run(each, series(seed)), each.stopped_epoch, each.best, each.wait) for each in (ours, theirs)
        ]
        (a, *rest), (b, *other) = results
        assert rest == other and (a.stop_training, a.weights) == (b.stop_training, b.weights)


@pytest.mark.parametrize(
    "era, last", [(1, lambda p: p + 1), (2, lambda p: max(p, 1)), (3, lambda p: max(p, 1))]
)
@pytest.mark.parametrize("patience", [0, 1, 2, 5])
def test_patience_by_era(era, last, patience):
    """Keras 1.2.2 looks at `wait >= patience` before it counts, 2.0.9 and later after that."""
    cornu.set_era(era)
    stop = callbacks.EarlyStopping(patience=patience)
    run(stop, [1.0] * 12)
    assert stop.stopped_epoch == last(patience)


def test_baseline_of_keras_2():
    cornu.set_era(2)
    stop = callbacks.EarlyStopping(baseline=0.5, patience=2)
    run(stop, [0.9, 0.8, 0.7])  # improves, but never on the baseline
    assert stop.stopped_epoch == 1


def test_weights_come_back_in_keras_2_only_when_it_stops():
    for era, kept in ((2, 2), (3, 0)):
        cornu.set_era(era)
        model, _ = run(callbacks.EarlyStopping(patience=5, restore_best_weights=True), [1.0, 2.0, 3.0])
        assert model.weights == kept


def test_a_loss_that_is_no_number_never_improves():
    model, _ = run(callbacks.EarlyStopping(patience=2), [math.nan] * 5)
    assert model.stop_training
    stop = callbacks.EarlyStopping(patience=3)
    run(stop, [math.nan, 2.0, 1.0])
    assert stop.best == 1.0


PLATEAUS = [
    {
        "patience": patience,
        "cooldown": cooldown,
        "min_delta": delta,
        "factor": 0.5,
        "min_lr": lowest,
        "mode": mode,
    }
    for patience in (0, 1, 3)
    for cooldown in (0, 1, 2)
    for delta in (1e-4, 1.0)
    for lowest, mode in ((0.0, "min"), (0.2, "max"))
]


@pytest.mark.parametrize("arguments", PLATEAUS, ids=str)
def test_plateau_as_keras(arguments):
    for seed in range(4):
        ours, theirs = (
            callbacks.ReduceLROnPlateau(**arguments),
            keras.callbacks.ReduceLROnPlateau(**arguments),
        )
        assert run(ours, series(seed, 20))[1] == run(theirs, series(seed, 20))[1]


def plateau_1(values, factor, patience, cooldown, min_delta, min_lr, mode):
    """The learning rates of Keras 1.2.2's rule: it compares `wait` with `patience`, then counts."""
    rate, wait, resting, rates = 1.0, 0, 0, []
    sign = 1 if mode == "max" else -1
    best = -math.inf
    for value in values:
        if resting > 0:
            resting, wait = resting - 1, 0
        if sign * value > best + min_delta:
            best, wait = sign * value, 0
        elif resting <= 0:
            if wait >= patience and rate > min_lr:
                rate, resting, wait = max(rate * factor, min_lr), cooldown, 0
            wait += 1
        rates.append(rate)
    return rates


@pytest.mark.parametrize("arguments", PLATEAUS, ids=str)
def test_plateau_of_keras_1(arguments):
    cornu.set_era(1)
    for seed in range(4):
        rates = run(callbacks.ReduceLROnPlateau(**arguments), series(seed, 20))[1]
        np.testing.assert_allclose(rates, plateau_1(series(seed, 20), **arguments))


def test_plateau_refuses_to_raise_the_rate():
    with pytest.raises(ValueError, match="factor is below 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize("era, name", [(1, "lr"), (2, "lr"), (3, "learning_rate")])
def test_the_rate_is_logged(era, name):
    cornu.set_era(era)
    for callback in (callbacks.ReduceLROnPlateau(), callbacks.LearningRateScheduler(lambda epoch: 0.25)):
        callback.set_model(Model(0.25))
        logs = {"val_loss": 1.0}
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        callback.on_epoch_end(0, logs)
        assert logs == {"val_loss": 1.0, name: 0.25}


def test_several_optimizers_have_their_own_rates():
    callback = callbacks.ReduceLROnPlateau(patience=1, factor=0.5)
    parts = [Thing(name="a", learning_rate=1.0), Thing(name="b", learning_rate=4.0)]
    callback.set_model(Thing(optimizer=Thing(optimizers=parts), metrics=[]))
    callback.on_train_begin()
    for epoch in range(2):
        logs = {"val_loss": 1.0}
        callback.on_epoch_end(epoch, logs)
    assert logs == {"val_loss": 1.0, "learning_rate_a": 1.0, "learning_rate_b": 4.0}
    assert [each.learning_rate for each in parts] == [0.5, 2.0]


# ---- saving ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("era, names", [(1, ["00", "01"]), (2, ["01", "02"]), (3, ["01", "02"])])
def test_epochs_in_file_names(era, names, tmp_path):
    cornu.set_era(era)
    callback = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.1f}.h5")
    model, _ = run(callback, [1.0, 2.0])
    assert model.saved == [str(tmp_path / f"{name}-{i}.0.h5") for i, name in enumerate(names, 1)]


@pytest.mark.parametrize("arguments", [{}, {"initial_value_threshold": 2.5}, {"mode": "max"}])
def test_only_the_best_as_keras(arguments, tmp_path):
    for seed in range(4):
        path = str(tmp_path / "{epoch}.keras")
        saved = [
            run(kind(path, save_best_only=True, **arguments), series(seed))[0].saved
            for kind in (callbacks.ModelCheckpoint, keras.callbacks.ModelCheckpoint)
        ]
        assert saved[0] == saved[1]


def test_every_so_many_epochs(tmp_path):
    cornu.set_era(1)
    model, _ = run(callbacks.ModelCheckpoint(tmp_path / "{epoch}", period=3), [1.0] * 7)
    assert [path[-1] for path in model.saved] == ["2", "5"]


def test_folders_are_made_and_not_overwritten(tmp_path):
    run(callbacks.ModelCheckpoint(tmp_path / "new" / "a.keras"), [1.0])
    assert (tmp_path / "new").is_dir()
    (tmp_path / "b.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        run(callbacks.ModelCheckpoint(tmp_path / "b.keras"), [1.0])


def test_unknown_name_in_the_file_name(tmp_path):
    with pytest.raises(KeyError, match="no 'val_acc'.*They have: epoch, val_loss"):
        run(callbacks.ModelCheckpoint(tmp_path / "{val_acc}.keras"), [1.0])


@pytest.mark.parametrize(
    "path, arguments, said",
    [
        ("model.hdf5", {}, ".keras or .h5"),
        ("model.h5", {"save_weights_only": True}, "weights.h5, since only weights"),
        ("model.keras", {"save_freq": "batch"}, "save_freq"),
        ("model.keras", {"save_freq": 0}, "save_freq"),
    ],
)
def test_refused_at_once(path, arguments, said):
    with pytest.raises(ValueError, match=said):
        callbacks.ModelCheckpoint(path, **arguments)


def test_any_ending_in_old_eras():
    cornu.set_era(2)
    callbacks.ModelCheckpoint("model.hdf5")
    callbacks.ModelCheckpoint("model.anything", save_weights_only=True)


def test_best_without_the_number(tmp_path):
    for era, saved in ((2, 0), (3, 2)):
        cornu.set_era(era)
        callback = callbacks.ModelCheckpoint(tmp_path / "a.h5", save_best_only=True)
        with pytest.warns(UserWarning, match="watches 'val_loss'"):
            assert len(run(callback, [1.0, 2.0], name="loss")[0].saved) == saved


def test_what_is_said(tmp_path, capsys):
    run(callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True, verbose=1), [2.0, 3.0])
    run(callbacks.EarlyStopping(patience=1, verbose=1), [1.0, 1.0])
    run(callbacks.ReduceLROnPlateau(patience=1, verbose=1), [1.0, 1.0])
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: val_loss improved from nothing to 2.00000, saving model to {tmp_path / 'a.keras'}",
        "Epoch 2: val_loss did not improve from 2.00000",
        "Epoch 2: early stopping",
        "Epoch 2: ReduceLROnPlateau lowers learning_rate to 0.1.",
    ]


# ---- schedules and logs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "era, schedule, rates",
    [
        (3, lambda epoch, rate: rate / 2, [0.5, 0.25]),
        (3, lambda epoch: 1 / (epoch + 1), [1.0, 0.5]),
        (2, lambda epoch, rate: rate / 2, [0.5, 0.25]),
        (1, lambda epoch, drop=8: 1 / (epoch + drop), [1 / 8, 1 / 9]),
        (3, lambda *told: np.float32(len(told)), [2.0, 2.0]),
    ],
)
def test_schedules(era, schedule, rates):
    cornu.set_era(era)
    assert run(callbacks.LearningRateScheduler(schedule), [1.0, 1.0])[1] == rates


def test_a_schedule_returns_a_number_and_its_errors_are_its_own():
    with pytest.raises(ValueError, match="has to return a number; it returned None"):
        run(callbacks.LearningRateScheduler(lambda epoch: None), [1.0])

    def wrong(epoch, rate):
        return rate + "a"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(callbacks.LearningRateScheduler(wrong), [1.0])


LOGS = [{"loss": 1.5, "acc": 0.5}, {"loss": 1.0, "acc": 0.75, "val_loss": 2.0}, {"loss": 0.5, "acc": [1, 2]}]


def table(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("append", [False, True])
def test_csv_as_keras(append, tmp_path):
    made = []
    for kind in (callbacks.CSVLogger, keras.callbacks.CSVLogger):
        path = tmp_path / f"{kind.__module__}.csv"
        for _ in range(2):
            log = kind(str(path), append=append)
            log.on_train_begin()
            for epoch, logs in enumerate(LOGS[:2]):
                log.on_epoch_end(epoch, logs)
            log.on_train_end()
        made.append(table(path))
    assert made[0] == made[1]
    assert made[0][0] == ["epoch", "acc", "loss", "val_acc", "val_loss"]


def test_csv_of_lists_and_old_eras(tmp_path):
    cornu.set_era(2)
    log = callbacks.CSVLogger(tmp_path / "a.csv", separator=";")
    log.on_train_begin()
    log.on_epoch_end(0, LOGS[2])
    log.on_train_end()
    assert (tmp_path / "a.csv").read_text() == "epoch;acc;loss\n0;[1, 2];0.5\n"


def test_lambda_refuses_what_is_no_hook():
    with pytest.raises(TypeError, match="Did you mean `on_epoch_end`"):
        callbacks.LambdaCallback(on_epoch_ends=print)


def test_remote_monitor():
    heard = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802 - the server's name
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    callbacks.RemoteMonitor(root, "/a", headers={"X-Key": "1"}).on_epoch_end(0, {"loss": np.float32(0.5)})
    callbacks.RemoteMonitor(root, "/b", send_as_json=True).on_epoch_end(1, {"loss": 0.5})
    server.shutdown()
    server.server_close()
    (path, kind, key, form), (_, other, _, body) = heard
    assert (path, kind, key) == ("/a", "application/x-www-form-urlencoded", "1")
    assert json.loads(urllib.parse.parse_qs(form)["data"][0]) == {"epoch": 0, "loss": 0.5}
    assert other == "application/json" and json.loads(body) == {"epoch": 1, "loss": 0.5}
    with pytest.warns(UserWarning, match="does not answer"):
        callbacks.RemoteMonitor(root).on_epoch_end(0, {"loss": 0.5})


# ---- in fit --------------------------------------------------------------------------------------------


def small(**arguments):
    model = cornu.Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments})
    return model


X, Y = np.ones((70, 3), "float32"), np.ones((70, 1), "float32")


def test_fit_keeps_the_history_and_the_rate():
    model = small(metrics=["mae"])
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(X, Y, epochs=3, verbose=0, validation_split=0.3, callbacks=[halve])
    assert history is model.history and history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae", "learning_rate"}
    np.testing.assert_allclose(history.history["learning_rate"], [0.005, 0.0025, 0.00125])
    assert history.params["epochs"] == 3 and history.params["steps"] == 2


def test_a_rate_that_follows_a_schedule_is_not_set():
    rate = cornu.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = small(optimizer=cornu.optimizers.SGD(rate))
    with pytest.raises(TypeError, match="schedule"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.1)])


def test_batches_in_fit():
    heard = []
    watch = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: heard.append((batch, logs["loss"]))
    )
    small().fit(X, Y, batch_size=32, verbose=0, callbacks=[watch])
    assert [batch for batch, _ in heard] == [0, 1, 2] and all(isinstance(loss, float) for _, loss in heard)


def test_now_and_then_in_fit():
    heard = []

    class Watch(callbacks.Callback):
        every_batch = False

        def on_train_batch_end(self, batch, logs=None):
            heard.append(batch)

    small().fit(
        np.repeat(X, 40, 0), np.repeat(Y, 40, 0), batch_size=10, epochs=5, verbose=0, callbacks=[Watch()]
    )
    assert 5 < len(heard) < 5 * 280 and heard.count(279) == 5


@pytest.mark.parametrize("era", [1, 2])
def test_params_of_old_eras_in_fit(era):
    cornu.set_era(era)
    model = small(metrics=["accuracy"])
    params = model.fit(X, Y, batch_size=32, epochs=1, verbose=0, validation_split=0.5).params
    name = model.metrics_names[1]
    assert params["metrics"] == ["loss", name, "val_loss", f"val_{name}"]
    assert (params["samples"], params["batch_size"], params["do_validation"]) == (35, 32, True)


def test_not_a_number_stops_fit(capsys):
    model = small(optimizer=cornu.optimizers.SGD(1e20))
    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1 and "training stops" in capsys.readouterr().out


def test_checkpoint_in_fit(tmp_path):
    model = small()
    keep = [
        callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        callbacks.ModelCheckpoint(
            tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=2
        ),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=keep)
    names = ["1-2", "1-4", "1-6", "2-1", "2-3", "2-5", "2-7"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["1.keras", "2.keras", *(f"{name}.weights.h5" for name in names)]
    )
    again = cornu.models.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    model.load_weights(tmp_path / "2-7.weights.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("era, ending", [(1, ""), (2, ".hdf5"), (3, ".keras")])
def test_checkpoint_by_era(era, ending, tmp_path):
    cornu.set_era(era)
    model = small()
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / f"model{ending}")])
    again = cornu.models.load_model(tmp_path / f"model{ending}")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_best_weights_come_back_in_fit():
    model = small()
    best = callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[best])
    assert len(history.epoch) == 2 and best.best_epoch == 0
    for kept, weights in zip(best.best_weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weights)
