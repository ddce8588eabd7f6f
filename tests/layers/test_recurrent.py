"""Recurrent layers: masks, states, other people's cells, both directions; Keras 3 is asked where it is there."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
import pytest
from layer_table import scramble

import cornu
from cornu import layers

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]], bool)
KINDS = ("SimpleRNN", "LSTM", "GRU")


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="Keras 3 is the oracle here")


def pair(keras, name: str, *given, **arguments):
    """Our layer and Keras's with the same weights."""
    ours, theirs = (getattr(of, name)(*given, **arguments) for of in (layers, keras.layers))
    ours(X), theirs(X)
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def same(ours, theirs) -> None:
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


# ---- masks -------------------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options", [{}, {"go_backwards": True}, {"zero_output_for_mask": True}, {"unroll": True}]
)
@pytest.mark.parametrize("name", KINDS)
def test_masked_as_keras(keras, name, options):
    ours, theirs = pair(keras, name, 3, return_sequences=True, return_state=True, **options)
    first = [np.full((3, 3), 0.5, "float32")] * (2 if name == "LSTM" else 1)
    first = None if "unroll" in options else first  # unrolled, Keras begins with zeros all the same
    same(ours(X, mask=MASK, initial_state=first), theirs(X, mask=MASK, initial_state=first))


def test_masked_steps_repeat_the_output_before():
    layer = layers.SimpleRNN(2, return_sequences=True)
    outputs = np.asarray(layer(X, mask=MASK))
    assert (outputs[1, :2] == 0).all(), "nothing came before: zeros"
    assert (outputs[0, 2] == outputs[0, 1]).all() and (outputs[0, 4] == outputs[0, 3]).all()
    alone = np.asarray(layer(X[1:2, 2:]))
    np.testing.assert_allclose(outputs[1, 2:], alone[0], rtol=1e-6)


def test_masks_travel_from_embedding_to_the_last_layer_of_sequences():
    words = np.array([[3, 4, 0], [5, 0, 0]])
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = layers.LSTM(3, return_sequences=True)(layers.Dropout(0.5)(x))
    assert np.array_equal(cornu.scope.mask_of(x), words != 0)
    assert cornu.scope.mask_of(layers.GRU(2)(x)) is None


@pytest.mark.parametrize("name", KINDS)
def test_products_ahead_of_the_loop_or_within(name, monkeypatch):
    layer = layers.RNN([getattr(layers, f"{name}Cell")(3, dropout=0.5, seed=1), layers.GRUCell(2)])
    layer(X)
    state = layer.cell.cells[0].seed_generator.state
    found = []
    for ahead in (False, True):
        monkeypatch.setattr(cornu.ops.recurrent, "ahead", lambda: ahead)  # noqa: B023
        state.assign(np.array([1, 0]))
        found.append(np.asarray(layer(X, mask=MASK, training=True)))
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


# ---- states ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_stateful_goes_on_where_it_stopped(name):
    kind = getattr(layers, name)
    whole = kind(3, return_sequences=True)
    parts = kind(3, return_sequences=True, stateful=True)
    whole(X), parts(X[:, :2])
    parts.set_weights(whole.get_weights())
    for _ in range(2):
        parts.reset_state()
        pieces = [np.asarray(parts(X[:, :2])), np.asarray(parts(X[:, 2:]))]
        np.testing.assert_allclose(np.concatenate(pieces, 1), whole(X), rtol=1e-5, atol=1e-6)
    assert len(parts.weights) == 3, "states are no weights"
    assert len(parts.variables) == 3 + len(parts.states), "but they are lent to jit"


def test_stateful_layers_keep_their_states_through_a_pure_call():
    layer = layers.LSTM(3, stateful=True)
    layer(X)
    layer.reset_state()
    trained, others = ([cell.value for cell in cells] for cells in (layer.trainable_variables, layer.states))
    outputs, kept = jax.jit(layer.stateless_call)(trained, others, X)
    np.testing.assert_allclose(kept[0], outputs, rtol=1e-6)
    assert not np.asarray(layer.states[0]).any(), "the layer itself was not touched"


def test_what_stateful_layers_ask_for():
    with pytest.raises(ValueError, match="batch_shape"):
        layers.LSTM(3, stateful=True)(layers.Input((5, 4)))
    layer = layers.LSTM(3, stateful=True)
    layer(layers.Input(batch_shape=(3, 5, 4)))
    with pytest.raises(ValueError, match="states of shapes"):
        layer(X[:2])
    layer.reset_states([np.ones((3, 3)), np.zeros((3, 3))])
    assert np.asarray(layer.states[0]).all()
    with pytest.raises(ValueError, match="not stateful"):
        layers.LSTM(3).reset_states()


def test_states_may_come_in_the_list_of_inputs():
    layer = layers.LSTM(3)
    h, c = np.ones((3, 3), "float32"), np.zeros((3, 3), "float32")
    np.testing.assert_array_equal(layer([X, h, c]), layer(X, initial_state=[h, c]))
    symbols = [layers.Input((5, 4)), layers.Input((3,)), layers.Input((3,))]
    assert layers.LSTM(3)(symbols).shape == (None, 3)
    with pytest.raises(ValueError, match="states of shapes"):
        layer(X, initial_state=[h])


def test_unrolling_needs_a_length():
    with pytest.raises(ValueError, match="number of steps"):
        layers.GRU(3, unroll=True)(layers.Input((None, 4)))


# ---- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_what_is_dropped_is_the_same_at_all_steps(name):
    kind = getattr(layers, name)
    layer = kind(50, dropout=0.5, seed=1)
    steps = np.ones((1, 2, 60), "float32")
    layer(steps)
    shape, cell = (1, 60), layer.cell
    masks = cell.noise(shape, "float32", training=True)
    assert set(np.unique(masks[0])) == {0, 2} and masks[1] is None
    assert cell.noise(shape, "float32", training=False) == (None, None)
    assert not np.allclose(layer(steps, training=True), layer(steps, training=True))
    np.testing.assert_array_equal(layer(steps), layer(steps))


# ---- cells -------------------------------------------------------------------------------------


class Echo(layers.Layer):
    """A cell as people write them, with a counter that it writes."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.count = self.add_weight((), "zeros", trainable=False, name="count")

    def call(self, inputs, states):
        self.count.assign_add(1.0)
        output = inputs @ self.kernel + 0.5 * states[0]
        return output, [output]


def echo(x, kernel):
    state, outputs = 0, []
    for step in range(x.shape[1]):
        state = x[:, step] @ kernel + 0.5 * state
        outputs.append(state)
    return np.stack(outputs, 1)


@pytest.mark.parametrize("unroll", [False, True])
def test_other_peoples_cells(unroll):
    layer = layers.RNN(Echo(3), return_sequences=True, unroll=unroll)
    assert layer(layers.Input((5, 4))).shape == (None, 5, 3)
    kernel = layer.cell.kernel.numpy()
    np.testing.assert_allclose(layer(X), echo(X, kernel), rtol=1e-5, atol=1e-6)
    assert float(layer.cell.count) == 5
    slope = jax.grad(lambda kernel: (layer.stateless_call([kernel], [np.float32(0)], X)[0] ** 2).sum())(
        kernel
    )
    near = lambda step: (echo(X.astype("float64"), kernel + step) ** 2).sum()  # noqa: E731
    step = np.zeros_like(kernel, "float64")
    step[1, 2] = 1e-5
    np.testing.assert_allclose(slope[1, 2], (near(step) - near(-step)) / 2e-5, rtol=1e-3)
    with cornu.layers.layer.registry.custom_object_scope({"Echo": Echo}):
        again = layers.RNN.from_config(layer.get_config())
    assert isinstance(again.cell, Echo) and again.cell.units == 3


@pytest.mark.oracle
def test_stacked_cells_as_keras(keras):
    ours = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True, return_state=True)
    theirs = keras.layers.RNN(
        [keras.layers.LSTMCell(3), keras.layers.GRUCell(2)], return_sequences=True, return_state=True
    )
    ours(X), theirs(X)
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    same(ours(X, mask=MASK), theirs(X, mask=MASK))
    flat = [np.ones((3, n), "float32") for n in (3, 3, 2)]
    assert ours(X, initial_state=flat)[0].shape == (3, 5, 2)


def test_stacks_may_mix_ours_and_others():
    layer = layers.RNN([layers.GRUCell(2), Echo(3)], return_sequences=True)
    assert layer(X).shape == (3, 5, 3)
    assert layer(layers.Input((None, 4))).shape == (None, None, 3)
    again = layers.RNN.from_config
    with cornu.layers.layer.registry.custom_object_scope({"Echo": Echo}):
        assert [type(cell) for cell in again(layer.get_config()).cell.cells] == [layers.GRUCell, Echo]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_cells_alone_as_keras(keras, name):
    states = [np.full((3, 3), 0.3, "float32")] * (2 if name == "LSTMCell" else 1)
    ours, theirs = (getattr(of, name)(3) for of in (layers, keras.layers))
    ours(X[:, 0], states), theirs(X[:, 0], states)
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    same(ours(X[:, 0], states), theirs(X[:, 0], states))
    assert jax.tree.map(np.shape, ours.get_initial_state(2)) == jax.tree.map(
        np.shape, theirs.get_initial_state(2)
    )


# ---- both directions ---------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("mode", "sequences"), [("concat", True), ("sum", False), ("ave", True), ("mul", False), (None, True)]
)
def test_both_directions_as_keras(keras, mode, sequences):
    ours, theirs = (
        of.Bidirectional(of.LSTM(3, return_sequences=sequences, return_state=True), merge_mode=mode)
        for of in (layers, keras.layers)
    )
    ours(X), theirs(X)
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    first = [np.full((3, 3), value, "float32") for value in (0.1, 0.2, 0.3, 0.4)]
    same(ours(X, mask=MASK, initial_state=first), theirs(X, mask=MASK, initial_state=first))
    names = [layer.name for layer in (ours.forward_layer, ours.backward_layer)]
    again = layers.Bidirectional.from_config(ours.get_config())
    again(X)
    again.set_weights(ours.get_weights())
    same(again(X), ours(X))
    assert [layer.name for layer in (again.forward_layer, again.backward_layer)] == names


def test_both_directions_by_hand():
    layer = layers.Bidirectional(layers.GRU(2, return_sequences=True), weights=None)
    outputs = np.asarray(layer(X))
    backward = np.asarray(layer.backward_layer(X[:, ::1]))[:, ::-1]
    np.testing.assert_allclose(outputs[..., 2:], backward, rtol=1e-6)
    assert [cell.path.split("/")[0] for cell in layer.weights[:1]] == ["gru_cell"]
    again = layers.Bidirectional(layers.GRU(2, return_sequences=True), weights=layer.get_weights())
    np.testing.assert_allclose(again(X), outputs, rtol=1e-6)


# ---- eras --------------------------------------------------------------------------------------


def test_era_1_draws_each_gate_by_itself():
    with cornu.config.era_scope(1):
        old = layers.LSTM(40)
        old(np.ones((1, 2, 40), "float32"))
    new = layers.LSTM(40)
    new(np.ones((1, 2, 40), "float32"))
    limit = lambda fan_out: (6 / (40 + fan_out)) ** 0.5  # noqa: E731
    largest = [np.abs(layer.cell.kernel.numpy()).max() for layer in (old, new)]
    np.testing.assert_allclose(largest, [limit(40), limit(160)], rtol=0.01)
    assert (old.cell.bias.numpy()[40:80] == 1).all()
