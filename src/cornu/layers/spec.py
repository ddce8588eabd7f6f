"""What a layer expects of its inputs, checked before anything is computed."""

from collections.abc import Mapping

import jax


class InputSpec:
    """Expected data type, rank and sizes of one input.

    Args:
        dtype: name of a data type, for the record.
        shape: tuple of ints and None (any), batch included.
        ndim: exact rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: dict from axis to its size.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing.
        name: key of the input in a dict.
        optional: whether the input may be None.
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype, self.shape = dtype, None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze, self.name, self.optional = allow_last_axis_squeeze, name, optional

    def __repr__(self) -> str:
        said = {key: value for key, value in vars(self).items() if value not in (None, {}, False)}
        return f"InputSpec({', '.join(f'{key}={value}' for key, value in said.items())})"

    def get_config(self) -> dict:
        return dict(vars(self))

    def complaint(self, shape: tuple) -> str | None:
        """What is wrong with a shape, as `expected ..., got ...`; None if nothing is."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return f"expected {self.ndim} dimensions (batch included), got {rank}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected at least {self.min_ndim} dimensions (batch included), got {rank}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected at most {self.max_ndim} dimensions (batch included), got {rank}"
        sizes = {**dict(enumerate(self.shape or ())), **self.axes}
        for axis, size in sizes.items():
            got = shape[axis] if -rank <= axis < rank else None
            if size is not None and got is not None and got != size:
                return f"expected axis {axis} of size {size}, got {got}"
        return None


def check_input(layer, inputs) -> None:
    """Compare inputs (arrays, symbols or shapes) with `layer.input_spec`; ValueError says what is wrong."""
    specs = layer.input_spec if isinstance(layer.input_spec, list | tuple) else [layer.input_spec]
    is_shape = lambda x: isinstance(x, tuple) and all(n is None or isinstance(n, int) for n in x)  # noqa: E731
    given = jax.tree.leaves(inputs, is_leaf=is_shape)
    if len(given) != len(specs):
        raise ValueError(f"{layer.name}: expected {len(specs)} inputs, got {len(given)}")
    for spec, each in zip(specs, given, strict=True):
        shape = each if isinstance(each, tuple) else getattr(each, "shape", ())
        if spec is not None and (complaint := spec.complaint(tuple(shape))):
            raise ValueError(
                f"{type(layer).__name__} layer {layer.name!r}: {complaint} (input of shape {tuple(shape)})"
            )
