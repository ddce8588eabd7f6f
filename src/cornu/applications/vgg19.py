"""VGG19: nineteen layers with weights, convolutions of 3 x 3. (Simonyan & Zisserman 2014)"""

from ..eras import border
from .building import GITHUB, GOOGLE, Application, Weights
from .imagenet_utils import decode_predictions, preprocess_input
from .vgg16 import SMALLEST, body, top

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

_HASHES = "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"

APPLICATION = Application(
    body((2, 2, 4, 4, 4)),
    top,
    224,
    SMALLEST,
    {
        (1, "th"): Weights(f"{GITHUB}v0.1/"),
        (1, "tf"): Weights(f"{GITHUB}v0.1/", *_HASHES),
        (2, "tf"): Weights(f"{GITHUB}v0.1/", *_HASHES),
        (3, "tf"): Weights(f"{GOOGLE}vgg19/", *_HASHES),
    },
)
TH_WEIGHTS_PATH, TH_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg19", 1, "th")
TF_WEIGHTS_PATH, TF_WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg19", 1)
WEIGHTS_PATH, WEIGHTS_PATH_NO_TOP = APPLICATION.urls("vgg19", 2)


@border.method("VGG19")
def VGG19(  # noqa: N802 - Keras's name
    include_top: bool = True, weights="imagenet", input_tensor=None, input_shape=None, pooling: str | None = None,
    classes: int = 1000, classifier_activation="softmax", name: str = "vgg19",
):  # fmt: skip
    """VGG19, 143,667,240 weights; arguments as in `VGG16`."""
    return APPLICATION.model(
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
    )
