"""What holds for every layer: one table of layers (`layer_table.py`), crossed with laws."""

import functools
import pickle

import jax
import numpy as np
import pytest
from layer_table import EVERYTHING, Case

import cornu
from cornu import Input, Model, layers

LABELS = {case.label: case for case in EVERYTHING}
RANDOM = ("Dropout", "Noise")
every_layer = pytest.mark.parametrize("label", LABELS)


def data(case: Case, dtype: str | None = None):
    draw = np.random.default_rng(3)

    def make(shape):
        if case.dtype == "int32":
            return draw.integers(0, 9, shape).astype("int32")
        return draw.normal(size=shape).astype(dtype or case.dtype)

    return [make(each) for each in case.shape] if isinstance(case.shape, list) else make(case.shape)


def build(case: Case, **more) -> Model:
    x = jax.tree.map(lambda leaf: Input(leaf.shape[1:], dtype=leaf.dtype), data(case))
    return Model(x, getattr(layers, case.name)(**case.arguments, **more)(x))


@functools.lru_cache(maxsize=1)
def made(label: str) -> tuple[Model, object, list]:
    """The model of one case, its data and its outputs, for the laws that leave it alone."""
    model, x = build(LABELS[label]), data(LABELS[label])
    return model, x, [np.asarray(leaf) for leaf in jax.tree.leaves(model(x))]


def same(model: Model, x, expected: list, tolerance: float = 1e-5) -> None:
    for got, wanted in zip(jax.tree.leaves(model(x)), expected, strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=tolerance, atol=tolerance)


@every_layer
def test_symbolic_shapes_are_real_shapes(label):
    model, _, outputs = made(label)
    for symbol, value in zip(model.outputs, outputs, strict=True):
        assert symbol.shape[0] is None or symbol.shape[0] == value.shape[0]
        assert symbol.shape[1:] == value.shape[1:]
        assert symbol.dtype == value.dtype.name


@every_layer
def test_compiled_is_eager(label):
    model, x, outputs = made(label)
    cells = model.variables
    values = [cell.value for cell in cells]
    compiled = jax.jit(cornu.variable.pure(lambda x: model(x, training=False), cells))
    got, kept = compiled(values, x)
    for a, b in zip(jax.tree.leaves(got), outputs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5)
    for a, b in zip(
        kept, values, strict=True
    ):  # inference writes nothing, but for states that are kept on purpose
        np.testing.assert_array_equal(a, b)


@every_layer
def test_configuration_round_trip(label):
    model, x, outputs = made(label)
    layer = model.layers[-1]
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    twin = Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    same(twin, x, outputs)


@every_layer
def test_files_keep_everything(label, tmp_path):
    model, x, outputs = made(label)
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        same(cornu.models.load_model(tmp_path / name), x, outputs)
    twin = cornu.models.clone_model(model)
    for name in ("model.weights.h5", "old.h5"):
        model.save_weights(tmp_path / name)
        twin.set_weights([np.zeros_like(array) for array in model.get_weights()])
        twin.load_weights(tmp_path / name)
        same(twin, x, outputs)


@every_layer
def test_clones_share_nothing_and_pickles_are_equal(label):
    model, x, outputs = made(label)
    twin = cornu.models.clone_model(model)
    assert not set(model.variables) & set(twin.variables)
    same(pickle.loads(pickle.dumps(model)), x, outputs)


@every_layer
def test_half_precision(label):
    case = LABELS[label]
    model, x, outputs = made(label)
    for policy in ("mixed_bfloat16", "bfloat16"):
        half = build(case, dtype=policy)
        half.set_weights(model.get_weights())
        for got, symbol, wanted in zip(jax.tree.leaves(half(x)), half.outputs, outputs, strict=True):
            assert str(got.dtype) == symbol.dtype
            if wanted.dtype == np.float32:
                assert str(got.dtype) == "bfloat16"
                scale = max(1.0, float(np.abs(wanted).max()))
                np.testing.assert_allclose(np.asarray(got, "float32"), wanted, atol=0.1 * scale, rtol=0.1)


@every_layer
def test_a_second_step_does_not_compile_again(label):
    case = LABELS[label]
    model, x = build(case), data(case)
    y = jax.tree.map(lambda leaf: np.zeros(leaf.shape, "float32"), model(x))
    model.compile("sgd", "mse")
    before = model.get_weights()
    for _ in range(3):
        model.train_on_batch(x, y)
    assert model._runner("train")._single._cache_size() == 1
    if model.trainable_variables and not any(word in label for word in ("SpectralNormalization",)):
        assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    for array in model.get_weights():
        assert np.isfinite(array).all()
