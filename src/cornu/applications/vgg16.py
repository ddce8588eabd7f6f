"""VGG16: sixteen layers with weights, convolutions of 3 x 3. (Simonyan & Zisserman 2014)"""

from ..eras import border
from ..layers.conv import Conv2D
from ..layers.core import Dense
from ..layers.pool import MaxPooling2D
from ..layers.reshape import Flatten
from .building import GITHUB, GOOGLE, Application, Weights
from .imagenet_utils import decode_predictions, preprocess_input

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

FILTERS = (64, 128, 256, 512, 512)
SMALLEST = {1: 48, 2: 32, 3: 32}
_HASHES = "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"


def body(convolutions: tuple[int, ...]):
    """The features of a network that has so many convolutions in each of its five blocks."""

    def features(x):
        for block, (filters, count) in enumerate(zip(FILTERS, convolutions, strict=True), 1):
            for number in range(1, count + 1):
                name = f"block{block}_conv{number}"
                conv = Conv2D(
                    filters=filters, kernel_size=(3, 3), activation="relu", padding="same", name=name
                )
                x = conv(x)
            x = MaxPooling2D(pool_size=(2, 2), strides=(2, 2), name=f"block{block}_pool")(x)
        return x

    return features


def top(x, classes: int, activation):
    x = Flatten(name="flatten")(x)
    x = Dense(units=4096, activation="relu", name="fc1")(x)
    x = Dense(units=4096, activation="relu", name="fc2")(x)
    return Dense(units=classes, activation=activation, name="predictions")(x)


APPLICATION = Application(
    body((2, 2, 3, 3, 3)),
    top,
    224,
    SMALLEST,
    {
        (1, "th"): Weights(f"{GITHUB}v0.1/"),
        (1, "tf"): Weights(f"{GITHUB}v0.1/", *_HASHES),
        (2, "tf"): Weights(f"{GITHUB}v0.1/", *_HASHES),
        (3, "tf"): Weights(f"{GOOGLE}vgg16/", *_HASHES),
    },
)
TH_WEIGHTS_PATH, TH_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg16", 1, "th")
TF_WEIGHTS_PATH, TF_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg16", 1)
WEIGHTS_PATH, WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg16", 2)


@border.method("VGG16")
def VGG16(  # noqa: N802 - Keras's name
    include_top: bool = True, weights="imagenet", input_tensor=None, input_shape=None, pooling: str | None = None,
    classes: int = 1000, classifier_activation="softmax", name: str = "vgg16",
):  # fmt: skip
    """VGG16, 138,357,544 weights.

    Args:
        include_top: whether it has the three layers that classify.
        weights: 'imagenet', the path of a file, or None for random ones.
        input_tensor: the symbol that goes in; a new `Input` if None.
        input_shape: of an image, without `input_tensor`; with the top and ImageNet's weights it is (224, 224, 3).
        pooling: of the features, without the top: 'avg', 'max', or None.
        classes: how many, with the top.
        classifier_activation: of the last layer; None gives logits.
        name: of the model.

    Raises ValueError for arguments that do not go together, OSError where the weights cannot be downloaded.
    """
    return APPLICATION.model(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
    )
