"""ResNet50: blocks of three convolutions beside which what went in goes on. (He et al. 2015)

Keras 3 gave the layers other names, and batch normalisation a smaller epsilon; Keras 1 pooled without padding, and by
windows at the end.
"""

from .. import config
from ..eras import border
from ..layers.activation import Activation
from ..layers.conv import Conv2D
from ..layers.core import Dense
from ..layers.merge import Add
from ..layers.normalization import BatchNormalization
from ..layers.pool import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D
from ..layers.reshape import Flatten, ZeroPadding2D
from .building import GITHUB, GOOGLE, Application, Weights, channel_axis, merge_name
from .imagenet_utils import decode_predictions, preprocess_input

__all__ = ["ResNet50", "conv_block", "decode_predictions", "identity_block", "preprocess_input"]

STAGES = ((2, 64, 3), (3, 128, 4), (4, 256, 6), (5, 512, 3))  # number, filters, blocks


def _conv_norm(x, filters: int, kernel_size, name: str, norm_name: str, epsilon: float = 1e-3, **how):
    x = Conv2D(filters=filters, kernel_size=kernel_size, name=name, **how)(x)
    return BatchNormalization(axis=channel_axis(), epsilon=epsilon, name=norm_name)(x)


# ---- as Keras 1 and 2 name things -------------------------------------------------------------------


def identity_block(input_tensor, kernel_size, filters, stage: int, block: str):
    """A block whose input goes on as it is: `relu(x + f(x))`.

    Args:
        input_tensor: symbol.
        kernel_size: of the middle convolution.
        filters: of the three.
        stage, block: number and letter, for the names of layers.
    """
    return _block(input_tensor, kernel_size, filters, stage, block, None)


def conv_block(input_tensor, kernel_size, filters, stage: int, block: str, strides=(2, 2)):
    """A block whose input goes on through a convolution: `relu(g(x) + f(x))`; arguments as in `identity_block`."""
    return _block(input_tensor, kernel_size, filters, stage, block, strides)


def _block(given, kernel_size, filters, stage: int, block: str, strides):
    base = f"{stage}{block}_branch"
    x = _conv_norm(given, filters[0], (1, 1), f"res{base}2a", f"bn{base}2a", strides=strides or (1, 1))
    x = Activation(activation="relu")(x)
    x = _conv_norm(x, filters[1], kernel_size, f"res{base}2b", f"bn{base}2b", padding="same")
    x = Activation(activation="relu")(x)
    x = _conv_norm(x, filters[2], (1, 1), f"res{base}2c", f"bn{base}2c")
    if strides:
        given = _conv_norm(given, filters[2], (1, 1), f"res{base}1", f"bn{base}1", strides=strides)
    return Activation(activation="relu")(Add(name=merge_name())([x, given]))


def _body_1(x):
    padded = config.era() == 2
    x = ZeroPadding2D(padding=(3, 3), name="conv1_pad" if padded else None)(x)
    x = _conv_norm(x, 64, (7, 7), "conv1", "bn_conv1", strides=(2, 2))
    x = Activation(activation="relu")(x)
    if padded:
        x = ZeroPadding2D(padding=(1, 1), name="pool1_pad")(x)
    x = MaxPooling2D(pool_size=(3, 3), strides=(2, 2))(x)
    for stage, width, blocks in STAGES:
        filters = width, width, 4 * width
        x = conv_block(x, 3, filters, stage, "a", (1, 1) if stage == 2 else (2, 2))
        for letter in "bcdef"[: blocks - 1]:
            x = identity_block(x, 3, filters, stage, letter)
    return x if padded else AveragePooling2D(pool_size=(7, 7), name="avg_pool")(x)


# ---- as Keras 3 does ----------------------------------------------------------------------------------


def _block_3(given, filters: int, strides: int, name: str, goes_on: bool):
    epsilon = 1.001e-5
    shortcut = given
    if not goes_on:
        shortcut = _conv_norm(
            given, 4 * filters, 1, f"{name}_0_conv", f"{name}_0_bn", epsilon, strides=strides
        )
    x = _conv_norm(given, filters, 1, f"{name}_1_conv", f"{name}_1_bn", epsilon, strides=strides)
    x = Activation(activation="relu", name=f"{name}_1_relu")(x)
    x = _conv_norm(x, filters, 3, f"{name}_2_conv", f"{name}_2_bn", epsilon, padding="same")
    x = Activation(activation="relu", name=f"{name}_2_relu")(x)
    x = _conv_norm(x, 4 * filters, 1, f"{name}_3_conv", f"{name}_3_bn", epsilon)
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation(activation="relu", name=f"{name}_out")(x)


def _body_3(x):
    x = ZeroPadding2D(padding=(3, 3), name="conv1_pad")(x)
    x = _conv_norm(x, 64, 7, "conv1_conv", "conv1_bn", 1.001e-5, strides=2)
    x = Activation(activation="relu", name="conv1_relu")(x)
    x = ZeroPadding2D(padding=(1, 1), name="pool1_pad")(x)
    x = MaxPooling2D(pool_size=3, strides=2, name="pool1_pool")(x)
    for stage, filters, blocks in STAGES:
        for block in range(1, blocks + 1):
            strides = 2 if stage > 2 and block == 1 else 1
            x = _block_3(x, filters, strides, f"conv{stage}_block{block}", goes_on=block > 1)
    return x


# ---- the model ----------------------------------------------------------------------------------------


def top(x, classes: int, activation):
    if config.era() == 1:
        x = Flatten()(x)
    else:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
    last = "predictions" if config.era() == 3 else "fc1000"
    return Dense(units=classes, activation=activation, name=last)(x)


_V0_2 = Weights(f"{GITHUB}v0.2/", "a7b3fe01876f51b976af0dea6bc144eb", "a268eb855778b3df3c7506639542a6af")
APPLICATION = Application(
    lambda x: (_body_3 if config.era() == 3 else _body_1)(x),
    top,
    224,
    {1: 197, 2: 32, 3: 32},
    {
        (1, "th"): Weights(
            f"{GITHUB}v0.2/", "1c1f8f5b0c8ee28fe9d950625a230e1c", "f64f049c92468c9affcd44b0976cdafe"
        ),
        (1, "tf"): _V0_2,
        (2, "tf"): _V0_2,
        (3, "tf"): Weights(
            f"{GOOGLE}resnet/", "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"
        ),
    },
    {"avg": "avg_pool", "max": "max_pool"},
)
TH_WEIGHTS_PATH, TH_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("resnet50", 1, "th")
TF_WEIGHTS_PATH, TF_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("resnet50", 1)
WEIGHTS_PATH, WEIGHTS_PATH_NO_TOP = APPLICATION.urls("resnet50", 2)


@border.method("ResNet50")
def ResNet50(  # noqa: N802 - Keras's name
    include_top: bool = True, weights="imagenet", input_tensor=None, input_shape=None, pooling: str | None = None,
    classes: int = 1000, classifier_activation="softmax", name: str = "resnet50",
):  # fmt: skip
    """ResNet50, 25,636,712 weights; arguments as in `VGG16`."""
    return APPLICATION.model(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
    )
