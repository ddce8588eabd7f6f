"""Images resized, cut, recoloured, filtered and compared; `warp` moves their pixels about.

Images are `(height, width, channels)`, or `(channels, height, width)` for 'channels_first', with or without a batch
axis in front.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from ..dtypes import as_array, is_float
from . import convolution, warp
from .arrays import saturate_cast
from .convolution import Sizes, pads, spread
from .warp import *  # noqa: F403
from .warp import batched
from .wrap import op

METHODS = ("bicubic", "bilinear", "lanczos3", "lanczos5", "nearest")


def _one_of(name: str, value, allowed: Sequence) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(map(str, allowed))}; got {value!r}")


# ---- sizes -------------------------------------------------------------------------------------


@op
def resize(
    images,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
):
    """Images of another height and width; integers are rounded.

    Args:
        size: `(height, width)`.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        antialias: smooth before making smaller.
        crop_to_aspect_ratio: cut the middle out in the new shape first, instead of distorting.
        pad_to_aspect_ratio: add borders of `fill_value` first, instead of distorting.

    Raises ValueError for other words and ranks, and when both crop and pad are asked for.

    Example:
        >>> from cornu import ops
        >>> ops.image.resize(ops.zeros((2, 10, 20, 3)), (5, 5)).shape
        (2, 5, 5, 3)
    """
    _one_of("resize: interpolation", interpolation, METHODS)
    _one_of("resize: fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: give one of crop_to_aspect_ratio and pad_to_aspect_ratio")
    if len(size) != 2:
        raise ValueError(f"resize: `size` is (height, width); got {size!r}")
    images, restore = batched("resize", images, data_format)
    _, *now, _ = images.shape
    fitted = now[1] * size[0] // size[1], now[0] * size[1] // size[0]  # each side as the other asks
    if crop_to_aspect_ratio:
        crop = [max(min(pair), 1) for pair in zip(now, fitted, strict=True)]
        top, left = ((n - c) // 2 for n, c in zip(now, crop, strict=True))
        images = images[:, top : top + crop[0], left : left + crop[1]]
    elif pad_to_aspect_ratio:
        sides = [((max(n, f) - n) // 2,) * 2 for n, f in zip(now, fitted, strict=True)]
        images = jnp.pad(images, [(0, 0), *sides, (0, 0)], constant_values=fill_value)
    shape = (len(images), *size, images.shape[-1])
    resized = jax.image.resize(images, shape, interpolation, antialias)
    if resized.dtype != images.dtype:
        resized = saturate_cast(resized if is_float(images.dtype) else jnp.round(resized), images.dtype)
    return restore(resized)


def _margins(name: str, before, after, target, size: int, sign: int) -> tuple[int, int]:
    """What is added (or, with sign -1, cut off) before and after, from two of three numbers."""
    if [before, after, target].count(None) != 1:
        raise ValueError(f"{name}: give exactly two of the two margins and the target size of each axis")
    if before is None:
        before = sign * (target - size) - after
    elif after is None:
        after = sign * (target - size) - before
    if min(before, after) < 0:
        raise ValueError(f"{name}: margins {before} and {after} for a size of {size}: none can be negative")
    return before, after


@op
def pad_images(
    images,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
):
    """Images with borders of zeros; for each axis two of both borders and the target size are given.

    Raises ValueError when more or fewer are given, or a border would be negative.
    """
    images, restore = batched("pad_images", images, data_format)
    rows = _margins("pad_images", top_padding, bottom_padding, target_height, images.shape[1], 1)
    columns = _margins("pad_images", left_padding, right_padding, target_width, images.shape[2], 1)
    return restore(jnp.pad(images, [(0, 0), rows, columns, (0, 0)]))


@op
def crop_images(
    images,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
):
    """Images with borders cut off; for each axis two of both borders and the target size are given.

    Raises ValueError when more or fewer are given, or a border would be negative.
    """
    images, restore = batched("crop_images", images, data_format)
    _, height, width, _ = images.shape
    top, bottom = _margins("crop_images", top_cropping, bottom_cropping, target_height, height, -1)
    left, right = _margins("crop_images", left_cropping, right_cropping, target_width, width, -1)
    return restore(images[:, top : height - bottom, left : width - right])


# ---- patches -----------------------------------------------------------------------------------


def _patches(name: str, images, size: Sizes, strides, dilation_rate: Sizes, padding, data_format, rank: int):
    images, restore = batched(name, images, data_format, rank)
    size, dilation = spread(size, rank, f"{name}: size"), spread(dilation_rate, rank, "dilation_rate")
    strides = spread(strides or size, rank, "strides")
    windows = [(n - 1) * rate + 1 for n, rate in zip(size, dilation, strict=True)]
    images = jnp.pad(images, [(0, 0), *pads(padding, images.shape[1:-1], windows, strides), (0, 0)])
    for axis, (n, window, stride, rate) in enumerate(zip(size, windows, strides, dilation, strict=True)):
        starts = jnp.arange(0, images.shape[1 + 2 * axis] - window + 1, stride)
        images = jnp.take(images, starts[:, None] + rate * jnp.arange(n), axis=1 + 2 * axis)
    order = [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1]
    images = images.transpose(order)
    return restore(images.reshape(*images.shape[: rank + 1], -1))


@op
def extract_patches(
    images,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
):
    """Patches along the axis of channels: `(batch, rows, columns, size * size * channels)`.

    Args:
        size: int, or height and width.
        strides: as `size`; patches side by side if None.
        padding: 'valid' or 'same'.

    Example:
        >>> from cornu import ops
        >>> ops.image.extract_patches(ops.zeros((2, 8, 8, 3)), 4).shape
        (2, 2, 2, 48)
    """
    return _patches("extract_patches", images, size, strides, dilation_rate, padding, data_format, 2)


@op
def extract_patches_3d(
    volumes,
    size: Sizes,
    strides: Sizes | None = None,
    dilation_rate: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
):
    """Blocks of volumes along the axis of channels; arguments as in `extract_patches`, with a depth in front."""
    return _patches("extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3)


# ---- colours -----------------------------------------------------------------------------------


def _on_channels(name: str, fn: Callable, images, data_format: str | None, counts: tuple[int, ...] = (3,)):
    """`fn` of the channels along the last axis."""
    images, restore = batched(name, images, data_format)
    if images.shape[-1] not in counts:
        wanted = " or ".join(map(str, counts))
        raise ValueError(f"{name}: expected {wanted} channels; got {images.shape[-1]}")
    return restore(fn(images))


def _floats(name: str, images):
    images = as_array(images)
    if not is_float(images.dtype):
        raise ValueError(f"{name}: expected floats from 0 to 1; got {images.dtype}")
    return images


@op
def rgb_to_grayscale(images, data_format: str | None = None):
    """`0.2989 red + 0.587 green + 0.114 blue` (ITU-R BT.601); gray images stay as they are."""

    def gray(images):
        if images.shape[-1] == 1:
            return images
        wide = images.astype(jnp.result_type(images, float))
        return (wide @ jnp.array([[0.2989], [0.587], [0.114]], wide.dtype)).astype(images.dtype)

    return _on_channels("rgb_to_grayscale", gray, images, data_format, (1, 3))


@op
def rgb_to_hsv(images, data_format: str | None = None):
    """Hue, saturation and value, all from 0 to 1 (Smith 1978).

    Args:
        images: floats from 0 to 1.
    """

    def hsv(images):
        images = jnp.where(jnp.abs(images) < jnp.finfo(images.dtype).eps, 0, images)
        red, green, blue = (images[..., i] for i in range(3))
        value = images.max(-1)
        spread = value - images.min(-1)
        sixth = 1 / (6 * jnp.where(spread > 0, spread, 1))
        hue = jnp.where(value == green, sixth * (blue - red) + 1 / 3, sixth * (red - green) + 2 / 3)
        hue = jnp.where(value == red, sixth * (green - blue), hue)
        hue = jnp.where(spread > 0, hue, 0) + (hue < 0)
        saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0)
        return jnp.stack([hue, saturation, value], -1).astype(images.dtype)

    return _on_channels("rgb_to_hsv", hsv, _floats("rgb_to_hsv", images), data_format)


@op
def hsv_to_rgb(images, data_format: str | None = None):
    """The inverse of `rgb_to_hsv`."""

    def rgb(images):
        hue, saturation, value = (images[..., i] for i in range(3))
        sixths = (hue % 1) * 6
        distances = jnp.abs(sixths - 3) - 1, 2 - jnp.abs(sixths - 2), 2 - jnp.abs(sixths - 4)
        shares = jnp.stack([jnp.clip(distance, 0, 1) for distance in distances], -1)
        return value[..., None] * (1 - saturation[..., None] * (1 - shares))

    return _on_channels("hsv_to_rgb", rgb, _floats("hsv_to_rgb", images), data_format)


# ---- filters -----------------------------------------------------------------------------------


def _filtered(images, kernel, padding: str = "same"):
    """Each channel convolved with one kernel `(height, width)`."""
    channels = images.shape[-1]
    kernel = jnp.broadcast_to(kernel.astype(images.dtype)[..., None, None], (*kernel.shape, channels, 1))
    return convolution.depthwise_conv(images, kernel, padding=padding, data_format="channels_last")


def _bell(size: int, sigma, dtype):
    x = jnp.arange(size, dtype=dtype) - (size - 1) / 2
    bell = jnp.exp(-0.5 * (x / sigma) ** 2)
    return bell / bell.sum()


@op
def gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format: str | None = None):
    """Images convolved with a Gauss bell, zeros beyond the border.

    Args:
        kernel_size: places across and down.
        sigma: standard deviations across and down, in pixels.
    """
    images, restore = batched("gaussian_blur", images, data_format)
    sigma = as_array(sigma).astype(images.dtype)
    across, down = (_bell(size, sigma[i], images.dtype) for i, size in enumerate(kernel_size))
    return restore(_filtered(images, jnp.outer(down, across)))


@op
def sobel_edges(images, data_format: str | None = None):
    """Gradients `[dy, dx]` on a new last axis, by Sobel's 3 x 3 filters with zeros beyond the border."""
    images, restore = batched("sobel_edges", images, data_format)
    dx = jnp.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    return jnp.stack([restore(_filtered(images, dx.T)), restore(_filtered(images, dx))], -1)


@op
def ssim(
    image1,
    image2,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
):
    """Structural similarity, 1 for equal images (Wang et al. 2004); the mean over places and channels.

    Args:
        max_val: the largest value that pixels can have.
        filter_size, filter_sigma: size and standard deviation of the window, in pixels.

    Raises ValueError when the shapes differ or are smaller than the window.
    """
    a, _ = batched("ssim", image1, data_format)
    b, _ = batched("ssim", image2, data_format)
    if a.shape != b.shape:
        raise ValueError(f"ssim: images of shape {jnp.shape(image1)} and {jnp.shape(image2)} differ in shape")
    dtype = a.dtype
    a, b = (each.astype(jnp.result_type(each, float)) for each in (a, b))
    bell = _bell(filter_size, filter_sigma, a.dtype)
    mean_a, mean_b, aa, bb, ab = (
        _filtered(each, jnp.outer(bell, bell), "valid") for each in (a, b, a * a, b * b, a * b)
    )
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * (ab - mean_a * mean_b) + c2)
    likeness /= (mean_a**2 + mean_b**2 + c1) * (aa - mean_a**2 + bb - mean_b**2 + c2)
    result = likeness.mean((1, 2, 3)).astype(dtype)
    return result if jnp.ndim(image1) == 4 else result[0]


__all__ = [
    *warp.__all__,
    "crop_images",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
]
__all__ += ["pad_images", "resize", "rgb_to_grayscale", "rgb_to_hsv", "sobel_edges", "ssim"]
__all__.sort()
