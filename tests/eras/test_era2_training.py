"""What Keras 2.3 did when it trained: losses for some outputs, batches by number, callbacks; and calls of its time."""

import types
import warnings

import numpy as np
import pytest

import cornu
from cornu import Model, Sequential, callbacks, config, layers, models, optimizers
from cornu import backend as K
from cornu.layers import LSTM, Dense, Input, Lambda
from cornu.utils import Sequence

draw = np.random.default_rng(0)
X = draw.normal(size=(10, 3)).astype("float32")
Y = draw.normal(size=(10, 2)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(2)


# ---- losses for some of the outputs --------------------------------------------------------------


def two_outputs():
    x = Input((3,))
    first = Dense(2, name="first")(x)
    return Model(x, [first, Dense(2, name="second")(first)])


@pytest.mark.parametrize("era", [2, 3])
@pytest.mark.parametrize("targets", [Y, [Y], {"second": Y}], ids=["array", "list", "dict"])
def test_targets_for_the_outputs_with_a_loss(era, targets):
    cornu.set_era(era)
    model = two_outputs()
    model.compile("sgd", {"second": "mse"}, metrics=["mae"])
    error = model.predict(X, verbose=0)[1] - Y
    wanted = np.mean(error**2), np.mean(np.abs(error))
    np.testing.assert_allclose(model.test_on_batch(X, targets), wanted, rtol=1e-5)
    assert model.metrics_names == ["loss", "second_mae"]
    before = model.get_layer("second").get_weights()[0]
    history = model.fit(X, targets, validation_data=(X, targets), verbose=0).history
    assert np.abs(model.get_layer("second").get_weights()[0] - before).max() > 0
    np.testing.assert_allclose(history["val_loss"], model.evaluate(X, targets, verbose=0)[0], rtol=1e-5)


def test_weights_of_samples_for_the_outputs_with_a_loss():
    model = two_outputs()
    model.compile("sgd", {"second": "mse"})
    weights = np.arange(10.0)
    error = ((model.predict(X)[1] - Y) ** 2).mean(1)
    found = model.evaluate(X, Y, sample_weight=[weights], verbose=0)
    np.testing.assert_allclose(found, np.mean(error * weights), rtol=1e-5)


def test_metrics_are_named_before_the_first_batch_as_they_are_after():
    model = two_outputs()
    model.compile("sgd", {"second": "mse"}, metrics={"first": "mae", "second": "mae"})
    assert model.metrics_names == ["loss", "second_mae"]


def test_targets_of_another_number_are_refused():
    model = two_outputs()
    model.compile("sgd", {"second": "mse"})
    with pytest.raises(ValueError, match="3 arrays for 2 outputs"):
        model.fit(X, [Y, Y, Y], verbose=0)


@pytest.mark.parametrize("inputs", [[X, None], [X, None, X], [None, X]])
def test_none_among_the_inputs_is_refused(inputs):
    a, b = Input((3,), name="a"), Input((3,), name="b")
    model = Model([a, b], layers.add([a, b]))
    with pytest.raises(ValueError, match=r"2 inputs \(a, b\).*None"):
        model.predict(inputs)


@pytest.mark.parametrize("mode", ["weekly", ["temporal"], {"third": "temporal"}, [None, "weekly"]])
def test_sample_weight_modes_that_cannot_be_meant_are_refused(mode):
    with pytest.raises(ValueError, match="sample_weight_mode"):
        two_outputs().compile("sgd", "mse", sample_weight_mode=mode)


# ---- batches by number ---------------------------------------------------------------------------


class Batches(Sequence):
    """Batches that are counted as they are asked for; in each epoch there are fewer."""

    def __init__(self, length, fewer=0):
        self.length, self.fewer, self.asked = length, fewer, []

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.asked.append(index)
        return X[index : index + 2], Y[index : index + 2]

    def on_epoch_end(self):
        self.length -= self.fewer


def model_of_one_layer():
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_each_batch_is_made_once_an_epoch(workers):
    data, held = Batches(4), Batches(6)
    model_of_one_layer().fit_generator(
        data, epochs=2, validation_data=held, validation_steps=3, workers=workers, verbose=0
    )
    assert sorted(data.asked) == sorted([0, 1, 2, 3] * 2)
    assert sorted(held.asked) == [0, 0, 1, 1, 2, 2]


def test_a_sequence_may_become_shorter():
    data, told = Batches(5, fewer=2), []
    seen = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: told.append(seen.params["steps"]))
    model_of_one_layer().fit_generator(data, epochs=3, callbacks=[seen], verbose=0, shuffle=False)
    assert told == [5, 3, 1]
    assert data.asked == [0, 1, 2, 3, 4, 0, 1, 2, 0]


def test_the_first_batch_of_an_epoch_is_that_of_its_order():
    data, model = Batches(8), model_of_one_layer()
    np.random.seed(0)
    model.fit_generator(data, epochs=2, verbose=0, workers=1)
    first, second = data.asked[:8], data.asked[8:]
    assert sorted(first) == sorted(second) == list(range(8)) and first != second
    np.random.seed(0)
    wanted = np.arange(8)
    np.random.shuffle(wanted)
    assert first == wanted.tolist()


def test_a_source_is_told_of_an_epoch_before_it_is_asked_for_batches():
    events = []

    class Told(Batches):
        def on_epoch_begin(self):
            events.append("begins")

        def __getitem__(self, index):
            events.append(index)
            return super().__getitem__(index)

    model_of_one_layer().fit_generator(Told(2), epochs=2, verbose=0, shuffle=False)
    assert events == ["begins", 0, 1, "begins", 0, 1]


def test_predict_takes_a_sequence():
    model = model_of_one_layer()
    wanted = np.concatenate([model.predict(X[index : index + 2]) for index in range(3)])
    np.testing.assert_allclose(model.predict(Batches(3)), wanted, rtol=1e-6)


# ---- what is trained, and callbacks --------------------------------------------------------------


def test_a_warning_where_trainable_was_changed_since_compile():
    inner = Sequential([Dense(3, input_shape=(3,))])
    inner.trainable = False
    model = Sequential([inner, Dense(2)])
    model.compile("sgd", "mse")
    inner.trainable = True
    for act in (lambda: model.fit(X, Y, verbose=0), lambda: model.summary(print_fn=lambda line: None)):
        with pytest.warns(UserWarning, match="4 weights are trainable, but `compile` found 2"):
            act()
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(("losses", "end"), [([3.0, 1.0, 2.0, 2.0], 1), ([3.0, 1.0, 2.0], 2)])
def test_the_best_weights_are_put_back_where_training_stops(losses, end):
    """At once, so that callbacks after it see them; and not where training came to its own end."""
    model = types.SimpleNamespace(stop_training=False, weights=None)
    model.get_weights = lambda: model.weights
    model.set_weights = lambda weights: setattr(model, "weights", weights)
    stop = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    stop.set_model(model)
    stop.on_train_begin()
    for epoch, loss in enumerate(losses):
        model.weights = epoch
        stop.on_epoch_end(epoch, {"loss": loss})
    assert model.weights == end
    stop.on_train_end()
    assert model.weights == end


@pytest.mark.parametrize("cell", [True, False])
def test_optimizers_that_have_only_lr(cell):
    optimizer = types.SimpleNamespace(lr=K.variable(1.0) if cell else 1.0)
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1)
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 4)
    for each in (plateau, schedule):
        each.set_model(types.SimpleNamespace(optimizer=optimizer))
    plateau.on_train_begin()
    logs = {"loss": 1.0}
    plateau.on_epoch_end(0, logs)
    plateau.on_epoch_end(1, {"loss": 1.0})
    schedule.on_epoch_begin(2)
    assert logs["lr"] == 1.0
    assert (K.get_value(optimizer.lr) if cell else optimizer.lr) == 0.125


def test_two_models_with_one_nadam_keep_its_state(tmp_path):
    optimizer = optimizers.Nadam()
    found = []
    for _ in range(2):
        model = Sequential([Dense(2, input_shape=(3,))])
        model.compile(optimizer, "mse")
        model.fit(X, Y, verbose=0)
        model.save(tmp_path / "m.h5")
        twin = models.load_model(tmp_path / "m.h5")
        found.append([float(each.train_on_batch(X, Y)) for each in (model, twin) for _ in range(2)])
    for own1, own2, twin1, twin2 in found:
        np.testing.assert_allclose([twin1, twin2], [own1, own2], rtol=1e-6)


# ---- models --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ["sequential", "functional"])
def test_clones_upon_tensors(make):
    x = Input((3,))
    model = Model(x, Dense(2)(x)) if make == "functional" else Sequential([Dense(2, input_shape=(3,))])
    mine, cell = Input((3,)), K.variable(X)
    assert models.clone_model(model, input_tensors=mine).inputs[0] is mine
    twin = models.clone_model(model, input_tensors=[cell])
    twin.set_weights(model.get_weights())
    of_cell = K.function([], [twin.output])
    np.testing.assert_allclose(of_cell([])[0], model.predict(X), rtol=1e-6)
    K.set_value(cell, 2 * X)
    np.testing.assert_allclose(of_cell([])[0], model.predict(2 * X), rtol=1e-6)
    twin.compile("sgd", "mse")
    wanted = np.mean((model.predict(2 * X) - Y) ** 2)
    for act in (twin.test_on_batch, twin.evaluate):
        np.testing.assert_allclose(act(None, Y), wanted, rtol=1e-5)
    np.testing.assert_allclose(twin.predict(None, steps=2), np.tile(model.predict(2 * X), (2, 1)), rtol=1e-6)
    losses = twin.fit(None, Y, epochs=2, verbose=0).history["loss"]
    np.testing.assert_allclose(losses[0], wanted, rtol=1e-5)
    assert losses[1] < losses[0]
    with pytest.raises(ValueError, match="There is no data"):
        model.predict(None)
    with pytest.raises(ValueError, match="1 inputs; there are 2"):
        models.clone_model(model, input_tensors=[mine, cell])


@pytest.mark.parametrize("given", [X, [X], {"b": X}], ids=["array", "list", "dict"])
def test_inputs_that_stand_for_cells_are_not_fed(given):
    cell = K.variable(3 * X)
    a, b = Input(tensor=cell, name="a"), Input(batch_shape=(10, 3), name="b")
    model = Model([a, b], Dense(2)(layers.subtract([a, b])))
    model.compile("sgd", "mse")
    wanted = model.predict([2 * X, np.zeros_like(X)])
    np.testing.assert_allclose(model.predict(given), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.train_on_batch(given, Y), np.mean((wanted - Y) ** 2), rtol=1e-5)


def test_set_inputs():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    own = Own()
    own._set_inputs(X)
    assert [cell.shape for cell in own.weights] == [(3, 2), (2,)]
    x = Input((3,))
    model = Model(x, Dense(2)(x))
    with pytest.raises(ValueError, match="has inputs already"):
        model._set_inputs(x)
    wanted, model.inputs = model.predict(X), None
    model._set_inputs([x])
    np.testing.assert_array_equal(model.predict(X), wanted)


# ---- calls of their time -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "args", "kwargs", "new", "size"),
    [
        ("Convolution2D", (5, 3), {"nb_col": 4}, "Conv2D", (3, 4)),
        ("Convolution2D", (5,), {"nb_row": 3, "nb_col": 4}, "Conv2D", (3, 4)),
        ("ConvLSTM2D", (5, 3), {"nb_col": 4}, "ConvLSTM2D", (3, 4)),
        ("SeparableConv2D", (5, 3), {"nb_col": 4}, "SeparableConv2D", (3, 4)),
        ("Convolution3D", (5, 3, 4), {"kernel_dim3": 2}, "Conv3D", (3, 4, 2)),
        ("Convolution3D", (5, 3), {"kernel_dim2": 4, "kernel_dim3": 2}, "Conv3D", (3, 4, 2)),
    ],
)
def test_old_arguments_partly_by_place(keras_is_cornu, old, args, kwargs, new, size):
    made = getattr(keras_is_cornu.layers, old)(*args, name="it", **kwargs)
    wanted = getattr(layers, new)(5, size, name="it")
    assert type(made) is type(wanted) and made.get_config() == wanted.get_config()


def test_a_deconvolution_by_place(keras_is_cornu):
    layer = keras_is_cornu.layers.Deconvolution2D(5, 3, 3, (None, 6, 6, 5), input_shape=(4, 4, 2))
    assert layer.kernel_size == (3, 3) and Sequential([layer]).output_shape == (None, 6, 6, 5)


def test_arguments_of_a_lambda():
    layer = Lambda(lambda x, factor: x * factor, arguments={"factor": 3})
    assert layer.arguments == {"factor": 3}
    assert layer.get_config()["arguments"] == {"factor": 3}


def test_a_recurrent_layer_called_by_place_in_its_subclass():
    """As `(inputs, mask, training, initial_state)`, under the name `inputs`."""

    class Doubled(LSTM):
        def call(self, inputs, mask=None, training=None, initial_state=None):
            return super().call(2 * inputs, mask, training, initial_state)

    steps, states = (
        draw.normal(size=(2, 4, 3)).astype("float32"),
        draw.normal(size=(2, 2, 5)).astype("float32"),
    )
    x, h, c = Input((4, 3)), Input((5,)), Input((5,))
    model = Model([x, h, c], Doubled(5)(x, initial_state=[h, c]))
    plain = Model([x, h, c], LSTM(5)(x, initial_state=[h, c]))
    plain.set_weights(model.get_weights())
    found, wanted = model.predict([steps, *states]), plain.predict([2 * steps, *states])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    layer = Doubled(5, weights=model.get_weights())
    found = layer(K.constant(steps), mask=K.constant(mask, dtype="bool"))
    np.testing.assert_allclose(
        K.eval(found)[0], K.eval(layer(K.constant(steps[:1, :2])))[0], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_kernels_of_keras_1_of_a_transposed_convolution_with_channels_first(keras_is_cornu, backend):
    """`(filters, channels, rows, columns)`: each input is spread by the kernel, turned round on Theano."""
    cornu.set_era(1)
    with config.backend_scope(backend):
        layer = keras_is_cornu.layers.Deconvolution2D(
            2, 2, 3, output_shape=(None, 2, 3, 4), dim_ordering="th", input_shape=(3, 2, 2)
        )
        model = Sequential([layer])
        kernel, bias = layer.get_weights()
        assert kernel.shape == (2, 3, 2, 3)
        kernel = draw.normal(size=kernel.shape).astype("float32")
        layer.set_weights([kernel, bias])
        np.testing.assert_array_equal(layer.get_weights()[0], kernel)
    spreading = kernel[..., ::-1, ::-1] if backend == "theano" else kernel
    x = draw.normal(size=(1, 3, 2, 2)).astype("float32")
    wanted = np.zeros((1, 2, 3, 4))
    for row in range(2):
        for column in range(2):
            spread = np.einsum("nc,fcij->nfij", x[:, :, row, column], spreading)
            wanted[:, :, row : row + 2, column : column + 3] += spread
    np.testing.assert_allclose(model.predict(x), wanted, rtol=1e-4, atol=1e-5)
