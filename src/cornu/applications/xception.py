"""Xception: depthwise separable convolutions throughout. (Chollet 2016)"""

import contextlib
import warnings

from .. import config
from ..eras import border
from ..layers.activation import Activation
from ..layers.conv import Conv2D
from ..layers.core import Dense
from ..layers.depthwise import SeparableConv2D
from ..layers.merge import Add
from ..layers.normalization import BatchNormalization
from ..layers.pool import GlobalAveragePooling2D, MaxPooling2D
from .building import GITHUB, GOOGLE, Application, Weights, channel_axis, merge_name
from .imagenet_utils import decode_predictions
from .inception_v3 import preprocess_input

__all__ = ["Xception", "decode_predictions", "preprocess_input"]


def _norm(x, name: str | None = None):
    return BatchNormalization(axis=channel_axis(), name=name)(x)


def _relu(x, name: str):
    return Activation(activation="relu", name=f"{name}_act")(x)


def _conv(x, filters: int, name: str, strides=(1, 1)):
    conv = Conv2D(filters=filters, kernel_size=(3, 3), strides=strides, use_bias=False, name=name)
    return _relu(_norm(conv(x), f"{name}_bn"), name)


def _separable(x, filters: int, name: str):
    conv = SeparableConv2D(filters=filters, kernel_size=(3, 3), padding="same", use_bias=False, name=name)
    return _norm(conv(x), f"{name}_bn")


def _shortcut(x, filters: int):
    return _norm(
        Conv2D(filters=filters, kernel_size=(1, 1), strides=(2, 2), padding="same", use_bias=False)(x)
    )


def _shrinking(x, name: str, filters: tuple[int, int], first_act: bool = True):
    """Two separable convolutions and a pool, beside a convolution."""
    residual = _shortcut(x, filters[1])
    for number, each in enumerate(filters, 1):
        if first_act or number > 1:
            x = _relu(x, f"{name}_sepconv{number}")
        x = _separable(x, each, f"{name}_sepconv{number}")
    pool = MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same", name=f"{name}_pool")
    return Add(name=merge_name())([pool(x), residual])


def body(x):
    x = _conv(x, 32, "block1_conv1", strides=(2, 2))
    x = _conv(x, 64, "block1_conv2")
    x = _shrinking(x, "block2", (128, 128), first_act=False)
    x = _shrinking(x, "block3", (256, 256))
    x = _shrinking(x, "block4", (728, 728))
    for block in range(5, 13):
        residual = x
        for number in (1, 2, 3):
            name = f"block{block}_sepconv{number}"
            x = _separable(_relu(x, name), 728, name)
        x = Add(name=merge_name())([x, residual])
    x = _shrinking(x, "block13", (728, 1024))
    for number, filters in ((1, 1536), (2, 2048)):
        name = f"block14_sepconv{number}"
        x = _relu(_separable(x, filters, name), name)
    return x


def top(x, classes: int, activation):
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    return Dense(units=classes, activation=activation, name="predictions")(x)


_HASHES = "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"
APPLICATION = Application(
    body,
    top,
    299,
    dict.fromkeys((1, 2, 3), 71),
    {
        (1, "tf"): Weights(f"{GITHUB}v0.4/", *_HASHES),
        (2, "tf"): Weights(f"{GITHUB}v0.4/", *_HASHES),
        (3, "tf"): Weights(f"{GOOGLE}xception/", *_HASHES),
    },
)
TF_WEIGHTS_PATH, TF_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("xception", 1)
WEIGHTS_PATH, WEIGHTS_PATH_NO_TOP = APPLICATION.urls("xception", 2)


@border.method("Xception")
def Xception(  # noqa: N802 - Keras's name
    include_top: bool = True, weights="imagenet", input_tensor=None, input_shape=None, pooling: str | None = None,
    classes: int = 1000, classifier_activation="softmax", name: str = "xception",
):  # fmt: skip
    """Xception, 22,910,480 weights; images have 299 x 299 pixels; arguments as in `VGG16`.

    In era 1 it takes images whose channels come last, whatever the global setting says, and warns where that differs.
    """
    with _channels_last() if config.era() == 1 else contextlib.nullcontext():
        return APPLICATION.model(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )


@contextlib.contextmanager
def _channels_last():
    before = config.image_data_format()
    if before != "channels_last":
        warnings.warn("Xception takes images whose channels come last, as Keras 1's did", stacklevel=5)
    config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        config.set_image_data_format(before)
