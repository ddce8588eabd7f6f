"""The compiled kernels for the CPU: what they compute is what XLA computes, and so is every derivative."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import cornu
from cornu import layers
from cornu.ops import nn

kernels = pytest.importorskip("cornu_kernels", reason="cornu-kernels is not installed: pip install ./kernels")

# (batch, *space), window, channels, filters, groups, strides, padding, dilation
CONVOLUTIONS = [
    ((2, 9), (3,), 4, 6, 1, (1,), ((1, 1),), (1,)),
    ((2, 9), (2,), 4, 6, 2, (2,), ((0, 3),), (1,)),
    ((2, 11), (3,), 3, 5, 1, (1,), ((4, 0),), (2,)),
    ((3, 8, 7), (3, 3), 3, 8, 1, (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((3, 8, 7), (3, 2), 16, 32, 1, (1, 1), ((1, 1), (0, 1)), (1, 1)),
    ((3, 8, 7), (3, 3), 4, 6, 1, (2, 3), ((0, 1), (2, 2)), (1, 1)),
    ((3, 9, 8), (3, 2), 6, 4, 2, (1, 2), ((2, 1), (0, 1)), (2, 3)),
    ((3, 8, 7), (1, 1), 5, 7, 1, (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((3, 8, 7), (3, 3), 16, 16, 16, (1, 1), ((1, 1), (1, 1)), (1, 1)),  # a filter a channel
    ((3, 8, 7), (3, 3), 5, 10, 5, (2, 1), ((1, 1), (0, 2)), (1, 2)),  # two
    ((3, 4, 4), (2, 2), 3, 4, 1, (1, 1), ((2, 3), (3, 2)), (1, 1)),  # wider than the window
    ((2, 5, 6, 4), (2, 3, 2), 3, 4, 1, (1, 2, 1), ((0, 0), (1, 1), (0, 1)), (1, 1, 1)),
    ((2, 5, 6, 4), (2, 2, 2), 4, 4, 4, (1, 1, 2), ((1, 1),) * 3, (2, 1, 1)),
]
LAYOUTS = [True, False]  # channels last or first


def draw(*shape, dtype="float32", seed=0):
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape), dtype)


def layout(rank: int, channels_last: bool) -> str:
    space = "DHW"[-rank:]
    return f"N{space}C" if channels_last else f"NC{space}"


def setup(case, channels_last: bool, dtype="float32"):
    """Operands of the case, and the convolution by oneDNN and by XLA."""
    (batch, *space), window, channels, filters, groups, strides, padding, dilation = case
    x = draw(batch, *space, channels, dtype=dtype)
    x = x if channels_last else jnp.moveaxis(x, -1, 1)
    kernel, bias = draw(*window, channels // groups, filters, dtype=dtype), draw(filters, dtype=dtype)
    rank = len(window)

    def ours(x, kernel, bias=None):
        return kernels.conv(
            x,
            kernel,
            bias,
            strides=strides,
            padding=padding,
            dilation=dilation,
            groups=groups,
            channels_last=channels_last,
        )

    def theirs(x, kernel, bias=None):
        letters = layout(rank, channels_last)
        y = lax.conv_general_dilated(
            x,
            kernel,
            strides,
            padding,
            rhs_dilation=dilation,
            dimension_numbers=(letters, f"{'DHW'[-rank:]}IO", letters),
            feature_group_count=groups,
        )
        if bias is None:
            return y
        return y + (bias if channels_last else bias.reshape(-1, *(1,) * rank))

    return (x, kernel, bias), ours, theirs


def waves(fn):
    """The gradients by all operands of a bumpy function of the outputs."""

    def total(*operands):
        y = fn(*operands)
        return jnp.sum(jnp.sin(y.astype("float32")) * jnp.cos(jnp.arange(y.size).reshape(y.shape)))

    def gradients(*operands):
        return jax.grad(total, tuple(range(len(operands))))(*operands)

    return gradients


def close(ours, theirs, tolerance=1e-5):
    ours, theirs = jax.tree.leaves(ours), jax.tree.leaves(theirs)
    assert [(each.shape, each.dtype) for each in ours] == [(each.shape, each.dtype) for each in theirs]
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(a, "float32"), np.asarray(b, "float32")
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, np.abs(b).max()))


@pytest.mark.parametrize("channels_last", LAYOUTS)
@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_convolution(case, channels_last):
    operands, ours, theirs = setup(case, channels_last)
    operands = operands[: 3 if channels_last else 2]  # with and without a bias
    close(*(jax.jit(fn)(*operands) for fn in (ours, theirs)))
    close(*(jax.jit(waves(fn))(*operands) for fn in (ours, theirs)))


@pytest.mark.skipif(jnp.bfloat16 not in kernels.types(), reason="this CPU has no bfloat16")
@pytest.mark.parametrize("channels_last", LAYOUTS)
@pytest.mark.parametrize("case", CONVOLUTIONS[1:10:2], ids=str)
def test_convolution_in_bfloat16(case, channels_last):
    operands, ours, theirs = setup(case, channels_last, "bfloat16")
    wide = [each.astype("float32") for each in operands]
    narrow = lambda tree: jax.tree.map(lambda each: each.astype("bfloat16"), tree)  # noqa: E731
    close(jax.jit(ours)(*operands), narrow(theirs(*wide)), 0.02)
    close(jax.jit(waves(ours))(*operands), narrow(waves(theirs)(*wide)), 0.05)


@pytest.mark.parametrize("case", CONVOLUTIONS[1:7:5], ids=str)
def test_derivatives_of_derivatives_and_forward_mode(case):
    operands, ours, theirs = setup(case, True)

    def penalty(fn):
        total = lambda *operands: sum(jnp.sum(each**2) for each in waves(fn)(*operands))  # noqa: E731
        return jax.jit(jax.grad(total, (0, 1, 2)))(*operands)

    close(penalty(ours), penalty(theirs), 1e-4)
    directions = tuple(draw(*each.shape, seed=1) for each in operands)
    close(jax.jvp(ours, operands, directions), jax.jvp(theirs, operands, directions))
    by_bias = [
        jax.jvp(functools.partial(fn, *operands[:2]), operands[2:], directions[2:]) for fn in (ours, theirs)
    ]
    close(*by_bias)
    turned = [jax.jit(functools.partial(jax.jvp, waves(fn)))(operands, directions) for fn in (ours, theirs)]
    close(*turned, 1e-4)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 1, None), (None, None, 0), (2, 0, None), (1, 3, 0)])
@pytest.mark.parametrize("channels_last", LAYOUTS)
def test_vmap(axes, channels_last):
    operands, ours, theirs = setup(CONVOLUTIONS[6], channels_last)
    batched = [
        each if axis is None else jnp.stack([each, each**2, -each], axis)
        for each, axis in zip(operands, axes, strict=True)
    ]
    for make in (lambda fn: fn, waves):
        close(jax.vmap(make(ours), axes)(*batched), jax.vmap(make(theirs), axes)(*batched))


# (batch, *space), window, strides, padding
POOLS = [
    ((2, 9), (3,), (2,), ((0, 0),)),
    ((2, 8, 6), (2, 2), (2, 2), ((0, 0), (0, 0))),
    ((2, 9, 8), (3, 3), (2, 2), ((1, 1), (0, 1))),
    ((2, 9, 8), (3, 2), (1, 3), ((0, 0), (1, 0))),
    ((2, 20, 18), (17, 16), (2, 1), ((0, 0), (0, 0))),  # more places than a byte counts
    ((2, 6, 5, 4), (2, 3, 2), (2, 1, 2), ((1, 0), (0, 0), (1, 1))),
]


def pools(case, channels_last: bool, mean: bool):
    shape, window, strides, padding = case
    # whole numbers, so that windows have several maxima
    x = jnp.round(2 * draw(*shape, 5))
    x = x if channels_last else jnp.moveaxis(x, -1, 1)
    full = lambda given, other: (other, *given, other) if channels_last else (other, other, *given)  # noqa: E731
    how = full(window, 1), full(strides, 1), full(padding, (0, 0))

    def ours(x):
        pool = kernels.average_pool if mean else kernels.max_pool
        return pool(x, window=window, strides=strides, padding=padding, channels_last=channels_last)

    def theirs(x):
        if not mean:
            return lax.reduce_window(x, -jnp.inf, lax.max, *how)
        return lax.reduce_window(x, 0.0, lax.add, *how) / lax.reduce_window(
            jnp.ones_like(x), 0.0, lax.add, *how
        )

    return x, ours, theirs


@pytest.mark.parametrize("mean", [False, True], ids=["max", "mean"])
@pytest.mark.parametrize("channels_last", LAYOUTS)
@pytest.mark.parametrize("case", POOLS, ids=str)
def test_pooling(case, channels_last, mean):
    x, ours, theirs = pools(case, channels_last, mean)
    close(jax.jit(ours)(x), theirs(x))
    many = jnp.stack([x, x[::-1]], 1)
    close(*(jax.jit(jax.vmap(waves(fn), 1))(many) for fn in (ours, theirs)))
    if mean:
        change = draw(*x.shape, seed=1)
        close(jax.jvp(ours, (x,), (change,)), jax.jvp(theirs, (x,), (change,)))


def test_forward_mode_and_second_derivatives_of_the_maximum():
    """They pick the elements at which the gradient is placed: two linear maps, one the transpose of the other."""
    x, ours, _ = pools(POOLS[2], True, False)
    y, place = jax.vjp(ours, x)
    change, slope = draw(*x.shape, seed=1), draw(*y.shape, seed=2)
    pick = lambda change: jax.jvp(ours, (x,), (change,))[1]  # noqa: E731
    np.testing.assert_allclose(jnp.vdot(pick(change), slope), jnp.vdot(change, place(slope)[0]), rtol=1e-5)
    close(jax.grad(lambda slope: jnp.sum(place(slope)[0] ** 2) / 2)(slope), pick(place(slope)[0]))


def test_errors_are_xlas():
    x, kernel = draw(1, 4, 4, 2), draw(3, 3, 2, 2)
    with pytest.raises(Exception, match="cornu_kernels"):
        how = {"strides": (1, 1), "padding": ((-3, 3), (0, 0)), "dilation": (1, 1)}
        jax.block_until_ready(kernels.conv(x, kernel, **how))


# ---- in Cornu ----------------------------------------------------------------------------------

OPERATIONS = {
    "conv": lambda x: nn.conv(x, draw(3, 3, 4, 6).astype(x.dtype), 2, "same", bias=jnp.arange(6.0)),
    "grouped": lambda x: nn.conv(x, draw(3, 3, 2, 6).astype(x.dtype), 1, [(0, 2), (1, 0)]),
    "depthwise": lambda x: nn.depthwise_conv(x, draw(3, 3, 4, 2).astype(x.dtype), 1, "same"),
    "transposed": lambda x: nn.conv_transpose(x, draw(3, 3, 6, 4).astype(x.dtype), 2, "same"),
    "wide steps": lambda x: nn.conv_transpose(x, draw(2, 2, 6, 4).astype(x.dtype), 3, "valid"),
    "cut": lambda x: nn.conv(x, draw(3, 3, 4, 6).astype(x.dtype), 1, [(-1, 0), (0, 0)]),  # left to XLA
    "max": lambda x: nn.max_pool(x, 3, 2, "same"),
    "mean": lambda x: nn.average_pool(x, 3, 2, "same"),
}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_are_the_same_without(operation, dtype, monkeypatch):
    x = draw(2, 7, 6, 4, dtype=dtype)
    run = lambda: (OPERATIONS[operation](x), *waves(OPERATIONS[operation])(x))  # noqa: E731
    traced = lambda: str(jax.make_jaxpr(lambda x: OPERATIONS[operation](x))(x))  # noqa: E731 - anew each time
    assert ("onednn" in traced()) == (operation != "cut")
    compiled = run()
    monkeypatch.setenv("CORNU_KERNELS", "0")
    assert "onednn" not in traced()
    close(compiled, run(), 1e-5 if dtype == "float32" else 5e-3)


def test_training_takes_whole_spans_and_comes_to_the_same_losses(monkeypatch):
    x, y = draw(256, 8, 8, 3), np.arange(256) % 5

    def train():
        cornu.utils.set_random_seed(0)
        model = cornu.Sequential(
            [
                layers.Input((8, 8, 3)),
                layers.Conv2D(8, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.DepthwiseConv2D(3, padding="same"),
                layers.Flatten(),
                layers.Dense(5, activation="softmax"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        losses = model.fit(x, y, batch_size=16, epochs=3, verbose=0, shuffle=False).history["loss"]
        return losses, model._runner("train").loops

    compiled, loops = train()
    assert loops
    monkeypatch.setenv("CORNU_KERNELS", "0")
    plain, loops = train()
    assert not loops
    np.testing.assert_allclose(compiled, plain, rtol=1e-4)
