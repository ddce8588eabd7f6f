"""Inception V3: several convolutions of different sizes side by side. (Szegedy et al. 2015)

Keras 1's was another network than the paper's, which Keras 2 and 3 have: it normalised after the activation, and a few
branches have other widths and pools.
"""

import functools
from typing import NamedTuple

from .. import config
from ..eras import border
from ..layers.activation import Activation
from ..layers.conv import Conv2D
from ..layers.core import Dense
from ..layers.merge import Concatenate
from ..layers.normalization import BatchNormalization
from ..layers.pool import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from ..layers.reshape import Flatten
from . import imagenet_utils
from .building import GITHUB, GOOGLE, Application, Weights, channel_axis, merge_name
from .imagenet_utils import decode_predictions

__all__ = ["InceptionV3", "conv2d_bn", "decode_predictions", "preprocess_input"]


class Shape(NamedTuple):
    """What differs by era: the widths of a few branches, and a pool."""

    pooled: tuple[int, int, int]  # filters after the pools of mixed0, 1 and 2
    narrow: int  # the first filters of mixed7's longest branch
    pool_8: type  # of mixed8


_PAPER = Shape((32, 64, 64), 192, MaxPooling2D)
SHAPES = {1: Shape((32, 32, 32), 160, AveragePooling2D), 2: _PAPER, 3: _PAPER}


@border.method("conv2d_bn")
def conv2d_bn(
    x, filters: int, num_row: int, num_col: int, padding: str = "same", strides=(1, 1), name: str | None = None
):  # fmt: skip
    """A convolution, batch normalisation, and relu, which in era 1 came before the normalisation.

    Args:
        x: symbol.
        filters: of the convolution.
        num_row, num_col: size of its kernel.
        padding, strides: of the convolution.
        name: from which layers are named.
    """
    old = config.era() == 1
    x = Conv2D(
        filters=filters,
        kernel_size=(num_row, num_col),
        strides=strides,
        padding=padding,
        use_bias=old,
        activation="relu" if old else None,
        name=name and f"{name}_conv",
    )(x)
    x = BatchNormalization(axis=channel_axis(), scale=old, name=name and f"{name}_bn")(x)
    return x if old else Activation(activation="relu", name=name)(x)


def _chain(x, *sizes, **last):
    """Convolutions one after the other, each given as (filters, rows, columns)."""
    for number, size in enumerate(sizes, 1):
        x = conv2d_bn(x, *size, **(last if number == len(sizes) else {}))
    return x


def _pooled(x, filters: int):
    pool = AveragePooling2D(pool_size=(3, 3), strides=(1, 1), padding="same")
    return conv2d_bn(pool(x), filters, 1, 1)


def _join(branches: list, name: str | None = None):
    return Concatenate(axis=channel_axis(), name=name or merge_name())(branches)


def body(x):
    shape = SHAPES[config.era()]
    valid = {"padding": "valid"}
    halved = {"padding": "valid", "strides": (2, 2)}
    shrink = functools.partial(MaxPooling2D, pool_size=(3, 3), strides=(2, 2))

    x = conv2d_bn(x, 32, 3, 3, **halved)
    x = conv2d_bn(x, 32, 3, 3, **valid)
    x = shrink()(conv2d_bn(x, 64, 3, 3))
    x = conv2d_bn(x, 80, 1, 1, **valid)
    x = shrink()(conv2d_bn(x, 192, 3, 3, **valid))

    for number, filters in enumerate(shape.pooled):
        one = conv2d_bn(x, 64, 1, 1)
        five = _chain(x, (48, 1, 1), (64, 5, 5))
        double = _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3))
        x = _join([one, five, double, _pooled(x, filters)], f"mixed{number}")

    three = conv2d_bn(x, 384, 3, 3, **halved)
    double = _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3), **halved)
    x = _join([three, double, shrink()(x)], "mixed3")

    for number, (seven, first, width) in enumerate(
        ((128, 128, 128), (160, 160, 160), (160, 160, 160), (192, shape.narrow, 192)), 4
    ):
        one = conv2d_bn(x, 192, 1, 1)
        single = _chain(x, (seven, 1, 1), (seven, 1, 7), (192, 7, 1))
        double = _chain(x, (first, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7))
        x = _join([one, single, double, _pooled(x, 192)], f"mixed{number}")

    three = _chain(x, (192, 1, 1), (320, 3, 3), **halved)
    seven = _chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3), **halved)
    x = _join([three, seven, shape.pool_8(pool_size=(3, 3), strides=(2, 2))(x)], "mixed8")

    for number in range(2):
        one = conv2d_bn(x, 320, 1, 1)
        three = conv2d_bn(x, 384, 1, 1)
        three = _join([conv2d_bn(three, 384, 1, 3), conv2d_bn(three, 384, 3, 1)], f"mixed9_{number}")
        double = _chain(x, (448, 1, 1), (384, 3, 3))
        double = _join([conv2d_bn(double, 384, 1, 3), conv2d_bn(double, 384, 3, 1)])
        x = _join([one, three, double, _pooled(x, 192)], f"mixed{9 + number}")
    return x


def top(x, classes: int, activation):
    if config.era() == 1:
        x = AveragePooling2D(pool_size=(8, 8), strides=(8, 8), name="avg_pool")(x)
        x = Flatten(name="flatten")(x)
    else:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
    return Dense(units=classes, activation=activation, name="predictions")(x)


_PAPER_HASHES = "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"
APPLICATION = Application(
    body,
    top,
    299,
    {1: 139, 2: 75, 3: 75},
    {
        (1, "th"): Weights(
            f"{GITHUB}v0.2/", "b3baf3070cc4bf476d43a2ea61b0ca5f", "79aaa90ab4372b4593ba3df64e142f05"
        ),
        (1, "tf"): Weights(
            f"{GITHUB}v0.2/", "fe114b3ff2ea4bf891e9353d1bbfb32f", "2f3609166de1d967d1a481094754f691"
        ),
        (2, "tf"): Weights(f"{GITHUB}v0.5/", *_PAPER_HASHES),
        (3, "tf"): Weights(f"{GOOGLE}inception_v3/", *_PAPER_HASHES),
    },
)
TH_WEIGHTS_PATH, TH_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("inception_v3", 1, "th")
TF_WEIGHTS_PATH, TF_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("inception_v3", 1)
WEIGHTS_PATH, WEIGHTS_PATH_NO_TOP = APPLICATION.urls("inception_v3", 2)


@border.method("InceptionV3")
def InceptionV3(  # noqa: N802 - Keras's name
    include_top: bool = True, weights="imagenet", input_tensor=None, input_shape=None, pooling: str | None = None,
    classes: int = 1000, classifier_activation="softmax", name: str = "inception_v3",
):  # fmt: skip
    """Inception V3, 23,851,784 weights; images have 299 x 299 pixels; arguments as in `VGG16`."""
    return APPLICATION.model(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
    )


@border.method("preprocess_input")
def preprocess_input(x, data_format: str | None = None):
    """Images from 0 to 255 as images from -1 to 1; an array of floats is changed in place."""
    return imagenet_utils.preprocess_input(x, data_format=data_format, mode="tf")
