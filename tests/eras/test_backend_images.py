"""Convolutions and pooling of `keras.backend`, by loops in NumPy; on Theano kernels are flipped and windows shifted."""

import itertools

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import config

draw = np.random.default_rng(0)


def windows(x, size, strides, pads, dilation=None):
    """`(batch, *places, *size, channels)`: what lies under a window at each place; NaN where nothing is."""
    rank = len(size)
    dilation = dilation or (1,) * rank
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=np.nan)
    spans = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    counts = [(n - span) // step + 1 for n, span, step in zip(x.shape[1:-1], spans, strides, strict=True)]
    out = np.empty((x.shape[0], *counts, *size, x.shape[-1]), x.dtype)
    for at in itertools.product(*map(range, counts)):
        part = [
            slice(i * s, i * s + span, d) for i, s, span, d in zip(at, strides, spans, dilation, strict=True)
        ]
        out[(slice(None), *at)] = x[(slice(None), *part)]
    return out


def correlated(x, kernel, strides, pads, dilation=None):
    rank = kernel.ndim - 2
    seen = np.nan_to_num(windows(x, kernel.shape[:rank], strides, pads, dilation))
    axes = tuple(range(1 + rank, 2 + 2 * rank))
    return np.tensordot(seen, kernel, (axes, tuple(range(rank + 1))))


def same(size, window, stride):
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


X2 = draw.normal(size=(2, 6, 5, 3)).astype("float32")
CONVOLUTIONS = [
    ("conv1d", X2[:, :, 0], (3, 3, 4), {}),
    ("conv2d", X2, (3, 2, 3, 4), {}),
    ("conv2d", X2, (3, 3, 3, 2), {"strides": (2, 1)}),
    ("conv2d", X2, (2, 2, 3, 2), {"dilation": (2, 2)}),
    ("conv3d", X2[:, None] + np.zeros((1, 4, 1, 1, 1), "float32"), (2, 3, 3, 3, 2), {}),
]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("name", "x", "shape", "options"), CONVOLUTIONS)
def test_convolutions_of_keras_2(name, x, shape, options, padding):
    cornu.set_era(2)
    rank, kernel = len(shape) - 2, draw.normal(size=shape).astype("float32")
    strides, dilation = options.get("strides", (1,) * rank), options.get("dilation", (1,) * rank)
    spans = [(n - 1) * d + 1 for n, d in zip(shape[:rank], dilation, strict=True)]
    pads = [
        same(n, span, s) if padding == "same" else (0, 0)
        for n, span, s in zip(x.shape[1:-1], spans, strides, strict=True)
    ]
    expected = correlated(x, kernel, strides, pads, dilation)
    given = {
        "strides": strides if rank > 1 else strides[0],
        "dilation_rate": dilation if rank > 1 else dilation[0],
    }
    made = getattr(K, name)(x, kernel, padding=padding, **given)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
    if rank > 1:
        first = getattr(K, name)(
            np.moveaxis(x, -1, 1), kernel, padding=padding, data_format="channels_first", **given
        )
        np.testing.assert_allclose(first, np.moveaxis(expected, -1, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ordering", ["tf", "th"])
@pytest.mark.parametrize(
    ("name", "shape"), [("conv2d", (3, 3, 3, 4)), ("conv2d", (2, 2, 3, 4)), ("conv3d", (2, 2, 2, 3, 4))]
)
@pytest.mark.parametrize("border_mode", ["valid", "same"])
def test_convolutions_of_keras_1_flip_their_kernels(name, shape, ordering, border_mode):
    cornu.set_era(1)
    rank, kernel = len(shape) - 2, draw.normal(size=shape).astype("float32")
    x = X2 if rank == 2 else X2[:, None] + np.zeros((1, 3, 1, 1, 1), "float32")
    pads = [(n // 2, (n - 1) // 2) if border_mode == "same" else (0, 0) for n in shape[:rank]]
    expected = correlated(x, np.flip(kernel, tuple(range(rank))), (1,) * rank, pads)
    given = {"border_mode": border_mode, "dim_ordering": ordering, "filter_shape": shape}
    if ordering == "tf":
        made = getattr(K, name)(x, kernel, **given)
    else:
        kernel = kernel.transpose(rank + 1, rank, *range(rank))  # (out, in, *size)
        made = np.moveaxis(getattr(K, name)(np.moveaxis(x, -1, 1), kernel, **given), 1, -1)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
    with config.backend_scope("tensorflow"):
        plain = (
            K.conv2d(X2, np.flip(kernel, (0, 1)))
            if ordering == "tf" and rank == 2 and border_mode == "valid"
            else None
        )
    if plain is not None:
        np.testing.assert_allclose(plain, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("era", [1, 2])
@pytest.mark.parametrize(("strides", "mode"), [((1, 1), "valid"), ((2, 2), "same"), ((2, 1), "valid")])
def test_transposed_convolutions_are_adjoint(era, strides, mode):
    cornu.set_era(era)
    kernel = draw.normal(size=(3, 3, 3, 4)).astype("float32")  # (rows, columns, out, in)
    y = draw.normal(size=(2, 7, 5, 3)).astype("float32")
    forward = np.asarray(K.conv2d(y, kernel, strides, mode))
    x = draw.normal(size=forward.shape).astype("float32")
    transposed = K.deconv2d if era == 1 else K.conv2d_transpose
    back = transposed(x, kernel, (2, 7, 5, 3), strides, mode)
    assert np.isclose((forward * x).sum(), (y * np.asarray(back)).sum(), rtol=1e-4)
    symbol = K.placeholder((None, *x.shape[1:]))
    made = transposed(symbol, kernel, (None, 7, 5, 3), strides, mode)
    assert made.shape == (None, 7, 5, 3)
    np.testing.assert_allclose(K.function([symbol], made)([x]), back, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="belong inputs of shape"):
        transposed(x, kernel, (2, 30, 5, 3), strides, mode)


def test_what_else_convolves():
    cornu.set_era(2)
    depth, point = (
        draw.normal(size=(3, 3, 3, 2)).astype("float32"),
        draw.normal(size=(1, 1, 6, 4)).astype("float32"),
    )
    channels = [correlated(X2[..., [i]], depth[:, :, [i]], (1, 1), [(0, 0)] * 2) for i in range(3)]
    expected = np.concatenate(channels, -1)
    np.testing.assert_allclose(K.depthwise_conv2d(X2, depth), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        K.separable_conv2d(X2, depth, point), expected @ point[0, 0], rtol=1e-4, atol=1e-4
    )
    line = K.separable_conv1d(X2[:, :, 0], depth[:, 0], point[0])
    channels = [correlated(X2[:, :, 0, [i]], depth[:, 0, [i]], (1,), [(0, 0)]) for i in range(3)]
    np.testing.assert_allclose(line, np.concatenate(channels, -1) @ point[0, 0], rtol=1e-4, atol=1e-4)
    volume = K.conv3d_transpose(np.ones((1, 2, 2, 2, 1)), np.ones((2, 2, 2, 3, 1)), (1, 3, 3, 3, 3))
    assert volume.shape == (1, 3, 3, 3, 3) and float(volume[0, 1, 1, 1, 0]) == 8
    cornu.set_era(1)
    wide = K.atrous_conv2d(X2, np.flip(depth, (0, 1)), rate=2)
    np.testing.assert_allclose(
        wide, correlated(X2, depth, (1, 1), [(0, 0)] * 2, (2, 2)), rtol=1e-4, atol=1e-5
    )


def test_kernels_of_their_own_at_each_place():
    cornu.set_era(2)
    kernel = draw.normal(size=(4, 3 * 3, 2)).astype("float32")
    out = K.local_conv1d(X2[:, :, 0], kernel, (3,), (1,))
    expected = [X2[:, i : i + 3, 0].reshape(2, -1) @ kernel[i] for i in range(4)]
    np.testing.assert_allclose(out, np.stack(expected, 1), rtol=1e-4, atol=1e-5)
    kernel = draw.normal(size=(2 * 3, 3 * 2 * 3, 4)).astype("float32")
    out = K.local_conv2d(X2, kernel, (3, 2), (3, 1), (2, 3))
    places = [(i, j) for i in range(2) for j in range(3)]
    parts = [
        X2[:, 3 * i : 3 * i + 3, j : j + 2].reshape(2, -1) @ kernel[n] for n, (i, j) in enumerate(places)
    ]
    np.testing.assert_allclose(out, np.stack(parts, 1).reshape(2, 2, 3, 4), rtol=1e-4, atol=1e-5)
    first = np.moveaxis(X2, -1, 1)
    out = K.local_conv2d(first, kernel, (3, 2), (3, 1), (2, 3), "channels_first")
    parts = [
        first[:, :, 3 * i : 3 * i + 3, j : j + 2].reshape(2, -1) @ kernel[n]
        for n, (i, j) in enumerate(places)
    ]
    np.testing.assert_allclose(out, np.stack(parts, -1).reshape(2, 4, 2, 3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("era", [1, 2])
@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize(("size", "strides"), [((2, 2), (2, 2)), ((3, 3), (2, 1)), ((2, 3), (1, 1))])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_pooling(era, mode, size, strides, padding):
    cornu.set_era(era)
    pads = [(0, 0)] * 2
    if padding == "same" and era == 2:
        pads = [same(*each) for each in zip(X2.shape[1:3], size, strides, strict=True)]
    elif padding == "same":  # Theano: as much before as after, and what comes out too much is cut off
        pads = [(n - 2, n - 2) if n == 3 else (n - 1, n - 1) for n in size]
    reduce = np.nanmax if mode == "max" else np.nanmean
    expected = reduce(windows(X2, size, strides, pads), axis=(3, 4))
    if padding == "same":
        expected = expected[:, : -(-6 // strides[0]), : -(-5 // strides[1])]
    words = ({"border_mode": padding}, {"padding": padding})[era - 1]
    np.testing.assert_allclose(K.pool2d(X2, size, strides, pool_mode=mode, **words), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="`pool_mode`"):
        K.pool2d(X2, size, pool_mode="sum")


def test_pooling_volumes_and_resizing():
    cornu.set_era(2)
    x = draw.normal(size=(1, 4, 4, 4, 2)).astype("float32")
    expected = windows(x, (2, 2, 2), (2, 2, 2), [(0, 0)] * 3).max((4, 5, 6))
    np.testing.assert_allclose(K.pool3d(x, (2, 2, 2), (2, 2, 2)), expected)
    assert K.resize_images(X2, 2, 2, "channels_last", interpolation="bilinear").shape == (2, 12, 10, 3)
    with pytest.raises(ValueError, match="'nearest' or 'bilinear'"):
        K.resize_images(X2, 2, 2, "channels_last", interpolation="cubic")


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_transposed_convolution_with_gaps_is_the_derivative_of_one(padding):
    cornu.set_era(2)
    kernel = draw.normal(size=(3, 2, 2, 3)).astype("float32")  # (rows, columns, out, in)
    size, gaps = (2, 9, 8, 2), {"padding": padding, "dilation_rate": (2, 3)}
    y = K.conv2d(np.ones(size, "float32"), kernel, **gaps)
    y = draw.normal(size=y.shape).astype("float32")
    x = draw.normal(size=size).astype("float32")
    made = np.asarray(K.conv2d_transpose(y, kernel, size, **gaps))
    np.testing.assert_allclose(
        (made * x).sum(), (y * np.asarray(K.conv2d(x, kernel, **gaps))).sum(), rtol=1e-3
    )
