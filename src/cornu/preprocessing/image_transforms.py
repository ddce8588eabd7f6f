"""One image changed by some amount, or by a random one out of a range. Random numbers come from `numpy.random`."""

import numpy as np

from .. import config
from ..eras import border
from ..utils import image
from . import image_affine as affine


def _order(interpolation_order: int | None) -> int:
    return affine.RULES[config.era()].order if interpolation_order is None else interpolation_order


def apply_transform(
    x, transform_matrix, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0
) -> np.ndarray:
    """An image whose pixel (i, j) is the one that is nearest to `transform_matrix @ (i, j, 1)` in `x`.

    Args:
        x: array of 3 axes; those beside `channel_axis` are rows and columns.
        transform_matrix: array `(3, 3)`.
        fill_mode: what is beyond the edges: 'nearest', 'reflect', 'wrap', or 'constant'.
        cval: what 'constant' is.
    """
    return _warped(x, np.asarray(transform_matrix, float), channel_axis, fill_mode, cval, 0)


def _warped(x, matrix: np.ndarray, channel_axis: int, fill_mode: str, cval: float, order: int) -> np.ndarray:
    planes = np.moveaxis(np.asarray(x), channel_axis, 0)
    made = affine.warp(planes[None], matrix[None], fill_mode, cval, order, channels_first=True)
    return np.moveaxis(made[0], 0, channel_axis)


@border.method("apply_affine_transform")
def apply_affine_transform(
    x, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1,
    row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image turned, shifted, sheared and zoomed about its middle.

    Args:
        x: array of 3 axes.
        theta: angle in degrees.
        tx, ty: shifts in pixels, along rows and columns, in era 3 the other way about.
        shear: angle in degrees, in era 1 in radians.
        zx, zy: factors in the same directions; what is over 1 makes things smaller.
        row_axis, col_axis, channel_axis: which axes of `x` are what.
        fill_mode: what is beyond the edges: 'nearest', 'reflect', 'wrap', or 'constant'.
        cval: what 'constant' is.
        order: of the spline between pixels: 0 takes the nearest one, 1 is linear.

    Raises ValueError for axes that are not these three.

    Example:
        >>> apply_affine_transform(np.arange(3.0).reshape(1, 1, 3), tx=1)[0].tolist()
        [[1.0, 2.0, 2.0]]
    """
    x = np.asarray(x)
    if x.ndim != 3 or {axis % 3 for axis in (row_axis, col_axis, channel_axis)} != {0, 1, 2}:
        raise ValueError(
            f"An image has three axes, for rows, columns and channels; got the shape {x.shape} and the axes "
            f"{row_axis}, {col_axis} and {channel_axis}"
        )
    rules = affine.RULES[config.era()]
    rules = rules._replace(swapped=rules.swapped and col_axis > row_axis)
    matrix = affine.matrices(rules, theta, tx, ty, shear, zx, zy)
    if np.array_equal(matrix, np.eye(3)):
        return x
    matrix = affine.centred(matrix, x.shape[row_axis], x.shape[col_axis], rules)
    return _warped(x, matrix, channel_axis, fill_mode, cval, order)


def random_rotation(
    x, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int | None = None,
) -> np.ndarray:  # fmt: skip
    """An image turned by up to `rg` degrees in either direction; the rest as in `apply_affine_transform`."""
    return apply_affine_transform(
        x, theta=np.random.uniform(-rg, rg), row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis,
        fill_mode=fill_mode, cval=cval, order=_order(interpolation_order),
    )  # fmt: skip


def random_shift(
    x, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int | None = None,
) -> np.ndarray:  # fmt: skip
    """An image shifted by up to the fractions `wrg` of its width and `hrg` of its height."""
    tx = np.random.uniform(-hrg, hrg) * np.shape(x)[row_axis]
    ty = np.random.uniform(-wrg, wrg) * np.shape(x)[col_axis]
    if config.era() == 1:  # not about the middle, which makes another rounding
        matrix = affine.matrices(affine.RULES[1], tx=tx, ty=ty)
        return _warped(x, matrix, channel_axis, fill_mode, cval, _order(interpolation_order))
    return apply_affine_transform(
        x, tx=tx, ty=ty, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis,
        fill_mode=fill_mode, cval=cval, order=_order(interpolation_order),
    )  # fmt: skip


def random_shear(
    x, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int | None = None,
) -> np.ndarray:  # fmt: skip
    """An image sheared by an angle of up to `intensity` degrees, in era 1 radians, in either direction."""
    return apply_affine_transform(
        x, shear=np.random.uniform(-intensity, intensity), row_axis=row_axis, col_axis=col_axis,
        channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=_order(interpolation_order),
    )  # fmt: skip


def random_zoom(
    x, zoom_range: tuple[float, float], row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int | None = None,
) -> np.ndarray:  # fmt: skip
    """An image zoomed by two factors out of a range, one for rows and one for columns."""
    low, high = pair("zoom_range", zoom_range)
    zx, zy = (1, 1) if low == high == 1 else np.random.uniform(low, high, 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis,
        fill_mode=fill_mode, cval=cval, order=_order(interpolation_order),
    )  # fmt: skip


def pair(name: str, given) -> tuple[float, float]:
    """Two numbers; ValueError for anything else."""
    if np.shape(given) != (2,):
        raise ValueError(f"{name} is a pair of numbers; got {given!r}")
    return given[0], given[1]


def apply_channel_shift(x, intensity, channel_axis: int = 0) -> np.ndarray:
    """An image with `intensity` added, a number or one for each channel, and cut to the range it had."""
    x = np.asarray(x)
    amounts = np.reshape(intensity, [-1 if axis == channel_axis % x.ndim else 1 for axis in range(x.ndim)])
    return (x + amounts.astype(np.result_type(x.dtype, np.float16))).clip(x.min(), x.max())


@border.method("random_channel_shift")
def random_channel_shift(x, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """An image with up to `intensity_range` added or taken away; in era 1 another amount for each channel."""
    count = np.shape(x)[channel_axis] if config.era() == 1 else None
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range, count), channel_axis)


def apply_brightness_shift(
    x, brightness: float, scale: bool = True, data_format: str | None = None
) -> np.ndarray:
    """An image made brighter (over 1) or darker.

    Args:
        x: array of 3 axes.
        brightness: 0 is black, 1 leaves it as it is.
        scale: whether values are stretched to 0...255; otherwise that is done only where they are beyond these, and
            undone.
    """
    from PIL import ImageEnhance  # imported here, since it takes a while

    low, high = np.min(x), np.max(x)
    beyond = low < 0 or high > 255
    bright = ImageEnhance.Brightness(image.array_to_img(x, data_format=data_format, scale=scale or beyond))
    made = image.img_to_array(bright.enhance(brightness), data_format=data_format)
    return made if scale or not beyond else made / 255 * (high - low) + low


def random_brightness(x, brightness_range: tuple[float, float], scale: bool = True) -> np.ndarray:
    """An image made brighter or darker by a factor out of a range."""
    low, high = pair("brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(low, high), scale)


def flip_axis(x, axis: int) -> np.ndarray:
    """An array with one axis turned about."""
    return np.flip(np.asarray(x), axis)
