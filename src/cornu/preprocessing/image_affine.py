"""Images turned, shifted, sheared and zoomed: where each pixel comes from, and what it gets.

Numbers are those of `scipy.ndimage.affine_transform`; orders 0 and 1 are computed here, many images at once.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import config

CHUNK = 12_000  # pixels that are computed together: what lies between fits a core's cache, and 128 KiB


class Rules(NamedTuple):
    """What an era does in its own way."""

    centre: float  # the middle of n pixels is at n / 2 and this
    radians: Callable  # of a shear as it is given
    order: int  # of the interpolation, where none is given
    swapped: bool  # whether the first coordinate of a matrix is along columns, once it is centred


RULES = {
    1: Rules(0.5, np.asarray, 0, False),
    2: Rules(0.5, np.deg2rad, 1, False),
    3: Rules(-0.5, np.deg2rad, 1, True),
}

# ---- where pixels come from -----------------------------------------------------------------------


def _matrix(*upper) -> np.ndarray:
    """A matrix, or a stack of them, from its first two rows, whose elements are numbers or arrays."""
    elements = np.broadcast_arrays(*upper[0], *upper[1])
    made = np.zeros((*elements[0].shape, 3, 3))
    made[..., 2, 2] = 1
    for place, element in enumerate(elements):
        made[..., place // 3, place % 3] = element
    return made


def centred(matrix, height: int, width: int, rules: Rules) -> np.ndarray:
    """A matrix `(..., 3, 3)` that acts about the middle of an image, rather than about its corner."""
    x, y = float(height) / 2 + rules.centre, float(width) / 2 + rules.centre
    made = _matrix([1, 0, x], [0, 1, y]) @ matrix @ _matrix([1, 0, -x], [0, 1, -y])
    return made[..., [1, 0, 2], :][..., [1, 0, 2]] if rules.swapped else made


def transform_matrix_offset_center(matrix, x: int, y: int) -> np.ndarray:
    """A matrix that acts about the middle of an image of x rows and y columns, rather than about its corner."""
    return centred(matrix, x, y, RULES[config.era()]._replace(swapped=False))


def matrices(rules: Rules, theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0) -> np.ndarray:
    """`rotation @ shift @ shear @ zoom`, from places in the result to places in the image.

    Args:
        theta: angles in degrees.
        tx, ty: shifts in pixels, along rows and columns, in era 3 the other way about.
        shear: angles in degrees, in era 1 in radians.
        zx, zy: factors in the same directions; what is over 1 makes things smaller.

    Returns an array `(..., 3, 3)`, for arguments that are numbers or arrays `(...)`.
    """
    theta, shear = np.deg2rad(theta), rules.radians(shear)
    return (
        _matrix([np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0])
        @ _matrix([1, 0, tx], [0, 1, ty])
        @ _matrix([1, -np.sin(shear), 0], [0, np.cos(shear), 0])
        @ _matrix([zx, 0, 0], [0, zy, 0])
    )


# ---- beyond the edges -----------------------------------------------------------------------------


def _reflect(places: np.ndarray, size: int) -> np.ndarray:
    """(d c b a | a b c d | d c b a)"""
    period = 2 * size
    low = np.where(places < -period, period * np.trunc(-places / period) + places, places)
    low = np.where(low < -size, low + period, -low - 1)
    high = places - period * np.trunc(places / period)
    high = np.where(high >= size, period - high - 1, high)
    return np.where(places < 0, low, np.where(places > size - 1, high, places))


def _wrap(places: np.ndarray, size: int) -> np.ndarray:
    """(a b c d | a b c d | a b c d), the last pixel being the first of the next copy."""
    period = max(size - 1, 1)
    low = places + period * (np.trunc(-places / period) + 1)
    high = places - period * np.trunc(places / period)
    return np.where(places < 0, low, np.where(places > size - 1, high, places))


# fill mode -> what makes places that are beyond the edges ones that are not; None: the nearest
EDGES: dict[str, Callable | None] = {"constant": None, "nearest": None, "reflect": _reflect, "wrap": _wrap}


def check_fill_mode(fill_mode: str) -> None:
    """Raise ValueError for an unknown one."""
    if fill_mode not in EDGES:
        raise ValueError(f"fill_mode is one of {', '.join(EDGES)}; got {fill_mode!r}")


class _Axis:
    """The places along one axis of a stack of images, and which of them are beyond its edges."""

    def __init__(self, places: np.ndarray, size: int, fill_mode: str):
        self.outside = (places < 0) | (places > size - 1) if fill_mode == "constant" else None
        if EDGES[fill_mode]:
            places = EDGES[fill_mode](places, size)
        self.places, self.last = places.clip(0, size - 1, out=places), size - 1

    def nearest(self) -> np.ndarray:
        places = self.places + 0.5
        return np.floor(places, out=places)

    def before(self) -> tuple[np.ndarray, np.ndarray]:
        """The pixel before a place, which has one after it, and how far the place is from there, at most 1."""
        before = np.floor(self.places)
        np.minimum(before, max(self.last - 1, 0), out=before)
        return before, self.places - before


# ---- what pixels get ------------------------------------------------------------------------------


def warp(
    images: np.ndarray, matrix: np.ndarray, fill_mode: str = "nearest", cval: float = 0.0, order: int = 0,
    channels_first: bool = False, flipped=(False, False),
) -> np.ndarray:  # fmt: skip
    """Images whose pixel (i, j) is what another image has at `matrix @ (i, j, 1)`.

    Args:
        images: array `(n, height, width, channels)`.
        matrix: array `(n, 3, 3)`.
        fill_mode: what is beyond the edges: 'nearest', 'reflect', 'wrap', or 'constant'.
        cval: what 'constant' is.
        order: of the spline between pixels: 0 takes the nearest one, 1 is linear; over 1 needs SciPy.
        channels_first: whether images are `(n, channels, height, width)`.
        flipped: whether the results are turned upside down and left to right, two arrays `(n,)` of bools.

    Returns an array like `images`.
    """
    check_fill_mode(fill_mode)
    images = np.ascontiguousarray(images)
    result = np.empty_like(images)
    planes, made = (each if channels_first else np.moveaxis(each, -1, 1) for each in (images, result))
    (n, _, height, width), step = planes.shape, max(CHUNK // planes[0, 0].size, 1)
    i, j = (
        np.where(np.broadcast_to(each, n)[:, None], np.arange(size)[::-1], np.arange(size)).astype(float)
        for each, size in zip(flipped, (height, width), strict=True)
    )
    if order > 1:
        _by_splines(planes, matrix, i.astype(int), j.astype(int), fill_mode, cval, order, made)
        return result
    fill = _fill_nearest if order == 0 else _fill_linear
    for first in range(0, n, step):
        some = slice(first, first + step)
        source = planes[some]
        if order == 1:
            source = np.ascontiguousarray(source, np.result_type(source.dtype, np.float32))
        for top in range(0, height, max(CHUNK // width, 1)):
            band = slice(top, top + max(CHUNK // width, 1))
            rows, columns = _places(matrix[some], i[some, band], j[some], height, width, fill_mode)
            fill(source, rows, columns, made[some, :, band])
            if fill_mode == "constant":
                outside = (rows.outside | columns.outside)[:, None]
                np.copyto(made[some, :, band], np.asarray(cval).astype(made.dtype), where=outside)
    return result


def _places(matrix, i, j, height: int, width: int, fill_mode: str) -> list[_Axis]:
    """Where the pixels in rows i `(n, h)` and columns j `(n, w)` come from, along both axes."""
    matrix, i, j = matrix[..., None, None], i[:, :, None], j[:, None, :]
    apart = not matrix[:, 0, 1].any() and not matrix[:, 1, 0].any()  # rows stay rows, and columns columns
    axes = []
    for axis, (own, size) in enumerate(((i, height), (j, width))):
        if apart:
            places = matrix[:, axis, 2] + own * matrix[:, axis, axis]
        else:  # summed in this order: a place halfway between two pixels is rounded as SciPy rounds it
            places = matrix[:, axis, 2] + i * matrix[:, axis, 0]
            places = places + j * matrix[:, axis, 1]
        axes.append(_Axis(places, size, fill_mode))
    return axes


def _flat(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    """Numbers of pixels, counted through a stack of images (through each image, if their height is 0)."""
    places = rows * width + columns
    if height:
        places += np.arange(len(places))[:, None, None] * (height * width)
    return places.astype(np.intp)


def _fill_nearest(planes: np.ndarray, rows: _Axis, columns: _Axis, result: np.ndarray) -> None:
    n, channels, height, width = planes.shape
    pixels = planes.transpose(0, 2, 3, 1)
    if pixels.flags.c_contiguous:  # a pixel's channels stand together
        places = _flat(rows.nearest(), columns.nearest(), height, width)
        result[...] = pixels.reshape(-1, channels).take(places, 0, mode="clip").transpose(0, 3, 1, 2)
        return
    places = _flat(rows.nearest(), columns.nearest(), 0, width)
    for image, place, target in zip(planes.reshape(n, channels, -1), places, result, strict=True):
        target[...] = image.take(place, 1, mode="clip")


def _fill_linear(planes: np.ndarray, rows: _Axis, columns: _Axis, result: np.ndarray) -> None:
    """Means of four pixels, each with the weight of its nearness."""
    n, channels, height, width = planes.shape
    (above, down), (left, across) = rows.before(), columns.before()
    corner = _flat(above, left, height, width)
    down, across = down.astype(planes.dtype), across.astype(planes.dtype)
    both = down * across
    right, below = across - both, down - both
    weights = (1 - down) - right, right, below, both
    step, line = int(width > 1), width * (height > 1)
    for channel in range(channels):
        plane = planes[:, channel].reshape(-1)
        total = plane.take(corner, mode="clip")
        total *= weights[0]
        for beyond, weight in zip((step, line, line + step), weights[1:], strict=True):
            part = plane[beyond:].take(corner, mode="clip")
            part *= weight
            total += part
        result[:, channel] = np.floor(total + 0.5) if result.dtype.kind in "iu" else total


def _by_splines(planes, matrix, i, j, fill_mode: str, cval: float, order: int, result) -> None:
    try:
        from scipy import ndimage  # optional: orders 0 and 1 do without
    except ImportError:
        raise ImportError(
            f"interpolation_order={order} needs SciPy: pip install scipy (0 and 1 do not)"
        ) from None
    for image, each, rows, columns, target in zip(planes, matrix, i, j, result, strict=True):
        for plane, part in zip(image, target, strict=True):
            made = ndimage.affine_transform(
                plane, each[:2, :2], each[:2, 2], order=order, mode=fill_mode, cval=cval
            )
            part[...] = made[np.ix_(rows, columns)]
