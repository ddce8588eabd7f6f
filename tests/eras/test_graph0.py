"""`Merge` and `merge` of Keras 1, by their formulas."""

import numpy as np
import pytest

from cornu import layers, registry, scope
from cornu.eras import graph0

draw = np.random.default_rng(0)
A, B = (draw.normal(size=(2, 3, 4)).astype("float32") for _ in range(2))
ROWS = A[:, 0], B[:, 0]

MERGED = [
    ("sum", {}, (A, B, A), A + B + A),
    ("mul", {}, (A, B), A * B),
    ("ave", {}, (A, B), (A + B) / 2),
    ("max", {}, (A, B), np.maximum(A, B)),
    ("concat", {}, (A, B), np.concatenate([A, B], -1)),
    ("concat", {"concat_axis": 1}, (A, B), np.concatenate([A, B], 1)),
    ("dot", {"dot_axes": 1}, ROWS, (ROWS[0] * ROWS[1]).sum(1, keepdims=True)),
    ("dot", {"dot_axes": -1}, (A, B), np.einsum("nid,njd->nij", A, B)),
    ("dot", {"dot_axes": (2, 1)}, (A, B.swapaxes(1, 2)), np.einsum("nid,ndj->nij", A, B.swapaxes(1, 2))),
    (
        "cos", {"dot_axes": 1}, ROWS,
        ((ROWS[0] * ROWS[1]).sum(1) / np.linalg.norm(ROWS[0], axis=1) / np.linalg.norm(ROWS[1], axis=1))[:, None, None],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "options", "inputs", "expected"), MERGED)
def test_modes(mode, options, inputs, expected):
    layer = graph0.Merge(mode=mode, **options)
    np.testing.assert_allclose(layer(list(inputs)), expected, rtol=1e-5)
    symbols = [layers.Input(each.shape[1:]) for each in inputs]
    assert graph0.merge(symbols, mode, **options).shape == (None, *expected.shape[1:])
    again = registry.deserialize(registry.serialize(layer))
    np.testing.assert_allclose(again(list(inputs)), expected, rtol=1e-5)


def spread(inputs, by=1):
    return by * (inputs[0] - inputs[1])


def test_functions():
    layer = graph0.Merge(mode=spread, arguments={"by": 2}, output_shape=(3, 4))
    np.testing.assert_allclose(layer([A, B]), 2 * (A - B), rtol=1e-6)
    with registry.custom_object_scope({"spread": spread}):
        again = graph0.Merge.from_config(layer.get_config())
        old = {"mode": "spread", "mode_type": "function", "arguments": {}, "output_shape": None}
        older = graph0.Merge.from_config({"name": "m", "output_shape_type": "raw", **old})
    np.testing.assert_allclose(again([A, B]), layer([A, B]))
    np.testing.assert_allclose(older([A, B]), A - B)
    with pytest.raises(ValueError, match="another version of Python"):
        graph0.Merge.from_config({**old, "mode_type": "lambda"})


def test_branches():
    left, right = layers.Dense(3), layers.Dense(3)
    left(layers.Input((4,))), right(layers.Input((4,)))
    layer = graph0.Merge([left, right], mode="concat")
    assert layer.output.shape == (None, 6)
    assert layer.input[0] is left.output


def test_masks():
    one, two = np.array([[1, 1, 0], [1, 0, 0]], bool), np.array([[1, 0, 0], [1, 1, 1]], bool)
    merged = lambda mode, *masks: scope.mask_of(graph0.Merge(mode=mode)([A, B], mask=list(masks)))  # noqa: E731
    assert np.array_equal(merged("sum", one, two), one & two)
    assert np.array_equal(merged("mul", one, None), one)
    assert np.array_equal(merged("concat", one, two), one & two)
    assert merged("dot", one, two) is None


@pytest.mark.parametrize(
    ("arguments", "inputs", "words"),
    [
        ({"mode": "mean"}, [A, B], "`mode` is one of"),
        ({"mode": "sum"}, [A, A[:, :2]], "one shape"),
        ({"mode": "cos"}, [A, B, A], "two inputs"),
        ({}, [A], "at least two"),
    ],
)
def test_what_does_not_go_together(arguments, inputs, words):
    with pytest.raises(ValueError, match=words):
        graph0.Merge(**arguments)(inputs)
