"""Every layer against Keras 3 on JAX: outputs, gradients, and what the layer keeps, from equal weights."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
import pytest

from cornu import layers

from layer_table import EVERYTHING, Case

keras = pytest.importorskip("keras", reason="Keras 3 is the oracle here; install it with pip install keras==3.15.1")
pytestmark = pytest.mark.oracle


def inputs_of(case: Case, seed: int = 0):
    """Inputs for a case, and whatever fits its weights."""
    draw = np.random.default_rng(seed)

    def make(shape):
        if case.dtype == "int32":
            return draw.integers(0, 9, shape).astype("int32")
        return draw.normal(size=shape).astype("float32")

    return [make(each) for each in case.shape] if isinstance(case.shape, list) else make(case.shape)


def scramble(layer) -> None:
    """Other weights than the initial ones: the same for equal shapes, positive where variances are kept."""
    draw = np.random.default_rng(1)
    for cell in layer.weights:
        value = draw.normal(size=cell.shape) * 0.5
        cell.assign(np.abs(value) + 0.5 if "variance" in cell.path or "stddev" in cell.path else value)


def run(layer, x, training: bool):
    """Outputs, losses, gradients of the sum of squares, and new non-trainable values."""
    trained = [cell.value for cell in layer.trainable_variables]
    others = [cell.value for cell in layer.non_trainable_variables]
    names = ("training",) if "training" in layers.layer.signature_of(type(layer).call).names else ()

    def total(trained, x):
        given = dict.fromkeys(names, training)
        outputs, kept, losses = layer.stateless_call(trained, others, x, return_losses=True, **given)
        squares = sum((leaf.astype("float32") ** 2).sum() for leaf in jax.tree.leaves(outputs))
        return squares + sum(losses), (outputs, kept, losses)

    if any(np.issubdtype(leaf.dtype, np.integer) for leaf in jax.tree.leaves(x)):
        slopes, found = jax.grad(total, has_aux=True)(trained, x)
    else:
        slopes, found = jax.grad(total, (0, 1), has_aux=True)(trained, x)
    return [*jax.tree.leaves(found), *jax.tree.leaves(slopes)]


RANDOM = ("Dropout", "Noise")


@pytest.mark.parametrize("case", [case for case in EVERYTHING if not case.ours], ids=lambda case: case.label)
def test_as_keras(case):
    x = inputs_of(case)
    ours = getattr(layers, case.name)(**case.arguments)
    theirs = getattr(keras.layers, case.name)(**case.arguments)
    ours(x), theirs(x)
    assert [cell.shape for cell in ours.weights] == [tuple(cell.shape) for cell in theirs.weights]
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    training = not any(word in case.name for word in RANDOM)
    for mine, other in zip(run(ours, x, training), run(theirs, x, training), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)
    for mine, other in zip(jax.tree.leaves(ours(x)), jax.tree.leaves(theirs(x)), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)
