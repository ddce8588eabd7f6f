"""Images made ready for networks trained on ImageNet, and what these say in words."""

import json

import numpy as np

from .. import config
from ..eras import border
from ..ops import arrays
from ..ops import numpy as ops
from ..symbol import is_symbol
from ..utils import files

__all__ = ["decode_predictions", "obtain_input_shape", "preprocess_input"]

CLASS_INDEX_PATH = "https://storage.googleapis.com/download.tensorflow.org/data/imagenetCLASS_INDEX.json"
CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"
CLASSES = 1000
BGR = (103.939, 116.779, 123.68)  # means over ImageNet: of blue, green and red from 0 to 255,
RGB = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # and of red, green and blue from 0 to 1, with their deviations
MODES = ("caffe", "tf", "torch")

CLASS_INDEX: dict[str, list[str]] = {}  # read when it is needed


@border.method("preprocess_input")
def preprocess_input(x, data_format: str | None = None, mode: str = "caffe"):
    """Images as a network was given them while it was trained; an array of floats is changed in place.

    Args:
        x: array or symbol of RGB images from 0 to 255, `(..., height, width, 3)` or `(..., 3, height, width)`.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        mode: 'caffe': BGR, less the means of ImageNet; 'tf': from -1 to 1; 'torch': from 0 to 1, less the means and
            divided by the standard deviations of ImageNet.

    Raises ValueError for another mode.

    Example:
        >>> preprocess_input(np.full((1, 1, 1, 3), 255.0), mode="tf").tolist()
        [[[[1.0, 1.0, 1.0]]]]
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}; got {mode!r}")
    axis = -3 if config.standardize_data_format(data_format) == "channels_first" else -1
    if arrays.is_tensor(x) or is_symbol(x):
        return _prepared(x, mode, axis, ops.flip, ops.convert_to_tensor)
    x = np.asarray(x)
    return _prepared(x if x.dtype.kind == "f" else x.astype(config.floatx()), mode, axis, np.flip, np.asarray)


def _prepared(x, mode: str, axis: int, flip, tensor):
    def per_channel(numbers):
        return tensor(np.reshape(numbers, (3, *[1] * (-1 - axis))), x.dtype)

    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    if mode == "torch":
        mean, deviation = RGB
        x /= 255.0
        x -= per_channel(mean)
        x /= per_channel(deviation)
        return x
    x = flip(x, axis)
    x -= per_channel(BGR)
    return x


def decode_predictions(preds, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """The likeliest classes of each image as (WordNet id, word, probability).

    Args:
        preds: array `(n, 1000)`.
        top: how many.

    Raises ValueError for another shape.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != CLASSES:
        raise ValueError(f"decode_predictions: predictions have the shape (n, {CLASSES}); got {preds.shape}")
    if not CLASS_INDEX:
        path = files.get_file(
            fname="imagenetCLASS_INDEX.json",
            origin=CLASS_INDEX_PATH,
            cache_subdir="models",
            file_hash=CLASS_INDEX_HASH,
        )
        with open(path) as file:
            CLASS_INDEX.update(json.load(file))
    return [[(*CLASS_INDEX[str(i)], row[i]) for i in row.argsort()[-top:][::-1]] for row in preds]


@border.method("obtain_input_shape")
def obtain_input_shape(
    input_shape: tuple | None, default_size: int, min_size: int, data_format: str | None, require_flatten: bool,
    weights=None,
) -> tuple:  # fmt: skip
    """The shape of one image that a network takes.

    Args:
        input_shape: what was asked for, or None.
        default_size: pixels of a side of what the weights were trained on.
        min_size: the fewest pixels of a side.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        require_flatten: whether layers behind need to know every size.
        weights: None, 'imagenet' or the path of a file.

    Raises ValueError for a shape that the network cannot take. In era 1 it has to be the usual one where
    `require_flatten`, and have 3 channels; later only with ImageNet's weights.
    """
    first = config.standardize_data_format(data_format) == "channels_first"
    usual = (3, default_size, default_size) if first else (default_size, default_size, 3)
    if input_shape is None:
        return usual if require_flatten else (3, None, None) if first else (None, None, 3)
    shape, strict = tuple(input_shape), weights == "imagenet" or config.era() == 1
    if len(shape) != 3:
        raise ValueError(f"input_shape has three numbers, such as {usual}; got {shape}")
    channels, sides = (shape[0], shape[1:]) if first else (shape[2], shape[:2])
    if require_flatten and strict and shape != usual:
        raise ValueError(f"With include_top=True, input_shape is {usual}; got {shape}")
    if require_flatten and None in shape:
        raise ValueError(f"With include_top=True, input_shape is known in all its parts; got {shape}")
    if channels != 3 and strict:
        raise ValueError(f"Images have 3 channels here, on axis {0 if first else 2}; got input_shape={shape}")
    if any(side is not None and side < min_size for side in sides):
        raise ValueError(f"Images have at least {min_size} x {min_size} pixels here; got input_shape={shape}")
    return shape
