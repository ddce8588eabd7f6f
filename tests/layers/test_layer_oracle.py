"""Every layer against Keras 3 on JAX: outputs, gradients, and what the layer keeps, from equal weights."""

import inspect
import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
import pytest
from layer_table import EVERYTHING, Case, inputs_of, scramble

from cornu import layers

keras = pytest.importorskip(
    "keras", reason="Keras 3 is the oracle here; install it with pip install keras==3.15.1"
)
pytestmark = pytest.mark.oracle


def run(layer, x, training: bool | None) -> list:
    """Outputs, new non-trainable values, gradients of the sum of squares, and outputs of inference."""
    trained = [cell.value for cell in layer.trainable_variables]
    others = [cell.value for cell in layer.non_trainable_variables]

    def call(trained, x, training):
        given = {} if training is None else {"training": training}
        outputs, kept = layer.stateless_call(trained, others, x, **given)
        return outputs, [
            value for value in kept if value.dtype == "float32"
        ]  # not those of random generators

    def total(trained, x):
        found = call(trained, x, training)
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(found[0])), found

    @jax.jit
    def everything(trained, x):
        wanted = 0 if any(leaf.dtype == "int32" for leaf in jax.tree.leaves(x)) else (0, 1)
        slopes, found = jax.grad(total, wanted, has_aux=True)(trained, x)
        return found, slopes, () if training is None else call(trained, x, False)

    return jax.tree.leaves(everything(trained, x))


@pytest.mark.parametrize("case", [case for case in EVERYTHING if not case.alone], ids=lambda case: case.label)
def test_as_keras(case):
    x = inputs_of(case)
    ours = getattr(layers, case.name)(**case.arguments)
    theirs = getattr(keras.layers, case.name)(**case.arguments)
    ours(jax.tree.map(lambda leaf: layers.Input(leaf.shape[1:], dtype=leaf.dtype), x))
    theirs(jax.tree.map(lambda leaf: keras.Input(leaf.shape[1:], dtype=str(leaf.dtype)), x))
    assert [cell.shape for cell in ours.weights] == [tuple(cell.shape) for cell in theirs.weights]
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    training = not any(word in case.name for word in ("Dropout", "Noise"))  # draws differ
    phased = all("training" in inspect.signature(layer.call).parameters for layer in (ours, theirs))
    training = training if phased else None
    for mine, other in zip(run(ours, x, training), run(theirs, x, training), strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=2e-5)


PENALTIES = [
    ("Dense", {"units": 2, "activity_regularizer": "l2", "kernel_regularizer": "l1"}),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}),
    (
        "MultiHeadAttention",
        {"num_heads": 2, "key_dim": 2, "activity_regularizer": "l2", "bias_regularizer": "l1"},
    ),
]


@pytest.mark.parametrize(("name", "arguments"), PENALTIES, ids=[name for name, _ in PENALTIES])
def test_penalties_as_keras(name, arguments):
    x = inputs_of(Case(name, shape=(2, 3, 4)))
    given = (x, x) if name == "MultiHeadAttention" else (x,)
    ours, theirs = (getattr(of, name)(**arguments) for of in (layers, keras.layers))
    ours(*given), theirs(*given)
    scramble(ours)
    theirs.set_weights(ours.get_weights())
    ours(*given), theirs(*given)
    assert float(sum(ours.losses)) == pytest.approx(float(sum(theirs.losses)), rel=1e-5)


LEFT_OUT = {
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "gptq_unpacked_column_size",
}  # adapters, quantization


@pytest.mark.parametrize("name", sorted({case.name for case in EVERYTHING} & {*dir(keras.layers)}))
def test_arguments_come_in_the_order_of_keras(name):
    def order(cls):
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return [
            each
            for each in parameters
            if each.kind is each.POSITIONAL_OR_KEYWORD and each.name not in LEFT_OUT
        ]

    theirs, ours = order(getattr(keras.layers, name)), order(getattr(layers, name))
    standard = {"name", "dtype"}  # where Keras names them, ours are among the keyword arguments
    names = [each.name for each in theirs if each.name not in standard]
    assert [each.name for each in ours][: len(names)] == names
    for mine, other in zip(ours, [each for each in theirs if each.name not in standard], strict=False):
        once = (
            other.default[0]
            if isinstance(other.default, tuple) and len({*other.default}) == 1
            else other.default
        )
        assert other.default is inspect.Parameter.empty or mine.default in (once, other.default), mine.name
