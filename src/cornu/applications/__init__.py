"""Well-known networks, with their trained weights."""

from . import (
    audio_conv_utils,
    imagenet_utils,
    inception_v3,
    music_tagger_crnn,
    resnet50,
    vgg16,
    vgg19,
    xception,
)
from .inception_v3 import InceptionV3
from .music_tagger_crnn import MusicTaggerCRNN
from .resnet50 import ResNet50
from .vgg16 import VGG16
from .vgg19 import VGG19
from .xception import Xception

__all__ = [
    "InceptionV3",
    "MusicTaggerCRNN",
    "ResNet50",
    "VGG16",
    "VGG19",
    "Xception",
    "audio_conv_utils",
    "imagenet_utils",
    "inception_v3",
    "music_tagger_crnn",
    "resnet50",
    "vgg16",
    "vgg19",
    "xception",
]
