"""What Keras 1.2.2's own tests and programs of 2015-2017 ask for, each by the mechanism that serves it."""

import numpy as np
import pytest
from scipy import signal

import cornu
from cornu import config

draw = np.random.default_rng(0)
X = draw.random((6, 3)).astype("float32")
FILMS = draw.random((2, 5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def keras(keras_is_cornu):
    """What `import keras` means to a program of era 1."""
    cornu.set_era(1)
    return keras_is_cornu


# ---- functions in configurations -----------------------------------------------------------------

FACTOR = 3.0


def test_a_lambda_of_this_process_comes_back_with_its_module_and_what_it_closes_over(keras):
    layers, Model, half = keras.layers, keras.models.Model, 0.5
    x = layers.Input((3,))
    y = layers.Lambda(lambda x, a: x * a * FACTOR + half, arguments={"a": 2.0})(x)
    again = Model.from_config(Model(x, y).get_config())
    np.testing.assert_allclose(again.predict(X), X * 6 + 0.5, rtol=1e-6)


def test_a_function_of_this_process_comes_back_by_its_name(keras):
    layers, Model, K = keras.layers, keras.models.Model, keras.backend

    def side_by_side(both, a):
        return K.concatenate([both[0] * a, both[1]], axis=1)

    def wide(shapes):
        return (shapes[0][0], shapes[0][1] + shapes[1][1])

    first, second = layers.Input((3,)), layers.Input((3,))
    y = layers.merge([first, second], mode=side_by_side, output_shape=wide, arguments={"a": 2.0})
    again = Model.from_config(Model([first, second], y).get_config())
    np.testing.assert_allclose(again.predict([X, X]), np.hstack([2 * X, X]), rtol=1e-6)
    made = keras.utils.layer_utils.layer_from_config(
        {"class_name": "Lambda", "config": layers.Lambda(lambda x: x + 1).get_config()}
    )
    np.testing.assert_allclose(made(X), X + 1, rtol=1e-6)


def test_in_era_3_code_is_refused_as_ever():
    cornu.set_era(3)
    layer = cornu.layers.Lambda(lambda x: x + 1)
    with pytest.raises(ValueError, match="safe_mode"):
        cornu.layers.Lambda.from_config(layer.get_config())


def test_the_mask_of_a_merge_is_a_function_of_the_masks(keras):
    layers, K = keras.layers, keras.backend
    first, second = layers.Input((2, 1)), layers.Input((2, 1))
    masked = [layers.Masking()(each) for each in (first, second)]
    together = {"axis": 1}
    y = layers.merge(
        masked,
        mode=lambda both: K.concatenate(both, **together),
        output_mask=lambda masks: K.concatenate(masks, **together),
    )

    class Told(keras.engine.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return K.cast(mask, "float32")

        def compute_mask(self, x, mask=None):
            return None

    model = keras.models.Model([first, second], Told()(y))
    found = model.predict([np.array([[[1.0], [0.0]]]), np.array([[[0.0], [2.0]]])])
    assert found.tolist() == [[1, 0, 0, 1]]


# ---- recurrent layers, gate by gate --------------------------------------------------------------

GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


@pytest.mark.parametrize("name", sorted(GATES))
def test_each_gate_is_penalised_by_itself(keras, name):
    """A regularizer that is no sum over numbers: the square of the sum of a matrix."""
    K = keras.backend
    options = {f"{part}_regularizer": lambda w: K.square(K.sum(w)) for part in "WUb"}
    layer = getattr(keras.layers, name)(3, **options)
    layer.build((None, 5, 4))
    assert len(layer.losses) == 3 * GATES[name]
    wanted = sum(float(array.sum()) ** 2 for array in layer.get_weights())
    assert float(sum(layer.losses)) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
@pytest.mark.parametrize("how", ["cpu", "mem", "gpu"])
def test_recurrent_matrices_begin_as_in_keras_1_2(keras, name, how):
    """A matrix a gate, drawn like the input's; with consume_less='gpu' one, orthogonal, for all gates."""
    layer = getattr(keras.layers, name)(16, consume_less=how, input_shape=(5, 4))
    model = keras.models.Sequential([layer])
    arrays = model.get_weights()
    recurrent = arrays[1]
    assert len(arrays) == (3 if how == "gpu" else 3 * GATES[name])
    is_orthogonal = np.allclose(recurrent @ recurrent.T, 1.21 * np.eye(16), atol=1e-4)
    assert is_orthogonal is (how == "gpu")
    if how != "gpu":
        assert abs(recurrent).max() <= np.sqrt(6 / 32)
    before = model.predict(FILMS)
    model.set_weights([array * 0 for array in arrays])
    model.set_weights(arrays)
    np.testing.assert_array_equal(model.predict(FILMS), before)


# ---- padding, cropping, convolutions that are turned round ---------------------------------------


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        ((1, 2, 3, 4), ((1, 2), (3, 4))),
        ({"top_pad": 1, "bottom_pad": 2, "left_pad": 3, "right_pad": 4}, ((1, 2), (3, 4))),
        ({"left_pad": 2}, ((0, 0), (2, 0))),
        ((1, 2), ((1, 1), (2, 2))),
    ],
)
def test_sides_of_padding(keras, padding, sides):
    images = draw.random((2, 4, 5, 3)).astype("float32")
    layer = keras.layers.ZeroPadding2D(padding, dim_ordering="tf")
    np.testing.assert_array_equal(layer(images), np.pad(images, ((0, 0), *sides, (0, 0))))
    np.testing.assert_array_equal(type(layer).from_config(layer.get_config())(images), layer(images))


def test_a_side_that_there_is_not(keras):
    with pytest.raises(TypeError, match="`above` is no side"):
        keras.layers.ZeroPadding1D({"above": 1})
    np.testing.assert_array_equal(
        keras.layers.ZeroPadding1D({"left_pad": 1, "right_pad": 2})(FILMS),
        np.pad(FILMS, ((0, 0), (1, 2), (0, 0))),
    )


def test_cropping_may_leave_nothing_in_era_1(keras):
    assert keras.layers.Cropping1D((2, 3))(FILMS).shape == (2, 0, 4)
    with pytest.raises(ValueError, match="cannot cut"):
        keras.layers.Cropping1D((3, 3))(FILMS)
    cornu.set_era(3)
    with pytest.raises(ValueError, match="cannot cut"):
        cornu.layers.Cropping1D((2, 3))(FILMS)


def test_the_transpose_of_a_full_convolution(keras):
    """On Theano a full convolution by a kernel; turned round it is a valid correlation by it."""
    layer = keras.layers.Deconvolution2D(
        1, 3, 3, (None, 1, 4, 5), border_mode="full", dim_ordering="th", input_shape=(1, 6, 7)
    )
    model = keras.models.Sequential([layer])
    image = draw.random((6, 7)).astype("float32")
    kernel, bias = layer.get_weights()
    wanted = signal.correlate2d(image, kernel[0, 0], "valid") + bias[0]
    np.testing.assert_allclose(model.predict(image[None, None])[0, 0], wanted, rtol=1e-4, atol=1e-5)


# ---- files of the other backend ------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
@pytest.mark.parametrize("converts", [False, True])
def test_weights_of_theano_are_understood_once(keras, tmp_path, backend, converts):
    """Whether or not a program turns the kernels about after `load_weights`: the numbers are Theano's."""
    h5py = pytest.importorskip("h5py")
    kernel, bias = draw.random((2, 3, 3, 3)).astype("float32"), draw.random(2).astype("float32")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["layer_names"] = [b"c"]
        group = file.create_group("c")
        group.attrs["weight_names"] = [b"c_W", b"c_b"]
        group["c_W"], group["c_b"] = kernel, bias
    image = draw.random((3, 8, 8)).astype("float32")
    wanted = sum(signal.convolve2d(image[c], kernel[0, c], "valid") for c in range(3)) + bias[0]
    turn = keras.utils.layer_utils.convert_all_kernels_in_model
    with config.backend_scope(backend):
        layer = keras.layers.Convolution2D(2, 3, 3, dim_ordering="th", input_shape=(3, 8, 8), name="c")
        model = keras.models.Sequential([layer])
        model.load_weights(str(tmp_path / "w.h5"))
        if converts:
            turn(model)
        np.testing.assert_allclose(model.predict(image[None])[0, 0], wanted, rtol=1e-4)
        turn(model)
        if converts:  # a second time it is meant
            wanted = sum(signal.correlate2d(image[c], kernel[0, c], "valid") for c in range(3)) + bias[0]
        np.testing.assert_allclose(model.predict(image[None])[0, 0], wanted, rtol=1e-4)


# ---- compiling -----------------------------------------------------------------------------------


def test_a_metric_that_returns_several_by_name(keras):
    K = keras.backend

    def powers(y_true, y_pred):
        error = K.mean(K.abs(y_true - y_pred))
        return {"first": error, "second": error**2}

    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3, init="one")])
    model.compile("sgd", "mse", metrics=[powers], mode="FAST_COMPILE")
    logs = dict(zip(model.metrics_names, model.test_on_batch(X, np.zeros((6, 1))), strict=True))
    if "first" not in logs:  # names are known once data has come
        logs = dict(zip(model.metrics_names, model.test_on_batch(X, np.zeros((6, 1))), strict=True))
    error = X.sum(1).mean()
    assert logs["first"] == pytest.approx(error, rel=1e-5)
    assert logs["second"] == pytest.approx(error**2, rel=1e-5)


def test_one_column_of_labels_is_no_target_for_categorical_crossentropy(keras):
    check = keras.engine.training.check_loss_and_target_compatibility
    loss = keras.objectives.categorical_crossentropy
    check([np.zeros((2, 1, 3))], [loss], [(2, None, 3)])
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy"):
        check([np.zeros((2, 3, 1))], [loss], [(2, 3, 1)])


def test_a_weighted_objective_of_symbols(keras):
    K = keras.backend
    fn = keras.engine.training.weighted_objective(keras.objectives.mean_absolute_error)
    a, b = draw.random((3, 4, 2)), draw.random((3, 4, 2))
    weights, mask = np.array([1.0, 0.0, 2.0]), np.ones((3, 4))
    mask[1, 0] = 0
    made = fn(K.variable(a), K.variable(b), K.variable(weights), K.variable(mask))
    each = (abs(a - b).mean(-1) * mask / mask.mean()).mean(1)
    assert float(K.eval(made)) == pytest.approx((each * weights).sum() / 2, rel=1e-5)


# ---- tensors -------------------------------------------------------------------------------------


def test_as_a_condition_tensors_are_equal_where_they_are_the_same(keras):
    a, b, narrow = (keras.layers.Input((size,)) for size in (3, 3, 2))
    assert a == a and a != b and narrow != a
    assert b in [a, b] and b not in [a, narrow] and [a, narrow].index(narrow) == 1
    with pytest.raises(TypeError, match="not there yet"):
        bool(a)


def test_in_era_3_a_comparison_of_symbols_is_no_condition():
    cornu.set_era(3)
    a, b = cornu.Input((3,)), cornu.Input((3,))
    with pytest.raises(TypeError, match="not there yet"):
        bool(a == b)


def test_dimshuffle_inside_a_call(keras):
    class Share(keras.engine.Layer):
        def call(self, x, mask=None):
            return x / x.sum(axis=1).dimshuffle(0, "x")

    model = keras.models.Sequential([Share(input_shape=(3,))])
    np.testing.assert_allclose(model.predict(X), X / X.sum(1, keepdims=True), rtol=1e-6)


# ---- what models and layers tell -----------------------------------------------------------------


def test_where_data_enters_and_leaves_a_model(keras):
    layers = keras.layers
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    shared = layers.Dense(2, name="shared")
    shared(a)
    model = keras.models.Model([a, b], [shared(b), layers.merge([a, b], mode="sum", name="sum")])
    assert [layer.name for layer in model.input_layers] == ["a", "b"]
    assert [layer.name for layer in model.output_layers] == ["shared", "sum"]
    assert model.output_layers_node_indices == [1, 0] and model.output_layers_tensor_indices == [0, 0]
    assert a._keras_history[0].inbound_nodes[0].input_tensors == [a]


def test_the_model_inside_a_sequential_is_itself(keras):
    model = keras.models.Sequential([keras.layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    model.model._make_train_function()
    assert model.model is model
    assert not hasattr(keras.models.Model(model.input, model.output), "model")


def test_updates_that_depend_on_inputs_and_those_that_do_not(keras):
    a, layer = keras.layers.Input((2,)), keras.layers.Dense(1)
    layer.add_update(0, inputs=a)
    layer.add_update(1)
    assert layer.get_updates_for(a) == [0] and layer.get_updates_for(None) == [1]
