"""The compiled loops of recurrent layers: what they compute is what a step written in JAX computes, and so is every
derivative; layers use them where their arithmetic is the same, and nowhere else.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.ops import onednn

recurrent = pytest.importorskip("cornu_kernels.recurrent", reason="cornu-kernels is not installed")
SIZES = [(3, 5, 7, 9), (1, 4, 3, 1), (33, 3, 20, 130)]  # batch, steps, features, units


def operands(name: str, batch: int, time: int, features: int, units: int) -> tuple:
    draw, cell = np.random.default_rng(0), recurrent.CELLS[name]
    made = lambda *shape: jnp.asarray(0.3 * draw.normal(size=shape), "float32")  # noqa: E731
    states = tuple(made(batch, units) for _ in range(cell.states))
    weights = (
        made(features, cell.kernel * units),
        made(units, cell.recurrent * units),
        made(cell.bias * units),
    )
    return made(batch, time, features), states, *weights


def both(name: str, sequence: bool):
    """The call, and the same in JAX."""
    return (
        lambda x, states, *weights: recurrent.run(name, x, states, *weights, sequence=sequence),
        lambda x, states, *weights: recurrent.plain(x, *states, *weights, name=name, sequence=sequence),
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("name", list(recurrent.CELLS))
def test_results_and_gradients(name, sequence, sizes):
    given = operands(name, *sizes)

    def sloped(fn):
        def loss(*given):
            results = fn(*given)
            return sum(jnp.sin(x * (i + 1)).sum() for i, x in enumerate(results)), results

        (_, results), slopes = jax.value_and_grad(loss, (0, 1, 2, 3, 4), has_aux=True)(*given)
        return results, slopes

    mine, theirs = (sloped(fn) for fn in both(name, sequence))
    for x, y in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4 * max(1, float(jnp.abs(y).max())))


@pytest.mark.parametrize("name", list(recurrent.CELLS))
def test_what_is_no_number_stays_so(name):
    x, *rest = operands(name, 2, 3, 4, 5)
    mine, theirs = (fn(x.at[0, 1, 0].set(jnp.nan), *rest)[0] for fn in both(name, True))
    np.testing.assert_array_equal(jnp.isnan(mine), jnp.isnan(theirs))
    assert jnp.isnan(mine[0, 1:]).all() and not jnp.isnan(mine[1]).any()


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_batches_and_derivatives_of_every_order(name):
    x, *rest = operands(name, 2, 3, 4, 5)
    fns = [lambda x, fn=fn: fn(x, *rest)[0] for fn in both(name, True)]
    mine, theirs = (
        [
            jax.vmap(fn)(jnp.stack([x, 2 * x])),
            jax.jvp(fn, (x,), (jnp.cos(x),))[1],
            jax.grad(lambda x, fn=fn: (jax.grad(lambda x: fn(x).sum())(x) ** 2).sum())(x),
            jax.lax.map(fn, jnp.stack([x, 2 * x])),
        ]
        for fn in fns
    )
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


LAYERS = [
    (layers.LSTM, {}, True),
    (layers.LSTM, {"use_bias": False}, True),
    (layers.LSTM, {"recurrent_activation": "hard_sigmoid"}, False),
    (layers.LSTM, {"activation": "relu"}, False),
    (layers.LSTM, {"dtype": "mixed_bfloat16"}, False),
    (layers.GRU, {}, True),
    (layers.GRU, {"reset_after": False}, True),
    (layers.GRU, {"use_bias": False}, True),
    (layers.SimpleRNN, {}, True),
    (layers.SimpleRNN, {"activation": "relu"}, True),
    (layers.SimpleRNN, {"activation": "sigmoid"}, False),
]
WAYS = [{}, {"return_sequences": True, "return_state": True, "go_backwards": True}]


@pytest.mark.parametrize("how", WAYS, ids=str)
@pytest.mark.parametrize(("kind", "given", "used"), LAYERS)
def test_layers_use_them_where_the_arithmetic_is_the_same(monkeypatch, kind, given, used, how):
    x, calls, recur = np.random.default_rng(0).normal(size=(4, 7, 5)).astype("float32"), [], onednn.recur
    monkeypatch.setattr(onednn, "recur", lambda *args: calls.append(1) or recur(*args))

    def outputs(kernels: str) -> list:
        monkeypatch.setenv("CORNU_KERNELS", kernels)
        cornu.utils.set_random_seed(1)
        layer = kind(6, **given, **how)
        layer.build(x.shape)
        for weight in layer.weights:
            weight.assign(weight.value + 0.1 * np.random.default_rng(2).normal(size=weight.shape))
        return jax.tree.leaves(layer(x))

    for one, other in zip(outputs("1"), outputs("0"), strict=True):
        np.testing.assert_allclose(one.astype("float32"), other.astype("float32"), rtol=1e-5, atol=1e-5)
    assert len(calls) == used


@pytest.mark.parametrize(("given", "used"), [({"dropout": 0.5}, True), ({"recurrent_dropout": 0.5}, False)])
def test_dropout_of_inputs_is_theirs_too(monkeypatch, given, used):
    x, calls, recur = jnp.ones((4, 7, 5)), [], onednn.recur
    monkeypatch.setattr(onednn, "recur", lambda *args: calls.append(1) or recur(*args))
    made = []
    for kernels in "10":
        monkeypatch.setenv("CORNU_KERNELS", kernels)
        cornu.utils.set_random_seed(3)
        made.append(layers.LSTM(6, seed=5, **given)(x, training=True))
    np.testing.assert_allclose(*made, rtol=1e-5, atol=1e-5)
    assert len(calls) == used
    masked = layers.LSTM(6)(x, mask=jnp.array([[True] * 6 + [False]] * 4))
    assert masked.shape == (4, 6) and len(calls) == used
