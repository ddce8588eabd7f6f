"""Habits of public programs of 2016-2023 that lean on how Keras was made, each with numbers of its own."""

import importlib

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import initializers, layers, models, optimizers
from cornu.eras import detect, inside, unseen
from cornu.layers import recurrent_steps

draw = np.random.default_rng(8)
X = draw.normal(size=(4, 5, 3)).astype("float32")
FLAT = draw.normal(size=(8, 3)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(2)


# ---- recurrent layers of one's own -------------------------------------------------------------


class Leaky(recurrent_steps.Recurrent):
    """`h = h / 2 + x @ w`, and a second state that counts steps: in the words of Keras 2."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.input_spec = layers.InputSpec(shape=shape if self.stateful else (None, None, shape[2]))
        self.states = [None, None]
        if self.stateful:
            self.reset_states()
        self.w = self.add_weight((shape[2], self.units), initializer="ones", name="w")
        self.built = True

    def preprocess_input(self, inputs, training=None):
        return K.dot(inputs, self.w) if self.implementation == 0 else inputs

    def step(self, inputs, states):
        x = inputs if self.implementation == 0 else K.dot(inputs, self.w)
        h = states[0] * 0.5 + x
        return h, [h, states[1] + 1]


def leaky(x, h=0.0):
    made = []
    for t in range(x.shape[1]):
        h = h * 0.5 + x[:, t].sum(-1, keepdims=True) * np.ones(2)
        made.append(h)
    return np.stack(made, 1)


@pytest.mark.parametrize("implementation", [0, 1])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_recurrent_of_keras_2(implementation, return_sequences):
    layer = Leaky(2, return_sequences=return_sequences, return_state=True, implementation=implementation)
    source = layers.Input((5, 3))
    outputs, *states = models.Model(source, layer(source)).predict(X)
    wanted = leaky(X)
    np.testing.assert_allclose(outputs, wanted if return_sequences else wanted[:, -1], rtol=1e-5)
    np.testing.assert_allclose(states[0], wanted[:, -1], rtol=1e-5)
    np.testing.assert_array_equal(states[1], 5)


def test_recurrent_with_states_to_begin_with():
    source, h, count = layers.Input((5, 3)), layers.Input((2,)), layers.Input((2,))
    model = models.Model([source, h, count], Leaky(2)(source, initial_state=[h, count]))
    start = np.full((4, 2), 3.0)
    np.testing.assert_allclose(model.predict([X, start, start]), leaky(X, start)[:, -1], rtol=1e-5)
    with pytest.raises(ValueError, match="2 states; got 1"):
        Leaky(2)([X, start.astype("float32")])


def test_stateful_recurrent_goes_on_and_begins_anew():
    layer = Leaky(2, stateful=True, batch_input_shape=(4, 5, 3))
    model = models.Sequential([layer])
    model.predict(X, batch_size=4)
    twice = leaky(np.concatenate([X, X], 1))[:, -1]
    np.testing.assert_allclose(model.predict(X, batch_size=4), twice, rtol=1e-5)
    layer.reset_states()
    np.testing.assert_allclose(model.predict(X, batch_size=4), leaky(X)[:, -1], rtol=1e-5)


class Masking(layers.Layer):
    """A cell that draws once what it drops, and keeps it, as those of Keras 2 did."""

    state_size = units = 3

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._dropout_mask = None

    def call(self, inputs, states, training=None):
        if self._dropout_mask is None:
            ones = K.ones_like(inputs)
            self._dropout_mask = recurrent_steps._generate_dropout_mask(ones, 0.5, training)
        return inputs * self._dropout_mask, [states[0]]


def test_cells_drop_the_same_at_all_steps_and_anew_in_each_call():
    layer = layers.RNN(Masking(), return_sequences=True)
    ones = np.ones((16, 6, 3), "float32")
    first, second = (np.asarray(layer(ones, training=True)) for _ in range(2))
    assert set(np.unique(first)) == {0.0, 2.0} and (first == first[:, :1]).all() and (first != second).any()
    np.testing.assert_array_equal(layer(ones), ones)
    model = models.Sequential([layers.RNN(Masking(), input_shape=(6, 3))])
    model.compile("sgd", "mse")
    for _ in range(2):
        model.train_on_batch(ones, ones[:, 0])


def test_arguments_of_recurrent_layers_in_one_list():
    assert unseen._standardize_args(["x", "h", "c", "k"], None, None, 1) == ("x", ["h", "c"], ["k"])
    assert unseen._standardize_args("x", "h", None, None) == ("x", ["h"], None)


# ---- sizes -------------------------------------------------------------------------------------


def places(x):
    """Where each step is, from -1 to 1, beside what it holds."""
    batch, steps, _ = [K.shape(x)[i] for i in range(3)]
    each = K.tile(K.expand_dims(K.arange(0, steps), axis=0), K.stack([batch, 1]))
    share = K.cast(K.expand_dims(each), K.floatx()) / K.cast(steps - 1, K.floatx())
    return K.concatenate([x, share * 2 - 1], axis=-1)


def halves(x):
    """The largest of each half of the steps."""
    length = K.cast(K.shape(x)[1], "float32") / 2
    ends = [K.cast(K.round(i * length), "int32") for i in range(3)]
    return K.stack([K.max(x[:, a:b], axis=1) for a, b in zip(ends, ends[1:], strict=False)], axis=1)


def outer(x):
    """Each step beside each."""
    steps = K.shape(x)[1]
    wide = K.tile(K.expand_dims(x, 2), K.concatenate([[1, 1], [steps], [1]], 0))
    return wide + K.tile(K.expand_dims(x, 1), K.concatenate([[1], [steps], [1, 1]], 0))


STEPS = np.broadcast_to(np.linspace(-1, 1, 5)[:, None], (4, 5, 1))


@pytest.mark.parametrize(
    "function, wanted",
    [
        (places, np.concatenate([X, STEPS], -1)),
        (halves, np.stack([X[:, :2].max(1), X[:, 2:].max(1)], 1)),
        (outer, X[:, :, None] + X[:, None]),
    ],
)
@pytest.mark.parametrize("steps", [5, None])
def test_programs_reckon_with_sizes(function, wanted, steps):
    source = layers.Input((steps, 3))
    model = models.Model(source, layers.Lambda(function)(source))
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5)


def test_whole_numbers_stay_whole_numbers():
    assert K.stack([2, 3]).tolist() == [2, 3] and K.concatenate([[1], [2, 3]]).tolist() == [1, 2, 3]


# ---- layers above those of the library -----------------------------------------------------------


class Bare(layers.Dropout):
    def call(self, inputs):
        return super().call(inputs)


class Open(layers.BatchNormalization):
    def call(self, *args, **kwargs):
        return super().call(*args, **kwargs)


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_class_leaves_unsaid_is_the_phase_that_holds(number):
    cornu.set_era(number)
    ones = np.ones((50, 4), "float32")
    dropped = np.asarray(Bare(0.5)(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    normal = np.asarray(Open()(FLAT, training=True))
    np.testing.assert_allclose(normal.mean(0), 0, atol=1e-5)
    np.testing.assert_array_equal(Bare(0.5)(ones), ones)


def test_what_a_class_leaves_unsaid_in_era_3_is_the_default():
    cornu.set_era(3)
    ones = np.ones((5, 4), "float32")
    np.testing.assert_array_equal(Bare(0.5)(ones, training=True), ones)


def test_an_attribute_named_cell_may_be_anything():
    class Choice(layers.Layer):
        def __init__(self, cell=None, **kwargs):
            super().__init__(**kwargs)
            self.cell = cell

        def call(self, x):
            return x

    for cell in (None, "a"):
        assert models.Sequential([Choice(cell, input_shape=(3,))]).layers[0].cell == cell


def test_names_with_a_slash(tmp_path):
    model = models.Sequential([layers.Dense(2, input_shape=(3,), name="conv1/conv")])
    model.save_weights(tmp_path / "w.h5")
    before = model.predict(FLAT)
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(model.predict(FLAT), before)
    cornu.set_era(3)
    with pytest.raises(ValueError, match="conv1/conv"):
        layers.Dense(2, name="conv1/conv")


def test_merges_of_one_s_own_for_one_batch_size():
    class Between(unseen._Merge):
        def _merge_function(self, inputs):
            share = K.random_uniform((8, 1))
            return share * inputs[0] + (1 - share) * inputs[1]

    a, b = layers.Input((3,)), layers.Input((3,))
    between = Between()([a, b])
    assert between.shape == (None, 3)
    made = models.Model([a, b], between).predict([FLAT, FLAT + 1], batch_size=8)
    assert (made >= FLAT - 1e-6).all() and (made <= FLAT + 1 + 1e-6).all()
    with pytest.raises(NotImplementedError, match="_merge_function"):
        unseen._Merge()([FLAT, FLAT])


def test_separable_convolutions_took_a_kernel_initializer_without_effect():
    layers.SeparableConv2D(2, 3, kernel_initializer="zeros")
    cornu.set_era(3)
    with pytest.raises(TypeError, match="kernel_initializer"):
        layers.SeparableConv2D(2, 3, kernel_initializer="zeros")


# ---- weights at first ------------------------------------------------------------------------------


class Scaled(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return K.ones(shape, dtype=dtype) * -2.5


def test_initializers_made_of_cells():
    layer = layers.Dense(2, bias_initializer=Scaled())
    layer.build((None, 3))
    np.testing.assert_array_equal(layer.get_weights()[1], -2.5)


def test_fans_of_kernels_with_channels_first():
    for fans in (
        initializers.compute_fans((32, 16, 3, 3), "channels_first"),
        initializers.compute_fans((32, 16, 3, 3), data_format="channels_first"),
        initializers.compute_fans((3, 3, 16, 32), data_format="channels_last"),
    ):
        assert fans == (144, 288)


# ---- training --------------------------------------------------------------------------------------


def descend(momenta, lr=0.1):
    """A weight and its momentum after as many steps on the loss `mean((x @ w) ** 2)`."""
    w, v = np.ones((3, 1)), 0
    for momentum in momenta:
        v = momentum * v - lr * 2 * FLAT.T @ FLAT @ w / len(FLAT)
        w = w + v
    return w


@pytest.mark.parametrize("by", ["K.set_value", "assignment"])
def test_callbacks_set_the_momentum(by):
    class Cycle(cornu.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            if by == "assignment":
                self.model.optimizer.momentum = 0.5
            else:
                K.set_value(self.model.optimizer.momentum, 0.5)

    optimizer = optimizers.SGD(lr=0.1, momentum=0.9)
    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(3,))])
    model.compile(optimizer, "mse")
    model.fit(FLAT, np.zeros((8, 1)), batch_size=8, epochs=4, verbose=0, callbacks=[Cycle()])
    np.testing.assert_allclose(model.get_weights()[0], descend([0.9, 0.5, 0.5, 0.5]), rtol=1e-4)
    assert optimizer.get_config()["momentum"] == 0.5
    weight = cornu.Variable(np.ones(1, "float32"))
    again = optimizers.SGD(lr=0.1, momentum=0.9)
    for momentum in (0.9, 0.5):
        K.set_value(again.momentum, momentum)
        again.apply([np.ones(1, "float32")], [weight])
    np.testing.assert_allclose(weight.numpy(), 1 - 0.1 - (0.5 * 0.1 + 0.1), rtol=1e-6)


def test_optimizers_around_others_ask_by_name():
    class Followed(optimizers.Optimizer):
        def __init__(self, optimizer, more):
            super().__init__()
            self.optimizer, self.more = optimizer, more

        def get_updates(self, params, loss):
            self.updates = self.optimizer.get_updates(params=params, loss=loss) + self.more
            return self.updates

        def get_config(self):
            return self.optimizer.get_config()

    model = models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(3,))])
    target = K.variable(np.zeros((3, 1)))
    follows = [(target, 0.5 * target + 0.5 * model.weights[0])]
    model.compile(Followed(optimizers.SGD(lr=0.1), follows), "mse")
    model.train_on_batch(FLAT, np.zeros((8, 1)))
    np.testing.assert_allclose(model.get_weights()[0], descend([0.0]), rtol=1e-5)
    np.testing.assert_allclose(K.get_value(target), np.full((3, 1), 0.5), rtol=1e-5)


class Counted(layers.Layer):
    """How many samples there were since the epoch began: a metric of Keras 2.1."""

    def __init__(self, name="counted", **kwargs):
        super().__init__(name=name, **kwargs)
        self.stateful = True
        self.seen = K.variable(0, dtype="int32")

    def reset_states(self):
        K.set_value(self.seen, 0)

    def __call__(self, y_true, y_pred):
        now = K.sum(K.ones_like(y_true[:, 0], dtype="int32"))
        before = self.seen * 1
        self.add_update(K.update_add(self.seen, now), inputs=[y_true, y_pred])
        return before + now


def test_layers_as_metrics():
    model = models.Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse", metrics=[Counted()])
    y = np.zeros((8, 1))
    history = model.fit(FLAT, y, batch_size=2, epochs=2, verbose=0, validation_data=(FLAT[:6], y[:6])).history
    assert history["counted"] == [8, 8] and history["val_counted"] == [6, 6]
    assert model.evaluate(FLAT, y, batch_size=4, verbose=0)[1] == 8


def test_models_with_losses_of_one_s_own_are_saved(tmp_path):
    def halved(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), axis=-1) / 2

    model = models.Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", halved, metrics=[halved])
    model.save(tmp_path / "m.h5")
    again = models.load_model(tmp_path / "m.h5", custom_objects={"halved": halved})
    y = np.ones((8, 1))
    np.testing.assert_allclose(again.test_on_batch(FLAT, y), model.test_on_batch(FLAT, y), rtol=1e-6)


@pytest.mark.oracle
def test_sequences_of_other_lengths_as_keras_3():
    keras = pytest.importorskip("keras")
    cornu.set_era(3)

    def made(library):
        built_by_data = library.Sequential([library.layers.Embedding(9, 4), library.layers.LSTM(3)])
        declared = library.Sequential([library.Input((3, 4)), library.layers.Dense(2)])
        shapes = [built_by_data(np.ones((2, n), "int32")).shape for n in (5, 7)]
        return [*shapes, declared(np.ones((2, 6, 4), "float32")).shape]

    assert [tuple(each) for each in made(cornu)] == [tuple(each) for each in made(keras)]


# ---- graphs ----------------------------------------------------------------------------------------


def test_a_learning_phase_at_the_end_may_be_left_out():
    source = layers.Input((3,))
    outputs = layers.Dropout(0.5)(source)
    function = K.function([source, K.learning_phase()], [outputs])
    np.testing.assert_array_equal(function([FLAT])[0], FLAT)
    assert (function([FLAT, 1])[0] == 0).any()
    with pytest.raises(TypeError, match="2 inputs"):
        function([FLAT, 1, 1])


def test_symbols_have_a_length_where_it_is_known():
    assert not hasattr(layers.Input((3,)), "__len__") and not hasattr(layers.Input((3,))[0, 0], "__len__")
    assert len(layers.Input(batch_shape=(4, 3))) == 4
    with pytest.raises(TypeError, match="no length"):
        len(layers.Input((3,)))


def test_a_model_for_several_devices_computes_the_same():
    inner = models.Sequential([layers.Dense(2, input_shape=(3,), name="out")])
    outer_model = unseen.multi_gpu_model(inner, gpus=2)
    np.testing.assert_array_equal(outer_model.predict(FLAT), inner.predict(FLAT))
    assert outer_model.layers[-2] is inner and outer_model.output_names == inner.output_names
    for gpus in (1, None):  # this test runs where there are no two graphics cards
        with pytest.raises(ValueError, match="2 graphics cards"):
            unseen.multi_gpu_model(inner, gpus=gpus)


def test_shapes_brought_into_a_format():
    assert unseen.transpose_shape((8, 5, 6, 3), "channels_first", (1, 2)) == (8, 3, 5, 6)
    assert unseen.transpose_shape((8, 5, 6, 3), "channels_last", (1, 2)) == (8, 5, 6, 3)
    assert unseen.is_all_none([None, None]) and not unseen.is_all_none([None, 1])
    with pytest.raises(ValueError, match="target_format"):
        unseen.transpose_shape((1,), "channels", ())


# ---- names -----------------------------------------------------------------------------------------

HELD = [
    ("keras.layers.merge", "_Merge"),
    ("keras.layers.convolutional", "_Conv"),
    ("keras.layers.pooling", "_Pooling2D"),
    ("keras.layers.recurrent", "_generate_dropout_mask"),
    ("keras.legacy.layers", "Recurrent"),
    ("keras.engine.topology", "_to_list"),
    ("keras.engine.training", "_make_batches"),
    ("keras.engine.training", "_slice_arrays"),
    ("keras.utils", "multi_gpu_model"),
    ("keras.utils.conv_utils", "normalize_data_format"),
    ("keras.layers", "warnings"),
    ("keras.models", "np"),
]


@pytest.mark.parametrize("module, name", HELD)
def test_names_that_programs_took_all_the_same(keras_is_cornu, module, name):
    assert getattr(importlib.import_module(module), name) is not None
    with pytest.raises(AttributeError, match="no_such"):
        importlib.import_module(module)._no_such  # noqa: B018


@pytest.mark.parametrize("number, brings", [(1, True), (2, True), (3, False)])
def test_a_star_brings_k_and_np(keras_is_cornu, number, brings):
    cornu.set_era(number)
    found = {}
    exec("from keras.layers import *", found)
    assert ("K" in found and found.get("np") is np) == brings and "Dense" in found


def test_the_backend_s_tensorflow_is_named(keras_is_cornu):
    with pytest.raises(AttributeError, match=r"`tf.gather_nd` belongs to TensorFlow"):
        keras_is_cornu.backend.tf.gather_nd  # noqa: B018


def test_what_keras_3_s_own_tree_holds():
    assert (
        inside.standardize_tuple(2, 3, "size") == (2, 2, 2) == inside.standardize_tuple([2, 2, 2], 3, "size")
    )
    for wrong in ((1, 2), 0, (1, "a", 2)):
        with pytest.raises(ValueError, match="size"):
            inside.standardize_tuple(wrong, 3, "size")
    assert inside.LazyModule("json").dumps([1]) == "[1]" and inside.LazyModule("json").available
    missing = inside.LazyModule("no_such_package")
    assert not missing.available
    with pytest.raises(ImportError, match="no_such_package"):
        missing.anything  # noqa: B018


@pytest.mark.parametrize(
    "program, wanted",
    [
        ("class Mine(Optimizer):\n    def get_updates(self, loss, params): pass", 2),
        ("from sklearn.svm import SVC\nimport keras\nSVC().predict_proba(x)", 3),
        ("import keras\nmodel.predict_proba(x)", 2),
    ],
)
def test_words_that_tell_the_era(program, wanted):
    assert detect.detect(program)[0] == wanted
