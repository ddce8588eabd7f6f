"""What holds for every layer, whatever it computes."""

import json

import jax
import numpy as np
import pytest
from layer_table import EVERYTHING, Case, inputs_of, scramble

from cornu import dtypes, layers, registry, symbol

LABELS = {"ids": lambda case: case.label}


def make(case: Case):
    return getattr(layers, case.name)(**case.arguments)


def build(layer, case: Case, batch=None):
    """What comes out for symbols of the case's shapes."""
    inputs = jax.tree.map(
        lambda x: layers.Input(batch_shape=(batch, *x.shape[1:]), dtype=str(x.dtype)), inputs_of(case)
    )
    return layer(inputs)


def outputs_of(layer, x) -> list:
    trained, others = layer.trainable_variables, layer.non_trainable_variables
    call = jax.jit(lambda a, b, x: layer.stateless_call(a, b, x)[0])
    return jax.tree.leaves(call([each.value for each in trained], [each.value for each in others], x))


@pytest.mark.parametrize("case", EVERYTHING, **LABELS)
def test_configuration_makes_the_same_layer_again(case):
    layer, x = make(case), inputs_of(case)
    symbols = jax.tree.leaves(build(layer, case))
    scramble(layer)
    text = json.dumps(registry.serialize(layer))
    again = registry.deserialize(json.loads(text))
    assert type(again) is type(layer) and again.name == layer.name
    build(again, case)
    again.set_weights(layer.get_weights())
    outputs = outputs_of(layer, x)
    for mine, other in zip(outputs, outputs_of(again, x), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert [(each.shape[1:], each.dtype) for each in symbols] == [
        (each.shape[1:], dtypes.dtype_of(each)) for each in outputs
    ], "the symbols promise other shapes than the arrays have"
    assert all(each.shape[0] is None for each in symbols)
    assert json.dumps(registry.serialize(again)) == text


@pytest.mark.parametrize("case", [case for case in EVERYTHING if case.dtype == "float32"], **LABELS)
def test_half_precision_keeps_float32_weights(case):
    layer = getattr(layers, case.name)(**case.arguments, dtype="mixed_bfloat16")
    symbols = jax.tree.leaves(build(layer, case))
    assert {each.dtype for each in symbols} == {"bfloat16"}
    assert {each.dtype for each in layer.weights} <= {"float32"}


def test_every_layer_is_in_the_table():
    known = {case.name for case in EVERYTHING} | ELSEWHERE
    assert registry.FAMILIES["layers"].keys() - known == set(), "give these a row in layer_table.py"


ELSEWHERE = {  # tested in other files
    *("Input", "InputLayer", "Lambda", "Layer", "Merge", "Wrapper", "TimeDistributed", "Bidirectional"),
    *("SpectralNormalization", "RNN", "StackedRNNCells", "SimpleRNNCell", "LSTMCell", "GRUCell"),
    *("MultiHeadAttention", "GroupQueryAttention", "TimeDistributedDense"),
}

WRONG = [
    ("Dense", {"units": 0}, "units"),
    ("Dense", {"units": 3.5}, "units"),
    ("Dropout", {"rate": 1.5}, "rate"),
    ("Conv2D", {"filters": 3, "kernel_size": (3, 3, 3)}, "kernel_size"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, "padding"),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 2}, "groups"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "output_padding": 1}, "output_padding"),
    ("MaxPooling2D", {"padding": "full"}, "padding"),
    ("Reshape", {"target_shape": (-1, -1)}, "target_shape"),
    ("Permute", {"dims": (1, 3)}, "dims"),
    ("UpSampling2D", {"interpolation": "cubic"}, "interpolation"),
    ("ZeroPadding2D", {"padding": (1, 2, 3)}, "padding"),
    ("BatchNormalization", {"axis": (1, 2)}, "axis"),
    ("Bidirectional", {"layer": layers.Dense(3)}, "recurrent"),
    ("LSTM", {"units": 3, "use_cudnn": True}, "cuDNN"),
    ("RNN", {"cell": 3}, "state_size"),
    ("EinsumDense", {"equation": "ab->c", "output_shape": 3}, "form"),
    ("InputLayer", {}, "shape"),
    ("InputLayer", {"shape": 3}, "write shape=\\(3,\\)"),
]


@pytest.mark.parametrize(("name", "arguments", "words"), WRONG, ids=[f"{a}-{c}" for a, _, c in WRONG])
def test_wrong_arguments_are_named(name, arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        layer = getattr(layers, name)(**arguments)
        layer(np.ones((2, 3, 4), "float32"))


MISFITS = [
    (layers.Dense(3, name="d"), [(2, 4), (2, 5)], "'d'.*axis -1 of size 4, got 5"),
    (layers.Conv2D(3, 3, name="c"), [(2, 4, 4)], "'c'.*4 dimensions .*got 3"),
    (layers.LSTM(3, name="l"), [(2, 4, 4), (2, 4, 5)], "'l'.*axis 2 of size 4, got 5"),
    (layers.LSTM(3, name="l2"), [(2, 4)], "'l2'.*3 dimensions"),
    (layers.Reshape((5,), name="r"), [(2, 4)], "'r'.*4 elements"),
    (layers.Flatten(name="f"), [()], "at least 1 dimension"),
    (layers.GroupNormalization(3, name="g"), [(2, 4)], "'g'.*4 channels"),
]


@pytest.mark.parametrize(("layer", "shapes", "words"), MISFITS, ids=lambda each: getattr(each, "name", ""))
def test_wrong_shapes_are_told(layer, shapes, words):
    for shape in shapes[:-1]:
        layer(np.ones(shape, "float32"))
    with pytest.raises(ValueError, match=words):
        layer(np.ones(shapes[-1], "float32"))


def test_sizes_that_are_not_known_stay_unknown():
    x = layers.Input((None, None, 3))
    assert layers.Conv2D(4, 3)(x).shape == (None, None, None, 4)
    assert layers.Flatten()(x).shape == (None, None)
    assert layers.GlobalAveragePooling2D()(x).shape == (None, 3)
    assert layers.UpSampling2D(2)(x).shape == (None, None, None, 3)
    assert layers.Reshape((-1, 2))(x).shape == (None, None, 2)
    assert layers.Reshape((4, 5))(x).shape == (None, 4, 5)
    assert layers.LSTM(2, return_sequences=True)(layers.Input((None, 3))).shape == (None, None, 2)
    assert isinstance(layers.Dense(2)(x), symbol.Symbol)
