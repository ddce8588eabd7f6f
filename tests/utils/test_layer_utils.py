"""Layers made, counted and printed; kernels turned about; the helpers of old programs; a layer's trial."""

import numpy as np
import pytest

import cornu
from cornu.layers import BatchNormalization, Conv1D, Conv2D, Conv2DTranspose, Dense, Flatten, SeparableConv2D
from cornu.utils import generic_utils, layer_utils, np_utils
from cornu.utils.test_utils import get_test_data, keras_test, layer_test


@pytest.fixture
def model():
    inner = cornu.Sequential([cornu.Input((4,)), Dense(3, name="inside")], name="inner")
    x = cornu.Input((4,))
    y = BatchNormalization(name="norm")(inner(Dense(4, name="first")(x)))
    return cornu.Model(x, Dense(2, name="last")(y))


def test_counts(model):
    model.get_layer("last").trainable = False
    assert layer_utils.count_total_params(model.layers) == (20 + 15 + 6, 6 + 8)
    assert layer_utils.count_total_params([*model.layers, *model.layers]) == (41, 14)
    assert layer_utils.count_params(model.weights * 2) == 55


@pytest.mark.parametrize("era", [1, 2, 3])
def test_print_summary_is_the_models_own(model, era):
    cornu.set_era(era)
    printed, own = [], []
    layer_utils.print_summary(model, print_fn=printed.append)
    model.summary(print_fn=own.append)
    assert printed == own


def test_print_summary_of_layers(model, capsys):
    cornu.set_era(1)
    layer_utils.print_summary(model.layers, None, 90)
    said = capsys.readouterr().out
    assert all(f"{layer.name} (" in said for layer in model.layers)
    assert "Total params: 55" in said and "_" * 90 in said and "_" * 91 not in said


def test_kernels_are_turned_about_in_space():
    layers = [
        Conv2D(3, (2, 3), name="conv"),
        Conv2DTranspose(2, 3, name="transposed"),
        SeparableConv2D(2, 2, name="separable"),
    ]
    model = cornu.Sequential([cornu.Input((8, 8, 2)), *layers])
    before = model.get_weights()
    layer_utils.convert_all_kernels_in_model(model)
    after = model.get_weights()
    np.testing.assert_array_equal(after[0], before[0][::-1, ::-1])
    np.testing.assert_array_equal(after[0], np_utils.convert_kernel(before[0], "channels_last"))
    np.testing.assert_array_equal(after[2], before[2][::-1, ::-1])
    for number in (1, 3, 4, 5, 6):
        np.testing.assert_array_equal(after[number], before[number])
    line = cornu.Sequential([cornu.Input((8, 2)), Conv1D(3, 4)])
    kernel = line.get_weights()[0]
    layer_utils.convert_all_kernels_in_model(line)
    np.testing.assert_array_equal(line.get_weights()[0], kernel[::-1])


@pytest.mark.parametrize("target", ["channels_first", "channels_last"])
def test_rows_behind_flatten_change_places(target):
    cornu.set_era(1)  # in which rows are flattened in the order they have
    image = np.random.RandomState(0).rand(1, 4, 5, 3).astype("float32")
    first = image.transpose(0, 3, 1, 2)
    before, after = (image, first) if target == "channels_first" else (first, image)
    dense = Dense(2)
    made = [cornu.Sequential([cornu.Input(each.shape[1:]), Flatten(), dense]) for each in (before, after)]
    wanted = made[0].predict(before)
    layer_utils.convert_dense_weights_data_format(dense, after.shape[1:], target)
    np.testing.assert_allclose(made[1].predict(after), wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="has 60 inputs"):
        layer_utils.convert_dense_weights_data_format(dense, (1, 2, 3))


def test_layers_from_configurations(model):
    cornu.set_era(1)
    made = layer_utils.layer_from_config({"class_name": "Dense", "config": {"output_dim": 5, "name": "d"}})
    assert (made.units, made.name) == (5, "d")

    class Mine(Dense):
        pass

    made = layer_utils.layer_from_config({"class_name": "Mine", "config": {"units": 2}}, {"Mine": Mine})
    assert type(made) is Mine
    with pytest.raises(ValueError, match="'Thine' is not known here"):
        layer_utils.layer_from_config({"class_name": "Thine", "config": {}})


# ---- generic_utils -----------------------------------------------------------------------------------


def test_get_from_module():
    members = {"list": list, "dict": dict}
    get = generic_utils.get_from_module
    assert get("list", members, "type") is list
    assert get("list", members, "type", instantiate=True) == []
    assert get("dict", members, "type", instantiate=True, kwargs={"a": 1}) == {"a": 1}
    assert get({"name": "dict", "b": 2}, members, "type") == {"b": 2}
    assert get(len, members, "type") is len
    with cornu.utils.custom_object_scope({"mine": set}):
        assert get("mine", members, "type") is set
    with pytest.raises(ValueError, match="Invalid type: lisst. Did you mean 'list'"):
        get("lisst", members, "type")


def test_code_is_refused():
    for refused in (generic_utils.func_dump, generic_utils.func_load):
        with pytest.raises(ValueError, match="compiled Python code in files can do anything"):
            refused(lambda x: x)


def test_small_helpers():
    assert generic_utils.make_tuple(1, 2) == (1, 2)
    assert generic_utils.to_list(1) == [1] and generic_utils.to_list([1]) == [1]
    assert generic_utils.to_list((1, 2)) == [(1, 2)]
    assert generic_utils.to_list((1, 2), allow_tuple=True) == [1, 2]
    assert generic_utils.unpack_singleton([3]) == 3 and generic_utils.unpack_singleton([3, 4]) == [3, 4]
    assert generic_utils.has_arg(lambda a, *, b: 0, "b")
    assert not generic_utils.has_arg(lambda a, **c: 0, "b")
    assert generic_utils.has_arg(lambda a, **c: 0, "b", accept_all=True)
    rows = np.arange(6)
    np.testing.assert_array_equal(generic_utils.slice_arrays(rows, 2, 4), [2, 3])
    np.testing.assert_array_equal(generic_utils.slice_arrays([rows, None], [0, 5])[0], [0, 5])
    assert generic_utils.slice_arrays([rows, None], 1)[1] is None


# ---- test_utils --------------------------------------------------------------------------------------


def test_data_to_learn():
    (x, y), (more, labels) = get_test_data(30, 10, (3, 2), classification=True, num_classes=4)
    assert (x.shape, y.shape, more.shape, labels.shape) == ((30, 3, 2), (30,), (10, 3, 2), (10,))
    assert {*y, *labels} <= {0, 1, 2, 3}
    assert abs((x - y[:, None, None]).mean()) < 0.3
    cornu.set_era(1)
    (x, y), _ = get_test_data(nb_train=8, nb_test=2, output_shape=(5,), classification=False)
    assert (x.shape, y.shape) == ((8, 10), (8, 5))


@pytest.mark.parametrize("era", [1, 2, 3])
def test_layer_trial(era):
    cornu.set_era(era)
    kwargs = {"output_dim": 3} if era == 1 else {"units": 3}
    assert layer_test(Dense, kwargs, input_shape=(3, 4)).shape == (3, 3)
    assert layer_test(Dense, kwargs, (3, 4), fixed_batch_size=True).shape == (3, 3)
    data = np.ones((2, 3, 2), "float32")
    layer_test(Flatten, input_data=data, expected_output=data.reshape(2, 6))
    with pytest.raises(AssertionError):
        layer_test(Flatten, input_data=data, expected_output=0 * data.reshape(2, 6))


def test_layer_trial_finds_a_wrong_configuration():
    class Wrong(Dense):
        def get_config(self):
            return {**super().get_config(), "activation": "tanh"}

    with pytest.raises(AssertionError):
        layer_test(Wrong, {"units": 2}, (3, 4))


def test_names_begin_anew():
    @keras_test
    def build():
        return Dense(1).name

    build()
    assert build() == build() == "dense"
