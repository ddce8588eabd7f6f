"""Images cut into patches, and patches laid out as images."""

from collections.abc import Sequence

import jax
from jax import lax

from ..config import standardize_data_format
from ..dtypes import as_array
from .wrap import op

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]

Pair = int | Sequence[int]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _unfold(x, kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair):
    patches = lax.conv_general_dilated_patches(
        x, _pair(kernel_size), _pair(stride), [(p, p) for p in _pair(padding)], rhs_dilation=_pair(dilation)
    )
    return patches.reshape(*patches.shape[:2], -1)


@op
def unfold(x, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1):
    """The windows of images as columns (im2col): `(batch, channels * kernel, windows)`.

    Args:
        x: `(batch, channels, height, width)`.
        kernel_size, dilation, padding, stride: int, or one for height and one for width.

    Raises ValueError for another rank.
    """
    x = as_array(x)
    if x.ndim != 4:
        raise ValueError(f"unfold: expected inputs (batch, channels, height, width); got shape {x.shape}")
    return _unfold(x, kernel_size, dilation, padding, stride)


@op
def fold(x, output_size: Pair, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1):
    """Columns back to where `unfold` took them from, added up where windows overlap (col2im).

    Args:
        x: `(batch, channels * kernel, windows)`.
        output_size: height and width of the result `(batch, channels, height, width)`.

    Raises ValueError when the sizes do not go together.
    """
    x = as_array(x)
    height, width = _pair(kernel_size)
    image = jax.ShapeDtypeStruct((len(x), x.shape[1] // (height * width), *_pair(output_size)), x.dtype)

    def cut(image):
        return _unfold(image, kernel_size, dilation, padding, stride)

    expected = jax.eval_shape(cut, image).shape
    if x.shape != expected:
        raise ValueError(f"fold: columns of such images have shape {expected}; got {x.shape}")
    return jax.linear_transpose(cut, image)(x)[0]


@op
def depth_to_space(x, block_size: int, data_format: str | None = "channels_last"):
    """Channels laid out as blocks of `block_size` x `block_size` places (pixel shuffle, Shi et al. 2016).

    Args:
        x: images; the number of channels is a multiple of `block_size ** 2`.
    """
    x, b = as_array(x), block_size
    if standardize_data_format(data_format) == "channels_last":
        n, h, w, c = x.shape
        blocks = x.reshape(n, h, w, b, b, c // b**2)
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // b**2)
    n, c, h, w = x.shape
    return x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // b**2, h * b, w * b)


@op
def space_to_depth(x, block_size: int, data_format: str | None = "channels_last"):
    """Blocks of `block_size` x `block_size` places laid out as channels: the inverse of `depth_to_space`.

    Args:
        x: images; height and width are multiples of `block_size`.
    """
    x, b = as_array(x), block_size
    if standardize_data_format(data_format) == "channels_last":
        n, h, w, c = x.shape
        return (
            x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, -1)
        )
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 1, 3, 5, 2, 4).reshape(n, -1, h // b, w // b)
