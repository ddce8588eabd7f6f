"""Layers of Keras 1 and 2 that later versions left out, against sums written out and against today's layers."""

import itertools

import numpy as np
import pytest

import cornu
from cornu import config, layers, models, ops

draw = np.random.default_rng(0)


def scattered(x, kernel, shape, stride, before):
    """The transpose of a convolution: every input adds its kernel to the outputs. `x` is (n, rows, columns, c)."""
    size = kernel.shape[:2]
    reach = [max(shape[i], (x.shape[1 + i] - 1) * stride[i] + size[i]) + size[i] for i in range(2)]
    out = np.zeros((len(x), *reach, kernel.shape[2]))
    for i, j in itertools.product(range(x.shape[1]), range(x.shape[2])):
        place = slice(i * stride[0], i * stride[0] + size[0]), slice(j * stride[1], j * stride[1] + size[1])
        out[:, place[0], place[1]] += np.einsum("nc,rsoc->nrso", x[:, i, j], kernel)
    return out[:, before[0] : before[0] + shape[0], before[1] : before[1] + shape[1]]


@pytest.mark.parametrize(
    ("backend", "padding", "shape", "before"),
    [
        ("tensorflow", "valid", (9, 9), (0, 0)),
        ("tensorflow", "valid", (10, 10), (0, 0)),
        ("tensorflow", "same", (8, 8), (0, 0)),
        ("tensorflow", "same", (7, 7), (1, 1)),
        ("theano", "valid", (10, 9), (0, 0)),
        ("theano", "same", (8, 7), (1, 1)),
    ],
)
@pytest.mark.parametrize("ordering", ["tf", "th"])
def test_deconvolution(backend, padding, shape, before, ordering):
    cornu.set_era(1)
    x = draw.normal(size=(2, 4, 4, 3)).astype("float32")
    stated = (None, *shape, 5) if ordering == "tf" else (None, 5, *shape)
    given = x if ordering == "tf" else x.transpose(0, 3, 1, 2)
    with config.backend_scope(backend):
        layer = layers.Deconvolution2D(
            5, 3, 3, stated, border_mode=padding, subsample=(2, 2), dim_ordering=ordering,
            batch_input_shape=(None, *given.shape[1:]),
        )  # fmt: skip
        model = models.Sequential([layer])
    assert model.output_shape == stated and layer.name.startswith("deconvolution2d_")
    made = model.predict(given)
    made = made if ordering == "tf" else made.transpose(0, 2, 3, 1)
    expected = scattered(x, layer.kernel.numpy(), shape, (2, 2), before)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
    again = models.Sequential.from_config(model.get_config())
    assert again.output_shape == stated


def test_deconvolution_says_what_does_not_fit():
    with pytest.raises(ValueError, match=r"to output_shape \(20, 20, 5\) belong inputs of shape \(9, 9, 3\)"):
        layers.Deconvolution2D(5, 3, strides=2, output_shape=(None, 20, 20, 5))(
            np.ones((1, 4, 4, 3), "float32")
        )
    with pytest.raises(ValueError, match="`output_shape` has four sizes"):
        layers.Deconvolution2D(5, 3, output_shape=(9, 9, 5))
    x = draw.normal(size=(1, 4, 4, 3)).astype("float32")
    plain, other = (
        layers.Deconvolution2D(5, 3, strides=2, padding="same"),
        layers.Conv2DTranspose(5, 3, strides=2, padding="same"),
    )
    made = plain(x)
    other.build(x.shape)
    other.set_weights(plain.get_weights())
    np.testing.assert_allclose(made, other(x), rtol=1e-6)


def test_atrous_convolutions_are_dilated():
    cornu.set_era(1)
    for old, shape in (
        (layers.AtrousConvolution1D(4, 3, atrous_rate=2), (2, 9, 3)),
        (
            layers.AtrousConvolution2D(4, 3, 3, "uniform", None, None, "same", (1, 1), (2, 2), "tf"),
            (2, 9, 9, 3),
        ),
    ):
        x = draw.normal(size=shape).astype("float32")
        made = old(x)
        expected = ops.conv(x, old.kernel.numpy(), 1, old.padding, "channels_last", 2)
        np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-6)
    assert layers.AtrousConvolution2D(4, 3, 3).name.startswith("atrousconvolution2d_")


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize(
    ("size", "stride", "length"), [(2, 2, 4), (2, 2, 5), (2, 1, 5), (3, 2, 7), (4, 3, 9), (5, 1, 6)]
)
def test_pooling_of_theano(kind, size, stride, length):
    """`T.signal.pool` with as much padding before as after, cut off at the end (Keras 1.2.2, `pool2d`)."""
    cornu.set_era(1)
    x = draw.normal(size=(2, length, length, 3)).astype("float32")
    pad = size - 2 if size > 2 and size % 2 else size - 1
    padded = np.pad(x, [(0, 0), (pad, pad), (pad, pad), (0, 0)], constant_values=np.nan)
    count = -(-length // stride)
    reduce = np.nanmax if kind == "Max" else np.nanmean
    rows = [slice(i * stride, i * stride + size) for i in range(count)]
    expected = np.stack([np.stack([reduce(padded[:, r, c], (1, 2)) for c in rows], 1) for r in rows], 1)
    cls = getattr(layers, f"{kind}Pooling2D")
    with config.backend_scope("theano"):
        layer = cls((size, size), (stride, stride), "same")
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    line = getattr(layers, f"{kind}Pooling1D")
    with config.backend_scope("theano"):
        layer = line(size, stride, "same")
    expected = np.stack([reduce(padded[:, r, pad], 1) for r in rows], 1)
    np.testing.assert_allclose(layer(x[:, :, 0]), expected, rtol=1e-5, atol=1e-6)


def test_cudnn_layers_are_the_usual_ones():
    cornu.set_era(2)
    x = draw.normal(size=(2, 5, 3)).astype("float32")
    for old, new in (
        (
            layers.CuDNNLSTM(4, "ones", return_sequences=True),
            layers.LSTM(4, recurrent_activation="sigmoid", return_sequences=True),
        ),
        (layers.CuDNNGRU(4), layers.GRU(4, recurrent_activation="sigmoid", reset_after=True)),
    ):
        made = old(x)
        new.build(x.shape)
        new.set_weights(old.get_weights())
        np.testing.assert_allclose(made, new(x), rtol=1e-6)
