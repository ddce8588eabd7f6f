"""What all applications share: their input, their last layers, and their weights."""

import os
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import config, graph
from ..eras.backend_maths import is_keras_tensor
from ..eras.engine import get_source_inputs
from ..layers.core import Input
from ..layers.pool import GlobalAveragePooling2D, GlobalMaxPooling2D
from ..model import Model
from ..saving import archive, hdf5
from ..symbol import is_symbol
from ..utils import files
from ..utils.layer_utils import turn_kernels
from .imagenet_utils import obtain_input_shape

GITHUB = "https://github.com/fchollet/deep-learning-models/releases/download/"
GOOGLE = "https://storage.googleapis.com/tensorflow/keras-applications/"
KINDS = {"channels_first": "th", "channels_last": "tf"}
CLASSES = 1000  # of ImageNet
POOLINGS = {"avg": GlobalAveragePooling2D, "max": GlobalMaxPooling2D}


class Weights(NamedTuple):
    """Files of weights: where they are, and their MD5 with and without the last layers."""

    base: str
    top: str | None = None
    no_top: str | None = None


class Application(NamedTuple):
    """An architecture.

    Args:
        body: from an image to its features, as symbols.
        top: from features, a number of classes and an activation to predictions.
        size: pixels of a side of what the weights were trained on.
        smallest: the fewest pixels of a side, by era.
        weights: files, by era and by kind of layout: 'tf' or 'th'.
        pool_names: names of the layers that pool the features, where they have any.
    """

    body: Callable[[Any], Any]
    top: Callable[[Any, int, Any], Any]
    size: int
    smallest: dict[int, int]
    weights: dict[tuple[int, str], Weights]
    pool_names: Mapping[str, str] = types.MappingProxyType({})

    def model(
        self,
        include_top: bool,
        weights: str | os.PathLike | None,
        input_tensor,
        input_shape: tuple | None,
        pooling: str | None,
        classes: int,
        classifier_activation,
        name: str,
    ) -> Model:
        """The model, with its weights; ValueError, before anything is built, for arguments that do not fit together."""
        check_weights(weights, "imagenet", include_top, classes, CLASSES)
        if pooling not in (None, *POOLINGS):
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, or None; got {pooling!r}")
        if weights and include_top and classifier_activation not in (None, "softmax"):
            raise ValueError(
                f"Trained weights go with 'softmax' or no activation; got {classifier_activation!r}"
            )
        shape = obtain_input_shape(
            input_shape,
            default_size=self.size,
            min_size=self.smallest[config.era()],
            data_format=config.image_data_format(),
            require_flatten=include_top,
            weights=weights,
        )
        image = input_of(input_tensor, shape)
        x = self.body(image)
        if include_top:
            x = self.top(x, classes, classifier_activation)
        elif pooling:
            x = POOLINGS[pooling](name=self.pool_names.get(pooling))(x)
        model = Model(image if input_tensor is None else get_source_inputs(image), x, name=name)
        if weights == "imagenet":
            load(model, *self.file(name, include_top))
        elif weights is not None:
            model.load_weights(weights)
        return model

    def file(self, name: str, include_top: bool) -> tuple[str, bool]:
        """The path of the downloaded weights, and whether they are for Theano's way to convolve."""
        era, kind = config.era(), KINDS[config.image_data_format()]
        kind = kind if (era, kind) in self.weights else "tf"
        known = self.weights[era, kind]
        file_hash = known.top if include_top else known.no_top
        return fetch(file_name(name, kind, include_top), known.base, file_hash), kind == "th"

    def urls(self, name: str, era: int, kind: str = "tf") -> tuple[str, str]:
        """Where the weights with and without the last layers are."""
        base = self.weights[era, kind].base
        return base + file_name(name, kind, True), base + file_name(name, kind, False)


def file_name(name: str, kind: str, include_top: bool) -> str:
    return f"{name}_weights_{kind}_dim_ordering_{kind}_kernels{'' if include_top else '_notop'}.h5"


def fetch(file: str, base: str, file_hash: str | None) -> str:
    """The path of a downloaded file of weights."""
    return files.get_file(fname=file, origin=base + file, cache_subdir="models", file_hash=file_hash)


def check_weights(weights, known: str, include_top: bool, classes: int, trained_on: int) -> None:
    """Raise ValueError for weights that are neither known nor a file, or that do not go with the classes."""
    if weights not in (None, known) and not os.path.exists(weights):
        raise ValueError(f"weights is {known!r}, None, or the path of a file; there is no file {weights!r}")
    if weights == known and include_top and classes != trained_on:
        raise ValueError(
            f"weights={known!r} with include_top=True are for {trained_on} classes; got classes={classes}"
        )


def input_of(input_tensor, shape: tuple):
    """The symbol of the image: one that is given, or that of a new `Input`."""
    if input_tensor is None:
        return Input(shape=shape)
    known = is_symbol(input_tensor) and (config.era() == 3 or is_keras_tensor(input_tensor))
    return input_tensor if known else Input(tensor=input_tensor, shape=shape)


def load(model: Model, path: str, theano: bool, by_name: bool = False) -> None:
    """Read weights whose kernels are, or are not, turned about as Theano has them, whatever the file says itself."""
    with archive._h5().File(path, "r") as file:
        said = hdf5.origin_of(file["model_weights"] if "model_weights" in file else file)[1]
    model.load_weights(path, by_name=by_name)
    if said != theano:
        turn_kernels(model.layers)


def merge_name() -> str | None:
    """The name of a layer that joins branches, where it has none of its own: Keras 1 had one class for all of them."""
    return graph.unique_name("merge", 1) if config.era() == 1 else None


def channel_axis() -> int:
    """Where the channels of a batch of images are."""
    return 1 if config.image_data_format() == "channels_first" else 3
