"""Attention against its formula, by the compiled kernels and without; its derivatives, and the draws of dropout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import layers, random
from cornu.ops import attention, nn, onednn


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def path(request, monkeypatch):
    """Both ways on the CPU; the compiled one where it is installed."""
    if request.param == "plain":
        monkeypatch.setenv("CORNU_KERNELS", "0")
    elif not onednn.attends(jnp.ones((1, 1, 1, 1))):
        pytest.skip("cornu-kernels with attention is not installed: pip install ./kernels")
    return request.param


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape), "float32")


def formula(query, key, value, mask, causal=False, scale=None, kept=None, rate=0.0, even=True):
    """`kept(softmax(query key^T * scale)) value`, term by term."""
    repeats = query.shape[2] // key.shape[2]
    key, value = jnp.repeat(key, repeats, 2), jnp.repeat(value, repeats, 2)
    scores = jnp.sum(query[:, :, None] * key[:, None], -1) * (
        query.shape[-1] ** -0.5 if scale is None else scale
    )
    scores = jnp.moveaxis(scores, -1, 1)
    seen = jnp.ones(scores.shape, bool) if mask is None else jnp.broadcast_to(mask, scores.shape)
    if causal:
        seen &= np.arange(scores.shape[3]) <= np.arange(scores.shape[2])[:, None]
    scores = jnp.where(seen, scores, -1e30)
    powers = jnp.where(seen, jnp.exp(scores - scores.max(-1, keepdims=True)), 0)
    total = powers.sum(-1, keepdims=True)
    blind = 1 / scores.shape[-1] if even else 0.0
    weights = jnp.where(total > 0, powers / jnp.where(total > 0, total, 1), blind)
    weights = weights if kept is None else jnp.where(kept, weights / (1 - rate), 0)
    return jnp.moveaxis((weights[..., None] * jnp.moveaxis(value, 1, 2)[:, :, None]).sum(3), 1, 2)


# targets, sources, heads, heads of keys, size, width, shape of the mask, causal
CASES = [
    (1, 1, 1, 1, 1, 1, None, False),
    (5, 7, 2, 2, 3, 3, None, False),
    (70, 33, 4, 2, 20, 20, None, False),
    (70, 70, 2, 1, 16, 16, None, True),
    (9, 21, 2, 2, 33, 33, None, True),
    (37, 70, 4, 1, 20, 20, (2, 1, 37, 70), True),
    (19, 40, 2, 2, 8, 8, (1, 2, 1, 40), False),
    (6, 5, 2, 2, 4, 4, (2, 1, 6, 1), False),
    (3, 1100, 1, 1, 24, 24, None, False),
]


def case(targets, sources, heads, groups, size, width, shape):
    three = (
        draw(2, targets, heads, size),
        draw(2, sources, groups, size, seed=1),
        draw(2, sources, groups, width, seed=2),
    )
    mask = None if shape is None else jnp.asarray(np.random.default_rng(3).random(shape) < 0.6)
    if mask is not None:
        mask = mask.at[:, :, 0].set(False)  # the first target sees nothing
    return three, mask, draw(2, targets, heads, width, seed=4)


def close(ours, theirs, tolerance=1e-5):
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


def both(fn, three, slope):
    """The value and the three gradients."""

    @jax.jit
    def run(*three):
        out, back = jax.vjp(fn, *three)
        return out, back(slope)

    return run(*three)


@pytest.mark.parametrize("given", CASES, ids=str)
def test_values_and_gradients_are_those_of_the_formula(given):
    *sizes, causal = given
    three, mask, slope = case(*sizes)
    ours = lambda *three: nn.dot_product_attention(*three, mask=mask, is_causal=causal)  # noqa: E731
    close(both(ours, three, slope), both(lambda *three: formula(*three, mask, causal), three, slope))


@pytest.mark.parametrize("given", CASES[1:8:3] + CASES[6:7], ids=str)
def test_dropout_draws_what_random_draws(given):
    *sizes, _ = given
    (query, key, value), mask, slope = case(*sizes)
    key, value = (jnp.repeat(each, query.shape[2] // key.shape[2], 2) for each in (key, value))
    kept = random.bernoulli((2, query.shape[2], query.shape[1], key.shape[1]), 0.7, 11)
    ours = lambda *three: attention.thinned_attention(*three, mask, 0.3, 0.3, 11)  # noqa: E731
    theirs = lambda *three: formula(*three, mask, scale=0.3, kept=kept, rate=0.3, even=False)  # noqa: E731
    close(both(ours, (query, key, value), slope), both(theirs, (query, key, value), slope))


def test_other_derivatives_and_batches():
    three, _, slope = case(4, 6, 2, 2, 3, 3, None)
    moved = tuple(draw(*each.shape, seed=5) for each in three)
    ours, theirs = nn.dot_product_attention, lambda *three: formula(*three, None)
    close(jax.jvp(ours, three, moved), jax.jvp(theirs, three, moved))

    def bent(fn):  # the change of the gradients along a direction
        return jax.jit(
            lambda *three: jax.jvp(
                jax.grad(lambda *three: (fn(*three) * slope).sum(), (0, 1, 2)), three, moved
            )[1]
        )(*three)

    close(bent(ours), bent(theirs))
    stacks = tuple(jnp.stack([one, two]) for one, two in zip(three, moved, strict=True))
    several = lambda fn: jax.jit(jax.vmap(lambda *three: both(fn, three, slope)))(*stacks)  # noqa: E731
    close(several(ours), several(theirs))
    only_one = lambda fn: jax.jit(jax.vmap(lambda query: both(fn, (query, *three[1:]), slope)))(stacks[0])  # noqa: E731
    close(only_one(ours), only_one(theirs))
    looped = jax.lax.scan(lambda _, three: (None, ours(*three)), None, stacks)[1]
    close(looped, jax.vmap(theirs)(*stacks))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_rounded_once(dtype):
    three, _, _ = case(5, 7, 2, 2, 3, 3, None)
    half = [each.astype(dtype) for each in three]
    ours = nn.dot_product_attention(*half)
    assert ours.dtype == dtype
    exact = formula(*(each.astype("float32") for each in half), None)
    np.testing.assert_allclose(ours.astype("float32"), exact, rtol=float(jnp.finfo(dtype).eps), atol=1e-3)


def test_a_layer_drops_the_same_weights_on_both_paths(path):
    """What it gives with dropout is what its own weights, made explicit, give."""
    x = draw(2, 5, 6)
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    layer(x, x)
    state = layer._dropout_layer.seed_generator.state
    before = state.numpy()
    fused = layer(x, x, training=True)
    after = state.numpy()
    state.assign(before)
    explicit, _ = layer(x, x, training=True, return_attention_scores=True)
    np.testing.assert_array_equal(state.numpy(), after)
    close(fused, explicit)


@pytest.mark.parametrize("axis", [-1, 0, (0, 2)])
def test_softmax_and_its_derivatives(axis):
    x, change = draw(3, 4, 5), draw(3, 4, 5, seed=1)
    theirs = lambda x: jnp.exp(x) / jnp.exp(x).sum(axis, keepdims=True)  # noqa: E731
    ours = lambda x: nn.softmax(x, axis)  # noqa: E731
    close(jax.jvp(ours, (x,), (change,)), jax.jvp(theirs, (x,), (change,)))
    close(both(ours, (x,), change), both(theirs, (x,), change))
    twice = lambda fn: jax.grad(lambda x: (jax.grad(lambda x: (fn(x) * change).sum())(x) ** 2).sum())(x)  # noqa: E731
    close(twice(ours), twice(theirs))


def test_scores_are_never_whole():
    """The memory of a gradient grows with the length, not with its square."""
    if not onednn.attends(jnp.ones((1, 1, 1, 1))):
        pytest.skip("only the compiled kernels do that")

    def scratch(length):
        x = jax.ShapeDtypeStruct((1, length, 1, 8), "float32")
        gradient = jax.grad(lambda *three: nn.dot_product_attention(*three).sum(), (0, 1, 2))
        return jax.jit(gradient).lower(x, x, x).compile().memory_analysis().temp_size_in_bytes

    assert scratch(2048) < 4 * 2048 * 2048 / 10
