"""Layers of a user's own in the words of Keras 1, and what programs of that time did with layers and models."""

import numpy as np
import pytest

import cornu
from cornu.layers.spec import InputSpec

draw = np.random.default_rng(0)
X, Y = draw.random((20, 3)).astype("float32"), draw.random((20, 1)).astype("float32")
FILMS = draw.random((6, 5, 3)).astype("float32")


@pytest.fixture(autouse=True)
def keras(keras_is_cornu):
    """What `import keras` means to a program of era 1."""
    cornu.set_era(1)
    return keras_is_cornu


def make_old(keras):
    """A layer as people wrote them up to Keras 1.1: variables, lists and dicts of its own."""
    K = keras.backend

    class Old(keras.engine.topology.Layer):
        def __init__(self, output_dim, init="glorot_uniform", weights=None, W_regularizer=None, W_constraint=None,
                     input_dim=None, **kwargs):  # fmt: skip
            self.init = keras.initializations.get(init)
            self.output_dim, self.initial_weights, self.input_dim = output_dim, weights, input_dim
            self.W_regularizer = keras.regularizers.get(W_regularizer)
            self.W_constraint = keras.constraints.get(W_constraint)
            if input_dim:
                kwargs["input_shape"] = (input_dim,)
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.input_spec = [InputSpec(dtype=K.floatx(), shape=(None, input_shape[1]))]
            self.W = self.init((input_shape[1], self.output_dim), name=f"{self.name}_W")
            self.b = K.zeros((self.output_dim,), name=f"{self.name}_b")
            self.mean, self.count, self.other = K.zeros((self.output_dim,)), K.zeros(()), K.ones((3,))
            self.trainable_weights = [self.W, self.b]
            self.non_trainable_weights = [self.mean]
            self.regularizers, self.constraints = [], {}
            if self.W_regularizer:
                self.W_regularizer.set_param(self.W)
                self.regularizers.append(self.W_regularizer)
            if self.W_constraint:
                self.constraints[self.W] = self.W_constraint
            if self.initial_weights is not None:
                self.set_weights(self.initial_weights)
                del self.initial_weights

        def call(self, x, mask=None):
            y = K.dot(x, self.W) + self.b
            self.add_update(K.moving_average_update(self.mean, K.mean(y, axis=0), 0.5), x)
            self.add_update([K.update_add(self.count, 1)], x)
            return y

        def get_output_shape_for(self, input_shape):
            return (input_shape[0], self.output_dim)

        def get_config(self):
            own = {"output_dim": self.output_dim, "init": self.init.__name__, "input_dim": self.input_dim}
            own["W_regularizer"] = self.W_regularizer.get_config() if self.W_regularizer else None
            return {**super().get_config(), **own}

    return Old


def test_a_layer_of_its_own_variables(keras):
    Old = make_old(keras)
    layer = Old(4, input_dim=3, W_regularizer="l2", W_constraint="maxnorm")
    model = keras.models.Sequential([layer, keras.layers.Dense(1)])
    assert [cell.name for cell in layer.trainable_weights] == [f"{layer.name}_W", f"{layer.name}_b"]
    assert [each.shape for each in layer.get_weights()] == [(3, 4), (4,), (4,)]
    assert layer.get_output_shape_for((None, 3)) == (None, 4)
    assert layer.regularizers[0].l2 == pytest.approx(0.01)
    assert layer.constraints[layer.W].max_value == 2
    model.compile("sgd", "mse")
    squares = np.square(model.predict(X) - Y).mean()
    penalty = 0.01 * np.square(keras.backend.get_value(layer.W)).sum()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(squares + penalty, rel=1e-5)


def test_updates_are_made_while_training_only(keras):
    layer = make_old(keras)(4, input_dim=3)
    model = keras.models.Sequential([layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, nb_epoch=2, batch_size=10, verbose=0)
    assert layer.count.get_value() == 4
    assert layer.mean.get_value().any() and (layer.other.get_value() == 1).all()
    model.predict(X)
    model.evaluate(X, Y, verbose=0)
    assert layer.count.get_value() == 4


def test_it_comes_back_from_its_configuration(keras, tmp_path):
    Old = make_old(keras)
    model = keras.models.Sequential([Old(4, input_dim=3, W_regularizer="l2"), keras.layers.Dense(1)])
    for text, read in (
        (model.to_json(), keras.models.model_from_json),
        (model.to_yaml(), keras.models.model_from_yaml),
    ):
        again = read(text, {"Old": Old})
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)
        assert again.layers[0].regularizers
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        again = keras.models.load_model(tmp_path / name, {"Old": Old})
        np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-6)
        assert again._era == 1
    first = keras.models.Sequential([Old(4, input_dim=3, weights=model.layers[0].get_weights())])
    np.testing.assert_array_equal(first.get_weights()[0], model.get_weights()[0])


def test_classes_that_come_from_the_librarys(keras):
    K = keras.backend

    class Positive(keras.layers.Dense):
        def build(self, input_shape):
            self.W = self.init((input_shape[1], self.output_dim), name="W")
            self.b = K.zeros((self.output_dim,), name="b")
            self.trainable_weights = [self.W, self.b]

        def call(self, x, mask=None):
            output = K.dot(x, K.abs(self.W))
            if self.bias:
                output += self.b
            return self.activation(output)

    class Doubled(keras.layers.Dense):
        def call(self, x, mask=None):
            return 2 * super().call(x, mask)

    class BuiltInOldWords(keras.layers.Dense):
        def build(self, input_shape):
            self.W = self.init((input_shape[1], self.output_dim))
            self.b = K.ones((self.output_dim,))
            self.trainable_weights = [self.W, self.b]

    for cls, expected in (
        (Positive, lambda W, b: np.maximum(X @ np.abs(W) + b, 0)),
        (Doubled, lambda W, b: 2 * np.maximum(X @ W + b, 0)),
        (BuiltInOldWords, lambda W, b: np.maximum(X @ W + b, 0)),
    ):
        model = keras.models.Sequential([cls(2, activation="relu", input_dim=3)])
        np.testing.assert_allclose(model.predict(X), expected(*model.get_weights()), rtol=1e-5, atol=1e-6)


def test_a_layer_without_call_passes_on_what_it_gets(keras):
    assert keras.models.Sequential([keras.layers.Layer(input_shape=(3,))]).predict(X) == pytest.approx(X)


def test_old_names_of_attributes(keras):
    conv = keras.layers.Convolution2D(3, 2, 4, border_mode="same", dim_ordering="th", subsample=(1, 2))
    said = [
        getattr(conv, name) for name in "nb_filter nb_row nb_col border_mode dim_ordering subsample".split()
    ]
    assert said == [3, 2, 4, "same", "th", (1, 2)]
    line = keras.layers.Convolution1D(3, 5, W_regularizer="l1", input_shape=(9, 2))
    assert (line.filter_length, line.subsample_length, line.W_regularizer.l1) == (5, 1, pytest.approx(0.01))
    with pytest.raises(AttributeError, match="Conv1D has no attribute 'nb_rows'"):
        line.nb_rows  # noqa: B018


def test_nodes(keras):
    x = keras.layers.Input((3,))
    layer, other = keras.layers.Dense(3), keras.layers.Dense(2)
    first = layer(x)
    second = other(layer(first))
    node = layer.inbound_nodes[1]
    assert node.get_config() == {
        "outbound_layer": layer.name, "inbound_layers": [layer.name], "node_indices": [0], "tensor_indices": [0]
    }  # fmt: skip
    assert node.input_tensors == [first] and node.input_shapes == [(None, 3)] and node.output_masks == [None]
    assert layer.outbound_nodes == [node, other.inbound_nodes[0]]
    assert keras.engine.topology.get_source_inputs(second) == [x]
    assert second._keras_history[0] is other
    third = keras.layers.Dense(4)
    third.add_inbound_node(layer, [1])
    assert third.input is layer.get_output_at(1) and third.get_output_shape_at(0) == (None, 4)
    layer.outbound_nodes = []
    assert layer.outbound_nodes == []
    source = keras.layers.Dense(2)
    source.create_input_layer((None, 7), name="given")
    assert source.input_shape == (None, 7)


def test_what_models_were_asked(keras):
    layers = keras.layers
    plain = keras.models.Sequential([layers.Dense(2, input_dim=3, W_constraint="nonneg", W_regularizer="l1")])
    assert not plain.uses_learning_phase and not plain.stateful
    assert list(plain.constraints) == [plain.layers[0].W] and len(plain.regularizers) == 1
    assert keras.models.Sequential([layers.Dense(2, input_dim=3), layers.Dropout(0.5)]).uses_learning_phase
    normed = keras.models.Sequential([layers.Dense(2, input_dim=3), layers.BatchNormalization()])
    assert normed.uses_learning_phase and len(normed.updates) == 2
    memory = keras.models.Sequential([layers.LSTM(2, stateful=True, batch_input_shape=(6, 5, 3))])
    assert memory.stateful and len(memory.state_updates) == 2
    once, twice = memory.predict(FILMS, batch_size=6), memory.predict(FILMS, batch_size=6)
    memory.reset_states()
    np.testing.assert_array_equal(memory.predict(FILMS, batch_size=6), once)
    assert np.abs(once - twice).max() > 0
    outputs, masks, shapes = plain.run_internal_graph([keras.layers.Input((3,))])
    assert (shapes, masks) == ([(None, 2)], [None]) and outputs[0].shape == (None, 2)


def test_callbacks_find_what_is_validated_on(keras):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs={}):  # noqa: B006 - as they were written
            seen.append((self.model.validation_data, self.validation_data))

    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    model.fit(X, Y, nb_epoch=1, validation_data=(X[:5], Y[:5]), callbacks=[Watch()], verbose=0)
    for x, y, weights in seen[0]:
        np.testing.assert_array_equal(x, X[:5])
        np.testing.assert_array_equal(y, Y[:5])
        np.testing.assert_array_equal(weights, np.ones(5))


def test_updates_of_a_model_in_a_function(keras):
    K = keras.backend
    model = keras.models.Sequential([keras.layers.BatchNormalization(input_shape=(3,))])
    step = K.function([model.input, K.learning_phase()], [model.output], updates=model.updates)
    before = model.layers[0].running_mean.get_value()
    step([X, 0])
    np.testing.assert_array_equal(model.layers[0].running_mean.get_value(), before)
    step([X, 1])
    np.testing.assert_allclose(model.layers[0].running_mean.get_value(), 0.01 * X.mean(0), rtol=1e-4)


def test_sparse_matrices(keras):
    scipy = pytest.importorskip("scipy.sparse")
    rows = scipy.csr_matrix(np.where(X > 0.5, X, 0))
    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(model.predict(rows), model.predict(rows.toarray()))
    assert model.evaluate(rows, Y, verbose=0) == pytest.approx(model.evaluate(rows.toarray(), Y, verbose=0))
    assert len(model.fit(rows, Y, nb_epoch=2, validation_split=0.2, verbose=0).history["val_loss"]) == 2
    assert np.isfinite(model.train_on_batch(rows[:4], Y[:4]))


# ---- recurrent -----------------------------------------------------------------------------------


def make_recurrent(keras):
    K = keras.backend

    class Simple(keras.layers.Recurrent):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.input_spec = [InputSpec(shape=input_shape)]
            self.states = [None]
            if self.stateful:
                self.states = [K.zeros((input_shape[0], self.output_dim))]
            self.W = K.variable(draw.normal(size=(input_shape[2], self.output_dim)))
            self.U = K.variable(draw.normal(size=(self.output_dim, self.output_dim)))
            self.trainable_weights = [self.W, self.U]

        def step(self, x, states):
            h = K.tanh(K.dot(x, self.W) + states[1] * K.dot(states[0], self.U))
            return h, [h]

        def get_constants(self, x):
            return [K.mean(x[:, 0], axis=-1, keepdims=True)]

    return Simple


def by_hand(layer, x, h=None):
    W, U = layer.get_weights()
    h = np.zeros((len(x), U.shape[0])) if h is None else h
    made = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W + x[:, 0].mean(-1, keepdims=True) * (h @ U))
        made.append(h)
    return np.stack(made, 1)


def test_a_recurrent_layer_with_a_step_of_its_own(keras):
    Simple = make_recurrent(keras)
    for options, pick in (({"return_sequences": True}, slice(None)), ({}, -1)):
        model = keras.models.Sequential([Simple(4, input_dim=3, input_length=5, **options)])
        layer = model.layers[0]
        assert isinstance(layer, keras.layers.Recurrent) and model.input_shape == (None, 5, 3)
        np.testing.assert_allclose(model.predict(FILMS), by_hand(layer, FILMS)[:, pick], rtol=1e-4, atol=1e-5)
    backwards = keras.models.Sequential(
        [Simple(4, input_shape=(5, 3), go_backwards=True, return_sequences=True)]
    )
    turned = FILMS[:, ::-1].copy()
    turned[:, 0] = FILMS[:, ::-1][:, 0]
    layer = backwards.layers[0]
    W, U = layer.get_weights()
    h, scale = np.zeros((6, 4)), FILMS[:, 0].mean(-1, keepdims=True)
    for t in range(5):
        h = np.tanh(turned[:, t] @ W + scale * (h @ U))
    np.testing.assert_allclose(backwards.predict(FILMS)[:, -1], h, rtol=1e-4, atol=1e-5)


def test_states_that_last(keras):
    model = keras.models.Sequential([make_recurrent(keras)(4, stateful=True, batch_input_shape=(6, 5, 3))])
    once, twice = model.predict(FILMS, batch_size=6), model.predict(FILMS, batch_size=6)
    np.testing.assert_allclose(twice, by_hand(model.layers[0], FILMS, once)[:, -1], rtol=1e-4, atol=1e-5)
    model.reset_states()
    np.testing.assert_allclose(model.predict(FILMS, batch_size=6), once, rtol=1e-6)
    assert len(model.get_weights()) == 2

    class Unset(make_recurrent(keras)):
        def build(self, input_shape):
            super().build(input_shape)
            self.states = [None]

    with pytest.raises(ValueError, match="is stateful: its `build` has to set `states`"):
        keras.models.Sequential([Unset(4, stateful=True, batch_input_shape=(6, 5, 3))])


def test_masked_steps_are_left_out(keras):
    padded = FILMS.copy()
    padded[:, 3:] = 0
    model = keras.models.Sequential([keras.layers.Masking(input_shape=(5, 3)), make_recurrent(keras)(4)])
    np.testing.assert_allclose(
        model.predict(padded), by_hand(model.layers[1], padded[:, :3])[:, -1], rtol=1e-4
    )


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_steps_of_the_librarys_layers(keras, name):
    cls = getattr(keras.layers, name)

    class Same(cls):
        def step(self, x, states):
            return super().step(x, states)

    model = keras.models.Sequential([cls(4, input_shape=(5, 3), return_sequences=True)])
    own = keras.models.Sequential([Same(4, input_shape=(5, 3), return_sequences=True)])
    assert isinstance(model.layers[0], keras.layers.Recurrent)
    own.set_weights(model.get_weights())
    np.testing.assert_allclose(own.predict(FILMS), model.predict(FILMS), rtol=1e-5, atol=1e-6)


def test_an_lstm_with_attention(keras):
    """A class of 2016: weights and constants added to those of `LSTM`, and a changed step."""
    K = keras.backend

    class Attentive(keras.layers.LSTM):
        def __init__(self, output_dim, vector, **kwargs):
            self.vector = vector
            super().__init__(output_dim, **kwargs)

        def build(self, input_shape):
            super().build(input_shape)
            self.U_a = self.inner_init((self.output_dim, self.output_dim), name=f"{self.name}_U_a")
            self.trainable_weights += [self.U_a]

        def step(self, x, states):
            h, [h, c] = super().step(x, states)
            h = h * K.sigmoid(K.dot(h, self.U_a) + states[4])
            return h, [h, c]

        def get_constants(self, x):
            return [*super().get_constants(x), K.sum(self.vector, axis=1, keepdims=True)]

    films, vector = keras.layers.Input((5, 3)), keras.layers.Input((3,))
    model = keras.models.Model([films, vector], Attentive(4, vector, dropout_W=0.1, dropout_U=0.1)(films))
    model.compile("sgd", "mse")
    assert len(model.trainable_weights) == 4
    before = model.get_weights()
    model.fit([FILMS, X[:6]], draw.random((6, 4)), nb_epoch=1, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))
    far = model.predict([FILMS, np.full((6, 3), -100.0)])
    np.testing.assert_allclose(far, 0, atol=1e-5)


def test_gates_by_name(keras):
    layer = keras.layers.LSTM(4, input_shape=(5, 3))
    keras.models.Sequential([layer])
    W_i, U_i, b_i, W_c, U_c, b_c, W_f, U_f, b_f, W_o, U_o, b_o = layer.get_weights()  # noqa: N806
    K = keras.backend
    for name, expected in {"W_c": W_c, "U_f": U_f, "b_f": b_f, "W_o": W_o}.items():
        np.testing.assert_array_equal(K.get_value(getattr(layer, name)), expected)


def test_time_distributed_dense(keras):
    W, b = draw.normal(size=(3, 2)).astype("float32"), draw.normal(size=2).astype("float32")
    made = keras.layers.recurrent.time_distributed_dense(FILMS, W, b)
    np.testing.assert_allclose(made, FILMS @ W + b, rtol=1e-5, atol=1e-6)
