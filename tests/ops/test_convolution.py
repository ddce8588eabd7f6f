"""Convolution and pooling: Keras's numbers and gradients, for any padding, stride, format and rank."""

import itertools

import jax
import numpy as np
import pytest
from ops_oracle import assert_like_keras, assert_same, assert_symbols_like_arrays, keras, name_of, oracle

from cornu.ops import nn
from cornu.symbol import Symbol

rng = np.random.default_rng(0)
LAST, FIRST = "channels_last", "channels_first"


def draw(*shape):
    return rng.normal(size=shape).astype("float32")


SEQUENCE, IMAGES, VOLUMES = draw(2, 9, 4), draw(2, 7, 8, 4), draw(1, 4, 5, 4, 2)
CONV = [
    ("conv", (SEQUENCE, draw(3, 4, 6)), {"strides": 2, "padding": "same"}),
    ("conv", (SEQUENCE, draw(3, 4, 6)), {"dilation_rate": 2}),
    ("conv", (IMAGES, draw(3, 3, 4, 5)), {}),
    ("conv", (IMAGES, draw(3, 2, 4, 5)), {"padding": "same"}),
    ("conv", (IMAGES, draw(3, 2, 4, 5)), {"strides": (2, 3), "padding": "same"}),
    ("conv", (IMAGES, draw(3, 2, 4, 5)), {"dilation_rate": (1, 2), "padding": "same"}),
    ("conv", (IMAGES, draw(3, 2, 2, 6)), {"padding": "same"}),
    ("conv", (IMAGES.transpose(0, 3, 1, 2), draw(3, 3, 4, 5)), {"data_format": FIRST}),
    ("conv", (VOLUMES, draw(2, 3, 2, 2, 3)), {"padding": "same"}),
    ("depthwise_conv", (SEQUENCE, draw(3, 4, 2)), {}),
    ("depthwise_conv", (IMAGES, draw(3, 3, 4, 2)), {"padding": "same", "strides": 2}),
    ("depthwise_conv", (IMAGES.transpose(0, 3, 1, 2), draw(3, 3, 4, 1)), {"data_format": FIRST}),
    ("separable_conv", (IMAGES, draw(3, 3, 4, 2), draw(1, 1, 8, 5)), {"padding": "same", "strides": 2}),
    ("conv_transpose", (SEQUENCE, draw(3, 6, 4)), {"strides": 2}),
    *(
        ("conv_transpose", (IMAGES, draw(*kernel, 5, 4)), {"padding": padding, **options})
        for kernel, padding, options in itertools.product(
            [(3, 2), (1, 4)],
            ["valid", "same"],
            [{}, {"strides": 2}, {"strides": (3, 2), "output_padding": 1}, {"dilation_rate": 2}],
        )
    ),
    (
        "conv_transpose",
        (IMAGES.transpose(0, 3, 1, 2), draw(3, 3, 5, 4)),
        {"data_format": FIRST, "strides": 2, "padding": "same"},
    ),
]
POOL = [
    *(
        (
            name,
            (array, size),
            {"strides": size, **options},
        )  # Keras 3.15.1 on JAX fails where strides are left out
        for name in ("max_pool", "average_pool")
        for array, size, options in [
            (SEQUENCE, 2, {}),
            (SEQUENCE, 3, {"strides": 2, "padding": "same"}),
            (IMAGES, 2, {}),
            (IMAGES, (3, 2), {"strides": (1, 2)}),
            (IMAGES, (3, 2), {"padding": "same"}),
            (IMAGES, 3, {"strides": 2, "padding": "same"}),
            (IMAGES, 7, {}),
            (IMAGES.transpose(0, 3, 1, 2), (2, 3), {"data_format": FIRST}),
            (VOLUMES, 2, {}),
        ]
    ),
    *(
        (f"adaptive_{name}_pool", (array, size), options)
        for name in ("max", "average")
        for array, size, options in [
            (SEQUENCE, 4, {}),
            (IMAGES, (3, 5), {}),
            (IMAGES.transpose(0, 3, 1, 2), (2, 3), {"data_format": FIRST}),
            (VOLUMES, 2, {}),
        ]
    ),
]


@pytest.mark.parametrize("case", CONV + POOL, ids=name_of)
def test_values_are_those_of_keras(case):
    assert_like_keras(nn, case, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CONV + POOL, ids=name_of)
def test_symbols_have_the_shapes_of_arrays(case):
    assert_symbols_like_arrays(nn, case)


def gradient(fn, args, options):
    arrays = [i for i, each in enumerate(args) if isinstance(each, np.ndarray)]
    return jax.grad(lambda *args: (fn(*args, **options) ** 2).sum(), argnums=arrays)(*args)


@pytest.mark.parametrize("case", [CONV[4], CONV[6], CONV[11], CONV[18], *POOL[:5]], ids=name_of)
def test_gradients_are_those_of_keras(case):
    name, args, options = case
    assert_same(
        gradient(getattr(nn, name), args, options),
        gradient(oracle(name), args, options),
        rtol=1e-4,
        atol=1e-3,
    )


def test_the_gradient_of_equal_maxima_goes_to_the_first():
    flat = np.zeros((1, 4, 6, 1), "float32")
    ours = jax.grad(lambda x: nn.max_pool(x, (2, 3)).sum())(flat)
    theirs = jax.grad(lambda x: keras.ops.max_pool(x, (2, 3), (2, 3)).sum())(flat)
    np.testing.assert_array_equal(ours, theirs)


def test_max_pool_has_second_and_forward_derivatives():
    x = draw(1, 4, 4, 1)
    second = jax.jvp(jax.grad(lambda x: (nn.max_pool(x, 2) ** 3).sum()), (x,), (np.ones_like(x),))[1]
    np.testing.assert_allclose(
        second, np.where(nn.max_pool(x, 2).repeat(2, 1).repeat(2, 2) == x, 6 * x, 0), rtol=1e-5
    )


@pytest.mark.parametrize("rate", [1, 2])
def test_causal_padding_looks_at_nothing_later(rate):
    kernel = draw(3, 4, 6)
    padded = np.pad(SEQUENCE, ((0, 0), (2 * rate, 0), (0, 0)))
    np.testing.assert_allclose(
        nn.conv(SEQUENCE, kernel, padding="causal", dilation_rate=rate),
        nn.conv(padded, kernel, dilation_rate=rate),
        rtol=1e-5,
    )


def test_pairs_pad_as_they_say():
    kernel, pairs = draw(3, 2, 4, 6), ((1, 2), (0, 1))
    padded = np.pad(IMAGES, ((0, 0), *pairs, (0, 0)))
    np.testing.assert_allclose(
        nn.conv(IMAGES, kernel, padding=pairs), nn.conv(padded, kernel), rtol=1e-4, atol=1e-5
    )


def test_strides_of_pooling_are_the_window_unless_told():
    np.testing.assert_array_equal(nn.max_pool(IMAGES, (2, 3)), nn.max_pool(IMAGES, (2, 3), (2, 3)))


def test_full_padding_is_numpys_full_convolution():
    x, kernel = draw(1, 6, 1), draw(3, 1, 1)
    expected = np.convolve(x[0, :, 0], kernel[::-1, 0, 0], "full")
    np.testing.assert_allclose(nn.conv(x, kernel, padding="full")[0, :, 0], expected, rtol=1e-4)


def test_integer_inputs_take_the_type_of_the_kernel():
    assert nn.conv(np.ones((1, 4, 4, 1), "uint8"), draw(2, 2, 1, 3)).dtype == "float32"
    assert nn.max_pool(np.ones((1, 4, 4, 1), "int32"), 3, 1).dtype == "int32"


def test_free_sizes_stay_free():
    images = Symbol((None, None, None, 3))
    assert nn.conv(images, draw(3, 3, 3, 8), padding="same").shape == (None, None, None, 8)
    assert nn.max_pool(images, 2).shape == (None, None, None, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.conv(IMAGES, draw(3, 3, 3, 5)), r"\(2, 7, 8, 4\).*4 channels.*needs 3"),
        (lambda: nn.conv(IMAGES, draw(3, 4, 5)), r"\(2, 7, 8, 4\).*\(3, 4, 5\)"),
        (lambda: nn.conv(IMAGES, draw(9, 9, 4, 5)), "smaller than the kernel"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), padding="some"), "'same'.*'some'"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), padding="causal"), "one spatial axis"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), padding=[(1, 1)]), "2 pairs"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), strides=(1, 2, 3)), "strides"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), strides=0), "strides"),
        (lambda: nn.depthwise_conv(IMAGES, draw(3, 3, 5, 1)), "4 channels.*needs 5"),
        (lambda: nn.conv_transpose(IMAGES, draw(3, 3, 4, 5)), "4 channels.*needs 5"),
        (lambda: nn.max_pool(draw(2, 3), 2), "spatial"),
        (lambda: nn.max_pool(IMAGES, 9), "smaller than the window"),
        (lambda: nn.average_pool(IMAGES, (2, 2, 2)), "pool_size"),
        (lambda: nn.conv(IMAGES, draw(3, 3, 4, 5), data_format="NHWC"), "channels_last.*NHWC"),
    ],
)
def test_errors_say_what_was_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
