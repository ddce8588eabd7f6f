"""Images between files, Pillow and arrays."""

import os
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import config, writing
from ..eras import border

# color mode -> Pillow's mode, and the modes of files that are left as they are
MODES = {"grayscale": ("L", ("L", "I;16", "I")), "rgb": ("RGB", ("RGB",)), "rgba": ("RGBA", ("RGBA",))}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
EXTENSIONS = ("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")


def _pillow():
    from PIL import Image  # imported here, since it takes a while

    return Image


@border.method("array_to_img")
def array_to_img(x, data_format: str | None = None, scale: bool = True, dtype=None) -> Any:
    """An array as a Pillow image.

    Args:
        x: array `(height, width, channels)`, or `(channels, height, width)`, with 1, 3 or 4 channels.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        scale: whether values are stretched to 0...255, the lowest, in eras 1 and 2 only one below 0, becoming 0;
            otherwise they are cut to bytes.
        dtype: of the computation; the global float type if None.

    Raises ValueError for another number of axes or channels.

    Example:
        >>> array_to_img(np.zeros((2, 3, 1))).size
        (3, 2)
    """
    data_format = config.standardize_data_format(data_format)
    x = np.asarray(x, dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: one image has 3 axes; got the shape {x.shape}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in CHANNELS.values():
        raise ValueError(f"array_to_img: images have 1, 3 or 4 channels; this one has {x.shape[2]}")
    if scale:
        x = x - (np.min(x) if config.era() == 3 else min(np.min(x), 0))
        highest = np.max(x)
        x = (x / highest if highest != 0 else x) * 255
    x = x[:, :, 0] if x.shape[2] == 1 else x
    wide = x.ndim == 2 and config.era() == 3 and np.max(x) > 255
    return _pillow().fromarray(x.astype("int32" if wide else "uint8"))


@border.method("img_to_array")
def img_to_array(img, data_format: str | None = None, dtype=None) -> np.ndarray:
    """A Pillow image as an array `(height, width, channels)`, or `(channels, height, width)`.

    Args:
        img: image, or array of 2 or 3 axes.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        dtype: data type; the global float type if None.

    Raises ValueError for another number of axes.
    """
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype or config.floatx())
    if x.ndim not in (2, 3):
        raise ValueError(f"img_to_array: an image has 2 or 3 axes; got the shape {x.shape}")
    x = x[:, :, None] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if first else x


@border.method("load_img")
def load_img(
    path,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
    grayscale: bool = False,
) -> Any:
    """An image from a file, as a Pillow image.

    Args:
        path: path, or binary file.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        target_size: `(height, width)` to resize it to; None keeps its size.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
        keep_aspect_ratio: whether it is cut to the proportions of `target_size` first.
        grayscale: the same as `color_mode="grayscale"`, as Keras 1 and 2 had it.

    Raises ValueError for words that are none of these, and OSError for what is no image.
    """
    if color_mode not in MODES:
        raise ValueError(f"load_img: color_mode is one of {', '.join(MODES)}; got {color_mode!r}")
    pillow = _pillow()
    mode, kept = MODES["grayscale" if grayscale else color_mode]
    with pillow.open(path) as file:
        image = file.copy() if file.mode in kept else file.convert(mode)
    size = target_size and (target_size[1], target_size[0])
    if not size or image.size == tuple(size):
        return image
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"load_img: interpolation is one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}"
        )
    box = _middle(image.size, size) if keep_aspect_ratio else None
    return image.resize(size, getattr(pillow.Resampling, interpolation.upper()), box=box)


def _middle(size: tuple[int, int], wanted: tuple[int, int]) -> list[int]:
    """The largest box of some proportions in the middle of an image."""
    (width, height), (across, down) = size, wanted
    wide, high = min(width, height * across // down), min(height, width * down // across)
    left, top = (width - wide) // 2, (height - high) // 2
    return [left, top, left + wide, top + high]


def save_img(
    path, x, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs
) -> None:
    """Write an array as an image file.

    Args:
        path: path, or binary file.
        x, data_format, scale: as in `array_to_img`.
        file_format: 'png', 'jpeg'...; by default what the path's ending says.
        kwargs: for Pillow's `save`.
    """
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and str(file_format).lower() in ("jpg", "jpeg"):
        warnings.warn("JPEG knows no transparency: the image is saved as RGB", stacklevel=2)
        image = image.convert("RGB")
    named = {"jpg": "jpeg"}.get(str(file_format).lower(), file_format)
    if hasattr(path, "write"):
        image.save(path, format=named, **kwargs)
    else:
        with writing.replacing(path) as file:
            image.save(file, format=named or _format_of(path), **kwargs)


def _format_of(path) -> str:
    """Pillow's name of the format that a path's ending means; ValueError where it means none."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    named = _pillow().registered_extensions().get(ending)
    if named is None:
        raise ValueError(
            f"{os.fspath(path)!r}: the ending {ending!r} names no image format; give `file_format`"
        )
    return named


def list_pictures(directory, ext: str | Iterable[str] = EXTENSIONS) -> list[str]:
    """The paths of all images in a directory and below.

    Args:
        ext: endings, as a list or as 'jpg|png'.
    """
    endings = ext.split("|") if isinstance(ext, str) else ext
    endings = tuple(f".{each}" for each in endings)
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]
