"""Layers of up to Keras 0.3, and derivatives that a function in a layer asks for."""

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import layers
from cornu.eras.graph0 import MaskedLayer, merge


@pytest.fixture(autouse=True)
def era_1():
    cornu.set_era(1)


@pytest.fixture
def first():
    """Classes of that time, made in their era."""

    class Project(layers.Layer):
        def __init__(self, output_dim, **kwargs):
            self.input = K.placeholder(ndim=2)
            self.output_dim = output_dim
            super().__init__(**kwargs)

        def build(self):
            self.W = K.variable(np.full((self.input_shape[1], self.output_dim), 0.5))
            self.b = K.zeros((self.output_dim,))
            self.params = [self.W, self.b]
            self.constraints = [cornu.constraints.get("nonneg"), None]

        @property
        def output_shape(self):
            return (self.input_shape[0], self.output_dim)

        def get_output(self, train=False):
            return K.dot(self.get_input(train), self.W) + self.b

        def get_config(self):
            return {**super().get_config(), "output_dim": self.output_dim}

    class Doubled(layers.Layer):
        def get_output(self, train):
            return self.get_input(train) * (2 if train else 1)

    class OverTime(layers.Layer):
        def supports_masked_input(self):
            return True

        def get_output_mask(self, train=None):
            return None

        def get_output(self, train=False):
            mask = K.cast(self.get_input_mask(train), "float32")
            return K.sum(self.get_input(train) * K.expand_dims(mask), axis=1)

    class Plus(layers.Dense):
        def get_output(self, train=False):
            return super().get_output(train) + 100

    return {each.__name__: each for each in (Project, Doubled, OverTime, Plus)}


def test_a_layer_with_weights_trains(first):
    model = cornu.Sequential([first["Project"](2, input_shape=(3,)), layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    x, y = np.random.default_rng(0).random((8, 3)), np.zeros((8, 1))
    np.testing.assert_allclose(
        K.function([model.input], [model.layers[0].get_output()])([x])[0], x @ np.full((3, 2), 0.5)
    )
    assert [layer.output_shape for layer in model.layers] == [(None, 2), (None, 1)]
    assert model.layers[0].input_shape == (None, 3) and model.count_params() == 8 + 3
    before = model.layers[0].get_weights()
    assert before[0].shape == (3, 2)
    losses = model.fit(x, y, nb_epoch=3, verbose=0).history["loss"]
    assert losses[2] < losses[0] and not np.array_equal(before[0], model.layers[0].get_weights()[0])
    again = type(model).from_config(model.get_config(), custom_objects=first)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_constraints_are_a_list_beside_params(first):
    model = cornu.Sequential([first["Project"](1, input_shape=(2,))])
    model.compile(optimizer=cornu.optimizers.SGD(lr=100.0), loss="mse")
    model.train_on_batch(np.ones((4, 2)), np.full((4, 1), -9.0))
    kernel, bias = model.get_weights()
    assert kernel.tolist() == [[0], [0]] and bias[0] < -100


def test_get_output_is_told_whether_it_trains(first):
    model = cornu.Sequential([first["Doubled"](input_shape=(1,))])
    model.compile(optimizer="sgd", loss="mse")
    x, y = np.ones((2, 1)), np.zeros((2, 1))
    assert model.train_on_batch(x, y) == 4 and model.test_on_batch(x, y) == 1
    with pytest.raises(NotImplementedError, match="learning_phase"):
        layers.Dense(1, input_dim=1).get_output(train=True)


def test_masks_come_and_end_there(first):
    x = np.arange(6.0).reshape(1, 3, 2)
    x[0, 1] = 0
    model = cornu.Sequential([layers.Masking(input_shape=(3, 2)), first["OverTime"](), layers.Dense(1)])
    out = K.function([model.input], [model.layers[1].output])([x + 0])[0]
    np.testing.assert_array_equal(out, [[4, 6]])
    handed_on = type("Same", (MaskedLayer,), {"get_output": lambda self, train=False: self.get_input(train)})
    model = cornu.Sequential([layers.Masking(input_shape=(3, 2)), handed_on(), first["OverTime"]()])
    np.testing.assert_array_equal(model.predict(x), [[4, 6]])


def test_get_output_of_the_class_above(first):
    x = np.ones((2, 3), "float32")
    layer = first["Plus"](2, input_dim=3)
    model = cornu.Sequential([layer])
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(model.predict(x), x @ kernel + bias + 100, rtol=1e-6)


def test_other_eras_leave_get_output_alone():
    cornu.set_era(3)

    class Model3(layers.Layer):
        def get_output(self, index):
            return index

    assert Model3().get_output(7) == 7
    with pytest.raises(NotImplementedError):
        Model3()(np.ones((1, 1)))


# ---- K.gradients within a layer's function ---------------------------------------------------------


def where(pair):
    """Where a pool's maxima come from: the derivative of their sum."""
    before, pooled = pair
    return K.gradients(K.sum(pooled), before)


@pytest.mark.parametrize("kind", ["merge", "Lambda"])
def test_where_the_maxima_come_from(kind):
    image = cornu.Input(shape=(4, 4, 1))
    inner = layers.Lambda(lambda x: x * 3)(image)
    pooled = layers.MaxPooling2D((2, 2))(inner)
    if kind == "merge":
        mask = merge([inner, pooled], mode=where, output_shape=lambda shapes: shapes[0])
    else:
        mask = layers.Lambda(where, output_shape=lambda shapes: shapes[0])([inner, pooled])
    back = merge([layers.UpSampling2D((2, 2))(pooled), mask], mode="mul")
    assert mask.shape == (None, 4, 4, 1)
    model = cornu.Model(image, [mask, back])
    x = np.random.default_rng(0).permutation(32).reshape(2, 4, 4, 1).astype("float32")
    blocks = x.reshape(2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4)
    top = (blocks == blocks.max((3, 4), keepdims=True)).transpose(0, 1, 3, 2, 4).reshape(x.shape)
    made = model.predict(x)
    np.testing.assert_array_equal(made[0], top)
    np.testing.assert_array_equal(made[1], np.where(top, 3 * x, 0))


def test_one_layer_asks_at_two_places():
    square = layers.Lambda(lambda x: x**2)
    slope = layers.Lambda(where)
    first, second = cornu.Input(shape=(2,)), cornu.Input(shape=(2,))
    outputs = [slope([x, square(x)]) for x in (first, second)]
    made = cornu.Model([first, second], outputs).predict([np.array([[1.0, 2]]), np.array([[5.0, 6]])])
    assert [each.tolist() for each in made] == [[[2, 4]], [[10, 12]]]


def test_a_model_with_derivatives_in_it_trains():
    x = cornu.Input(shape=(3,))
    hidden = layers.Dense(4, activation="tanh")(x)
    slope = layers.Lambda(where)([x, hidden])
    model = cornu.Model(x, layers.Dense(1)(slope))
    model.compile(optimizer="adam", loss="mse")
    rows = np.random.default_rng(0).random((16, 3))
    kernel, bias, out, last = model.get_weights()
    slopes = (1 - np.tanh(rows @ kernel + bias) ** 2) @ kernel.T
    np.testing.assert_allclose(model.predict(rows), slopes @ out + last, atol=1e-5)
    losses = model.fit(rows, np.ones((16, 1)), nb_epoch=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and not np.array_equal(model.get_weights()[0], kernel)
