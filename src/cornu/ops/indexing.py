"""Parts of arrays read and replaced at places that may themselves be data."""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from ..dtypes import as_array
from .wrap import op

__all__ = ["scatter", "scatter_update", "slice", "slice_update", "unstack"]

REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


@op
def scatter_update(inputs, indices, updates, reduction: str | None = None):
    """`inputs` with `updates` at `indices`.

    Args:
        inputs: array of any shape.
        indices: ints `(n, k)`, each row the first k indices of a place.
        updates: `(n, *inputs.shape[k:])`.
        reduction: None replaces; 'add', 'max', 'min' and 'mul' combine with what is there.

    Raises ValueError for an unknown reduction.

    Example:
        >>> from cornu import ops
        >>> ops.scatter_update([0, 0, 0, 0], [[0], [0], [1]], [1, 1, 1], reduction="add").tolist()
        [2, 1, 0, 0]
    """
    name = REDUCTIONS.get(reduction and reduction.lower())
    if name is None:
        raise ValueError(f"scatter_update: reduction is one of {list(REDUCTIONS)}; got {reduction!r}")
    inputs, indices = as_array(inputs), as_array(indices)
    place = inputs.at[tuple(jnp.moveaxis(indices, -1, 0))]
    return getattr(place, name)(as_array(updates).astype(inputs.dtype))


@op
def scatter(indices, values, shape: Sequence[int]):
    """Zeros of a shape with `values` at `indices`, added up where indices repeat; arguments as in `scatter_update`."""
    values = as_array(values)
    return scatter_update(jnp.zeros(shape, values.dtype), indices, values, "add")


@op
def slice(inputs, start_indices, shape: Sequence[int]):
    """The block of a shape that begins at `start_indices`, moved inwards where it would stick out.

    Args:
        start_indices: one int an axis, an array too.
        shape: one int an axis; -1 for all from the start on (where that is a Python int).

    Example:
        >>> from cornu import ops
        >>> ops.slice([1, 2, 3, 4], [1], [2]).tolist()
        [2, 3]
    """
    inputs = as_array(inputs)
    sizes = [inputs.shape[i] - int(start_indices[i]) if n == -1 else n for i, n in enumerate(shape)]
    return lax.dynamic_slice(inputs, as_array(start_indices), sizes)


@op
def slice_update(inputs, start_indices, updates):
    """`inputs` with the block that begins at `start_indices` replaced by `updates`."""
    inputs = as_array(inputs)
    return lax.dynamic_update_slice(inputs, as_array(updates).astype(inputs.dtype), as_array(start_indices))


@op
def unstack(x, num: int | None = None, axis: int = 0):
    """The slices along an axis as a list.

    Raises ValueError when there are not `num` of them.
    """
    x = as_array(x)
    if num is not None and x.shape[axis] != num:
        raise ValueError(f"unstack: axis {axis} of shape {x.shape} has {x.shape[axis]} slices, not {num}")
    return list(jnp.moveaxis(x, axis, 0))
