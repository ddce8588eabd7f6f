"""Layers as Keras 2.3 had them, where that is not how they are today: cells, masks, initializers that count up."""

import numpy as np
import pytest

import cornu
from cornu import Model, Sequential, initializers, layers
from cornu import backend as K
from cornu.layers import GRU, LSTM, RNN, Dense, Embedding, Flatten, Input, Layer, Masking, TimeDistributed

draw = np.random.default_rng(1)
X = draw.normal(size=(2, 4, 3)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(2)


# ---- recurrent ---------------------------------------------------------------------------------


class Plain:
    """A cell that is no layer."""

    def __init__(self, units):
        self.state_size = units
        self.kernel = K.variable(np.ones((3, units)))

    def call(self, inputs, states):
        output = K.dot(inputs, self.kernel) + states[0]
        return output, [output]


def test_a_cell_need_be_no_layer():
    x = Input((None, 3))
    model = Model(x, RNN(Plain(2))(x))
    np.testing.assert_allclose(model.predict(X), np.repeat(X.sum((1, 2))[:, None], 2, 1), rtol=1e-5)


@pytest.mark.parametrize("reverse", [False, True])
def test_states_of_stacked_cells(reverse):
    cells = [layers.LSTMCell(2), layers.LSTMCell(3)]
    stack = layers.StackedRNNCells(cells, reverse_state_order=reverse)
    sizes = (3, 3, 2, 2) if reverse else (2, 2, 3, 3)
    assert stack.state_size == sizes
    layer = RNN(stack, return_state=True)
    states = [draw.normal(size=(2, size)).astype("float32") for size in sizes]
    output, *last = layer(X, initial_state=states)
    np.testing.assert_array_equal(output, last[0 if reverse else 2])
    lower, h, c = layers.RNN(cells[0], return_state=True, return_sequences=True)(
        X, initial_state=states[2:] if reverse else states[:2]
    )
    np.testing.assert_allclose(last[2 if reverse else 0], h, rtol=1e-6)
    assert layers.StackedRNNCells.from_config(stack.get_config()).state_size == sizes


class Shifted(Layer):
    """A cell that adds a constant at each step."""

    state_size = 3

    def build(self, shapes):
        (_, features), (_, self.size) = shapes
        self.factor = self.add_weight((features,), "ones", name="factor")

    def call(self, inputs, states, constants):
        output = inputs * self.factor + constants[0] + states[0]
        return output, [output]


@pytest.mark.parametrize(
    "wrap", [lambda layer: layer, lambda layer: layers.Bidirectional(layer, merge_mode="ave")]
)
def test_constants_are_the_same_at_all_steps(wrap):
    x, c = Input((4, 3)), Input((3,))
    constant = np.array([[1.0, 2, 3], [4, 5, 6]], "float32")
    wanted = X.sum(1) + 4 * constant
    with cornu.utils.custom_object_scope({"Shifted": Shifted}):
        layer = wrap(RNN(Shifted()))
        np.testing.assert_allclose(
            Model([x, c], layer(x, constants=c)).predict([X, constant]), wanted, rtol=1e-5
        )
        again = type(layer).from_config(layer.get_config()) if type(layer) is RNN else layer
    np.testing.assert_allclose(Model([x, c], again([x, c])).predict([X, constant]), wanted, rtol=1e-5)


@pytest.mark.parametrize("kind, gates", [(GRU, 3), (LSTM, 4)])
def test_each_gate_begins_with_a_whole_unit_matrix(kind, gates):
    layer = kind(3, recurrent_initializer="identity")
    layer(Input((4, 3)))
    np.testing.assert_array_equal(layer.get_weights()[1], np.tile(np.eye(3), gates))


def test_states_of_a_known_size_beside_batches_of_any():
    x = Input((4, 3))
    state = [K.variable(draw.normal(size=(2, 3))) for _ in range(2)]
    layer = LSTM(3)
    model = Model(x, layer(x, initial_state=state))
    other = Model([x, *(s := [Input((3,)), Input((3,))])], layer(x, initial_state=s))
    np.testing.assert_allclose(
        model.predict(X), other.predict([X, *map(K.get_value, state)]), rtol=1e-5, atol=1e-6
    )


def test_first_states_follow_the_sequences():
    x = Input((4, 3))
    states = LSTM(5).get_initial_state(x)
    assert [each.shape for each in states] == [(None, 5)] * 2
    assert K.function([x], states)([X])[0].tolist() == np.zeros((2, 5)).tolist()
    assert GRU(5).states == [None]


def test_several_outputs_are_a_list():
    made = layers.Bidirectional(LSTM(2, return_state=True), merge_mode=None)(Input((4, 3)))
    assert type(made) is list and len(made) == 6


def test_films_have_states_of_their_own():
    x = Input((2, 5, 5, 1))
    made = layers.ConvLSTM2D(2, 3, return_state=True)(x)
    assert [each.shape for each in made] == [(None, 3, 3, 2)] * 3


# ---- masks -------------------------------------------------------------------------------------


class Deaf(Layer):
    def call(self, x):
        return x


class DeafOfKnownShape(Deaf):
    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("kind", [Flatten, Deaf, DeafOfKnownShape])
def test_layers_that_do_not_support_masks_refuse_them(kind):
    x, layer = Masking()(Input((4, 3))), kind()
    with pytest.raises(TypeError, match="does not support masking"):
        layer(x)
    assert layer.compute_mask([x], [None]) is None


def test_the_mask_of_each_step():
    words = np.array([[[1, 0], [0, 0]], [[2, 3], [4, 0]]])
    model = Sequential([TimeDistributed(Embedding(5, 2, mask_zero=True), input_shape=(None, None))])
    mask = K.function([model.input], [model.layers[-1].compute_mask(model.input, None)])([words])[0]
    np.testing.assert_array_equal(mask, words != 0)


def test_a_model_in_time_distributed_makes_its_own_mask_and_runs_once():
    inner = Sequential(
        [Dense(3, input_dim=3), layers.BatchNormalization(momentum=0.5), layers.Activation("relu")]
    )
    x = Masking()(Input((4, 3)))
    model = Model(x.node.inputs[0], layers.TimeDistributed(inner)(x))
    given = X.copy()
    given[0, 2:] = 0
    mask = K.function(
        model.inputs, [model.layers[-1].compute_mask(x, Masking().compute_mask(model.inputs[0]))]
    )
    np.testing.assert_array_equal(mask([given])[0], [[1, 1, 0, 0], [1, 1, 1, 1]])
    model.compile("sgd", "mse")
    before = given.reshape(-1, 3) @ inner.get_weights()[0]
    model.train_on_batch(given, np.zeros((2, 4, 3)))
    np.testing.assert_allclose(inner.layers[1].get_weights()[2], before.mean(0) / 2, rtol=1e-4)


def test_masks_of_merging_layers_are_lists_like_their_inputs():
    inputs, masks = [Input((4, 3)), Input((4, 3))], [K.variable(X > 0), K.variable(X > -1)]
    for layer, wanted in (
        (layers.Add(), (X > 0) & (X > -1)),
        (layers.Concatenate(1), np.concatenate([X > 0, X > -1], 1).all(-1)),
    ):
        np.testing.assert_array_equal(K.eval(layer.compute_mask(inputs, masks)), wanted)
        assert layer.compute_mask(inputs, [None, None]) is None
        for wrong in ((inputs, X), (inputs[0], [None, None]), (inputs, [None])):
            with pytest.raises(ValueError, match="compute_mask"):
                layer.compute_mask(*wrong)


def test_a_layer_of_two_takes_no_third_once_it_is_built():
    x, layer = Input((3,)), layers.Subtract()
    layer([x, x])
    with pytest.raises(ValueError, match="expected 2 inputs, got 3"):
        layer([x, x, x])


# ---- losses that layers add --------------------------------------------------------------------


class Weighed(Layer):
    """Adds what its weights cost as it is built, as layers with an upper bound of their own do."""

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], 2), initializer="ones")
        self.add_loss(0.1 * K.sum(K.square(self.kernel)))
        super().build(input_shape)

    def call(self, x):
        return K.dot(x, self.kernel)


def test_losses_of_weights_follow_them():
    model = Sequential([Weighed(input_shape=(3,))])
    model.compile("sgd", "mse")
    nothing = np.zeros((4, 3)), np.zeros((4, 2))
    np.testing.assert_allclose(model.evaluate(*nothing, verbose=0), 0.6, rtol=1e-6)
    model.train_on_batch(*nothing)
    np.testing.assert_allclose(model.get_weights()[0], 1 - 0.01 * 0.2, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(*nothing, verbose=0), 0.6 * 0.998**2, rtol=1e-6)


def test_losses_that_others_add_to_a_layer():
    x, layer = Input((3,)), Dense(2, kernel_initializer="ones", kernel_regularizer="l2")
    y = layer(x)
    layer.add_loss(0.5 * K.sum(y), inputs=x)
    layer.add_loss(K.sum(layer.kernel))
    assert (len(layer.losses), len(layer.get_losses_for(x)), len(layer.get_losses_for(None))) == (3, 1, 2)
    model = Model(x, y)
    model.compile("sgd", "mse")
    data = np.ones((4, 3)), np.full((4, 2), 3.0)  # outputs are right, so what remains is what was added
    np.testing.assert_allclose(model.evaluate(*data, verbose=0), 0.5 * 24 + 6 + 0.06, rtol=1e-6)
    model.train_on_batch(*data)
    np.testing.assert_allclose(layer.get_weights()[0], 1 - 0.01 * (2 + 1 + 0.02), rtol=1e-6)


# ---- learning phase ----------------------------------------------------------------------------


def test_who_asks_for_the_learning_phase():
    x = Input((4, 3))
    asks = lambda layer, **given: layer(x, **given)._uses_learning_phase  # noqa: E731
    assert asks(LSTM(2, dropout=0.5)) and asks(layers.Dropout(0.5)) and asks(layers.BatchNormalization())
    assert not asks(LSTM(2)) and not asks(Dense(2)) and not asks(LSTM(2, dropout=0.5), training=True)
    assert not Model(x, layers.Dropout(0.5)(x, training=True)).uses_learning_phase


# ---- initializers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["RandomNormal", "RandomUniform", "TruncatedNormal", "Orthogonal", "GlorotUniform"]
)
def test_a_seed_counts_up_with_each_draw(kind):
    make = getattr(initializers, kind)
    one, other = make(seed=7), make(seed=7)
    first, second = np.asarray(one((4, 4))), np.asarray(one((4, 4)))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, np.asarray(other((4, 4))))
    np.testing.assert_array_equal(second, np.asarray(make(seed=8)((4, 4))))


# ---- data about layers -------------------------------------------------------------------------


def test_layers_as_plain_data():
    layer = layers.deserialize(layers.serialize(Dense(3, activation="relu")))
    assert layer.units == 3 and layer.get_config()["activation"] == "relu"
    assert layers.deserialize({"class_name": "Deaf", "config": {}}, {"Deaf": Deaf}).__class__ is Deaf
    assert layers.LeakyReLU(alpha=-1.0)(np.array([[-2.0]], "float32")).tolist() == [[2.0]]


def test_shapes_are_told_inside_calls():
    model = Sequential(
        [layers.Lambda(lambda x: x * x.get_shape().as_list()[1] + x._keras_shape[1], input_shape=(3,))]
    )
    assert model.predict(np.ones((1, 3), "float32")).tolist() == [[6.0] * 3]


def test_lengths_that_are_said_are_held_to():
    assert Sequential([Embedding(9, 2, input_length=5), Flatten()]).output_shape == (None, 10)
    assert Sequential([Embedding(9, 2, input_length=(None, 5), input_shape=(3, 5))]).output_shape[1:] == (
        3,
        5,
        2,
    )
    for shape in ((6,), (5, 5)):
        with pytest.raises(ValueError, match="expected"):
            Embedding(9, 2, input_length=5)(Input(shape))


def test_lambda_takes_types_as_they_come():
    seen = []
    layers.Lambda(lambda x: seen.append(K.dtype(x)) or x)(Input((3,), dtype="float16"))
    assert set(seen) == {"float16"}


def test_all_may_be_cut_off():
    assert Sequential([layers.Cropping1D((2, 2), input_shape=(4, 3))]).output_shape == (None, 0, 3)
    with pytest.raises(ValueError, match="cropping"):
        layers.Cropping2D(lambda x: x)


def test_numpy_s_numbers_are_numbers():
    model = Sequential([Dense(np.max([3, 4]) + 1, input_shape=(3,)), layers.Dropout(np.float32(0.5))])
    assert model.output_shape == (None, 5) and '"units": 5' in model.to_json()
    assert layers.Conv2D(np.int64(2), (np.int32(3), 3)).kernel_size == (3, 3)
    for wrong in (2.0, np.float32(2), 0, "2"):
        with pytest.raises(ValueError, match="units"):
            Dense(wrong)
