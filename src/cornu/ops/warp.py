"""Images whose pixels are taken from other places: sampling, affine, perspective and elastic transforms."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.scipy import ndimage

from .. import random
from ..config import standardize_data_format
from ..dtypes import as_array
from .convolution import depthwise_conv
from .wrap import op

__all__ = [
    "affine_transform",
    "elastic_transform",
    "map_coordinates",
    "perspective_transform",
    "scale_and_translate",
]

ORDERS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
METHODS = ("linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5")


def batched(name: str, images, data_format: str | None, rank: int = 2) -> tuple[jax.Array, Callable]:
    """Images as `(batch, *space, channels)`, and a function that puts a result into the form they had.

    Raises ValueError for another number of axes.
    """
    images, first = as_array(images), standardize_data_format(data_format) == "channels_first"
    if images.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: expected {rank + 1} axes, or {rank + 2} with a batch in front; got shape {images.shape}"
        )
    single = images.ndim == rank + 1
    images = images[None] if single else images
    images = jnp.moveaxis(images, 1, -1) if first else images

    def restore(result):
        result = jnp.moveaxis(result, -1, 1) if first else result
        return result[0] if single else result

    return images, restore


def _check(name: str, interpolation: str, fill_mode: str = "constant") -> None:
    for word, value, allowed in (
        ("interpolation", interpolation, ORDERS),
        ("fill_mode", fill_mode, FILL_MODES),
    ):
        if value not in allowed:
            raise ValueError(f"{name}: {word} is one of {', '.join(allowed)}; got {value!r}")


@op
def map_coordinates(inputs, coordinates, order: int, fill_mode: str = "constant", fill_value: float = 0):
    """The values of an array at places between its elements.

    Args:
        inputs: array of n axes.
        coordinates: `(n, ...)`, in places along each axis.
        order: 0 takes the nearest element, 1 interpolates linearly.
        fill_mode: what lies outside: 'constant' (`fill_value`), 'nearest', 'wrap', 'mirror' or 'reflect'.

    Raises ValueError when the number of coordinates is not that of axes, and for other words.
    """
    inputs, coordinates = as_array(inputs), as_array(coordinates)
    if coordinates.ndim < 2 or len(coordinates) != inputs.ndim:
        raise ValueError(
            f"map_coordinates: inputs of shape {inputs.shape} need coordinates ({inputs.ndim}, ...); "
            f"got shape {coordinates.shape}"
        )
    if order not in (0, 1):
        raise ValueError(f"map_coordinates: order is 0 or 1; got {order!r}")
    _check("map_coordinates", "nearest", fill_mode)
    return ndimage.map_coordinates(inputs, coordinates, order, fill_mode, fill_value)


def _sample(images, y, x, interpolation: str, fill_mode: str, fill_value):
    """Images `(batch, height, width, channels)` at places `(batch, height, width)` of each."""

    def one(plane, y, x):
        return ndimage.map_coordinates(plane, (y, x), ORDERS[interpolation], fill_mode, fill_value)

    channels = jax.vmap(one, (-1, None, None), -1)
    return jax.vmap(channels)(images, y, x)


def _project(images, transforms, interpolation: str, fill_mode: str, fill_value):
    """Output pixel (x, y) is the input at `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`, k = c0 x + c1 y + 1."""
    _, height, width, _ = images.shape
    y, x = jnp.mgrid[:height, :width]
    shape = (len(images), 8)
    a0, a1, a2, b0, b1, b2, c0, c1 = jnp.broadcast_to(transforms, shape).T[:, :, None, None]
    k = c0 * x + c1 * y + 1
    places = (b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k
    return _sample(images, *places, interpolation, fill_mode, fill_value)


@op
def affine_transform(
    images,
    transform,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
):
    """Images turned, moved, sheared and scaled: output pixel (x, y) is the input's at the transformed place.

    Args:
        transform: `(8,)` or `(batch, 8)`: a0, a1, a2, b0, b1, b2, c0, c1; the place is
            `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)` with `k = c0 x + c1 y + 1`.
        interpolation: 'nearest' or 'bilinear'.
        fill_mode, fill_value: what lies outside, as in `map_coordinates`.

    Raises ValueError for other words and ranks.
    """
    _check("affine_transform", interpolation, fill_mode)
    transform = as_array(transform)
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(f"affine_transform: expected transforms (8,) or (batch, 8); got {transform.shape}")
    images, restore = batched("affine_transform", images, data_format)
    return restore(_project(images, transform, interpolation, fill_mode, fill_value))


def _homography(start, end):
    """The transforms `(batch, 8)` that take the points `end` to the points `start`, both `(batch, 4, 2)`."""
    x, y = end[..., 0], end[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    u, v = start[..., 0], start[..., 1]
    rows_x = jnp.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1)
    rows_y = jnp.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)
    equations = jnp.concatenate([rows_x, rows_y], 1)
    return jnp.linalg.solve(equations, jnp.concatenate([u, v], 1)[..., None])[..., 0]


@op
def perspective_transform(
    images,
    start_points,
    end_points,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
):
    """Images seen from elsewhere: what was at the four `start_points` comes to the four `end_points`.

    Args:
        start_points, end_points: `(4, 2)` or `(batch, 4, 2)`: x and y of each point, in pixels.
        interpolation: 'nearest' or 'bilinear'.
        fill_value: what lies outside.

    Raises ValueError for other words and shapes.
    """
    _check("perspective_transform", interpolation)
    start, end = as_array(start_points).astype("float32"), as_array(end_points).astype("float32")
    if start.shape != end.shape or start.ndim not in (2, 3) or start.shape[-2:] != (4, 2):
        raise ValueError(
            "perspective_transform: expected points (4, 2) or (batch, 4, 2), as many starts as ends; "
            f"got {start.shape} and {end.shape}"
        )
    images, restore = batched("perspective_transform", images, data_format)
    transforms = _homography(start.reshape(-1, 4, 2), end.reshape(-1, 4, 2))
    return restore(_project(images, transforms, interpolation, "constant", fill_value))


@op
def elastic_transform(
    images,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed=None,
    data_format: str | None = None,
):
    """Images whose pixels move by smooth random distances (Simard et al. 2003).

    Args:
        alpha: how far.
        sigma: standard deviation of the noise, and of the Gauss bell that smooths it, in pixels.
        seed: an int or a SeedGenerator.

    Raises ValueError for other words and ranks.
    """
    _check("elastic_transform", interpolation, fill_mode)
    images, restore = batched("elastic_transform", images, data_format)
    batch, height, width, _ = images.shape
    size = int(6 * sigma) | 1
    bell = jnp.exp(-0.5 * ((jnp.arange(size) - size // 2) / sigma) ** 2)
    bell /= bell.sum()
    noise = random.normal((batch, height, width, 2), stddev=sigma, dtype="float32", seed=seed)
    for shape in ((size, 1), (1, size)):  # the bell is a product, so one axis after the other
        kernel = jnp.broadcast_to(bell.reshape(*shape, 1, 1), (*shape, 2, 1))
        noise = depthwise_conv(noise, kernel, padding="same", data_format="channels_last")
    y, x = jnp.mgrid[:height, :width]
    moved = _sample(
        images, y + alpha * noise[..., 0], x + alpha * noise[..., 1], interpolation, fill_mode, fill_value
    )
    return restore(moved)


@op
def scale_and_translate(
    images,
    output_shape: Sequence[int],
    scale,
    translation,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
):
    """Any axes scaled and moved: the input's place i comes to `scale * i + translation`.

    Args:
        output_shape: sizes of all axes of the result.
        scale, translation: one number for each of `spatial_dims`.
        method: 'linear', 'cubic' (and their bi- and tri- forms), 'lanczos3' or 'lanczos5'.
        antialias: smooth before making smaller.
    """
    if method not in METHODS:
        raise ValueError(f"scale_and_translate: method is one of {', '.join(METHODS)}; got {method!r}")
    scale, translation = as_array(scale), as_array(translation)
    return jax.image.scale_and_translate(
        as_array(images), tuple(output_shape), tuple(spatial_dims), scale, translation, method, antialias
    )
