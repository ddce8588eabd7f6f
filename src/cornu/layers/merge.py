"""Several inputs into one."""

import functools
import operator
from collections.abc import Callable, Sequence

from jax import lax

from .. import registry
from ..ops import nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import keep
from .layer import Layer
from .spec import InputSpec

# ---- functions ---------------------------------------------------------------------------------


@op
def batch_dot(x, y, axes: int | Sequence[int] | None = None):
    """Sum of products over one axis of each, row by row of the batch.

    Args:
        x, y: arrays `(batch, ...)`.
        axes: the axis to sum over, of both or one each, batch counted; by default the last of `x` and the
            last but one of `y` (its last, if it has two axes).

    Returns `(batch, other axes of x, other axes of y)`, at least two axes.
    """
    first, second = _axes((x, y), axes)
    if x.shape[0] != y.shape[0] or x.shape[first] != y.shape[second]:
        raise ValueError(f"cannot multiply shapes {x.shape} and {y.shape} along axes {first} and {second}")
    product = lax.dot_general(x, y, (((first,), (second,)), ((0,), (0,))))
    return product[:, None] if product.ndim == 1 else product


def _axes(inputs: Sequence, axes: int | Sequence[int] | None) -> tuple[int, int]:
    ranks = [len(x.shape) for x in inputs]
    if axes is None:
        axes = (ranks[0] - 1, max(ranks[1] - 2, 1))
    axes = (axes, axes) if isinstance(axes, int) else axes
    first, second = (axis % rank for axis, rank in zip(axes, ranks, strict=True))
    if 0 in (first, second):
        raise ValueError(f"axes={tuple(axes)} names the batch axis, which is never summed over")
    return first, second


def same_rank(inputs: Sequence) -> list:
    """The inputs with axes of size 1 put in after the batch, until all have equally many."""
    rank = max(len(x.shape) for x in inputs)
    return [
        ops.reshape(x, (x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:])) if x.ndim < rank else x
        for x in inputs
    ]


def _average(inputs: Sequence):
    return functools.reduce(operator.add, inputs) / len(inputs)


# ---- layers ------------------------------------------------------------------------------------


class _Merge(Layer):
    """A layer of a list of inputs."""

    supports_masking = True
    count: int | None = None  # how many inputs there must be; at least one if None

    def build(self, input_shape):
        if not isinstance(input_shape, list | tuple) or not all(
            isinstance(s, list | tuple) for s in input_shape
        ):
            raise ValueError(f"{type(self).__name__} takes a list of inputs; got one of shape {input_shape}")
        if len(input_shape) != (self.count or max(len(input_shape), 1)):
            raise ValueError(
                f"{type(self).__name__} takes {self.count or 'one or more'} inputs; got {len(input_shape)}"
            )
        batches = {shape[0] for shape in input_shape if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"{type(self).__name__}: inputs of different batch sizes: {list(input_shape)}")
        self.check([tuple(shape) for shape in input_shape])
        if self.count:  # one input too many is no matter of shapes
            self.input_spec = [InputSpec()] * self.count

    def check(self, shapes: list[tuple]) -> None:
        """ValueError for shapes that do not go together."""

    def masks(self, inputs, masks) -> list:
        """The masks of the inputs, None where there is none; empty if none has one. ValueError where they don't fit."""
        if masks is None:
            return []
        for name, value in (("inputs", inputs), ("mask", masks)):
            if not isinstance(value, list | tuple):
                raise ValueError(
                    f"{self.name}.compute_mask: `{name}` is a list, as the inputs of the layer are"
                )
        if len(masks) != len(inputs):
            raise ValueError(f"{self.name}.compute_mask: {len(inputs)} inputs, but {len(masks)} masks")
        return list(masks) if any(mask is not None for mask in masks) else []

    def _complain(self, shapes, needs: str):
        raise ValueError(f"{type(self).__name__} layer {self.name!r}: {needs}; got inputs of shapes {shapes}")


class _Elementwise(_Merge):
    """Combines element by element; axes of size 1 are repeated as needed."""

    combine: Callable

    def check(self, shapes):
        rank = max(map(len, shapes))
        aligned = [(*shape[:1], *(1,) * (rank - len(shape)), *shape[1:]) for shape in shapes]
        for sizes in zip(*aligned, strict=True):
            if len({n for n in sizes if n not in (None, 1)}) > 1:
                self._complain(shapes, "shapes must agree, or be 1, along each axis")

    def call(self, inputs):
        return type(self).combine(same_rank(inputs))

    def compute_mask(self, inputs, previous_mask=None):
        masks = [mask for mask in self.masks(inputs, previous_mask) if mask is not None]
        if not masks or (self._era == 3 and len(masks) < len(inputs)):
            return None
        # earlier eras skip what is masked anywhere
        return functools.reduce(ops.logical_or if self._era == 3 else ops.logical_and, masks)


@registry.member("layers")
class Add(_Elementwise):
    """Sum of the inputs.

    Example:
        >>> Add()([np.array([[1.0]], "float32"), np.array([[2.0]], "float32")]).tolist()
        [[3.0]]
    """

    combine = staticmethod(lambda inputs: functools.reduce(operator.add, inputs))


@registry.member("layers")
class Subtract(_Elementwise):
    """First input minus second."""

    count = 2
    combine = staticmethod(lambda inputs: inputs[0] - inputs[1])


class _AroundMasks(_Elementwise):
    """In era 3, what an input masks takes no part: there the other inputs decide."""

    def call(self, inputs, mask=None):
        masks = self.masks(inputs, mask)
        if self._era < 3 or not masks:
            return super().call(inputs)
        inputs = same_rank(inputs)
        wide = [
            None if m is None else ops.reshape(m, (*m.shape, *(1,) * (x.ndim - m.ndim)))
            for m, x in zip(masks, inputs, strict=True)
        ]
        return self.around(inputs, wide)


class _Extreme(_AroundMasks):
    def around(self, inputs, masks):
        made, seen = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            x = x if mask is None else ops.where(mask, x, made)
            made = made if seen is None else ops.where(seen, made, x)
            seen = None if mask is None or seen is None else ops.logical_or(seen, mask)
            made = type(self).combine([made, x])
        return made


@registry.member("layers")
class Multiply(_AroundMasks):
    """Product of the inputs, element by element."""

    combine = staticmethod(lambda inputs: functools.reduce(operator.mul, inputs))

    def around(self, inputs, masks):
        ones = [x if m is None else ops.where(m, x, 1) for x, m in zip(inputs, masks, strict=True)]
        made = ops.cast(type(self).combine(ones), inputs[0].dtype)
        if any(mask is None for mask in masks):
            return made
        return ops.where(functools.reduce(ops.logical_or, masks), made, ops.zeros_like(made))


@registry.member("layers")
class Average(_Elementwise):
    """Mean of the inputs, element by element."""

    combine = staticmethod(_average)


@registry.member("layers")
class Maximum(_Extreme):
    """Largest of the inputs, element by element."""

    combine = staticmethod(lambda inputs: functools.reduce(ops.maximum, inputs))


@registry.member("layers")
class Minimum(_Extreme):
    """Smallest of the inputs, element by element."""

    combine = staticmethod(lambda inputs: functools.reduce(ops.minimum, inputs))


@registry.member("layers")
class Concatenate(_Merge):
    """The inputs one after the other along an axis.

    Args:
        axis: int, batch counted; the other axes must agree.
    """

    def __init__(self, axis: int = -1, **kwargs):
        super().__init__(**kwargs)
        keep(self, locals())

    def check(self, shapes):
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            self._complain(shapes, f"all inputs must have axis {self.axis} and equally many axes")
        for axis, sizes in enumerate(zip(*shapes, strict=True)):
            if axis != self.axis % rank and len(set(sizes) - {None}) > 1:
                self._complain(shapes, f"shapes must agree except along axis {self.axis}")

    def call(self, inputs):
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs, previous_mask=None):
        masks = self.masks(inputs, previous_mask)
        if not masks:
            return None
        full = []
        for x, mask in zip(inputs, masks, strict=True):
            if mask is None or mask.ndim < len(x.shape):
                mask = True if mask is None else ops.expand_dims(mask, -1)
                mask = ops.logical_and(mask, ops.ones_like(x, dtype="bool"))
            full.append(mask)
        whole = ops.concatenate(full, axis=self.axis)
        return ops.any(whole, axis=-1) if self._era == 3 else ops.all(whole, axis=-1)


@registry.member("layers")
class Dot(_Merge):
    """Sum of products over one axis of each of two inputs, row by row of the batch.

    Args:
        axes: the axis to sum over, of both or one each, batch counted.
        normalize: whether both are scaled to length 1 along that axis first, which gives the cosine.

    Example:
        >>> Dot(axes=1)([np.ones((2, 3), "float32"), np.ones((2, 3), "float32")]).tolist()
        [[3.0], [3.0]]
    """

    count = 2

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            axes = tuple(axes)
            if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
                raise ValueError(f"Dot: `axes` is one axis or two; got {axes}")
        keep(self, locals())

    def check(self, shapes):
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        first, second = (shape[axis] for shape, axis in zip(shapes, axes, strict=True))
        if None not in (first, second) and first != second:
            self._complain(
                shapes, f"axis {axes[0]} of the first and axis {axes[1]} of the second must be equally long"
            )

    def call(self, inputs):
        axes = _axes(inputs, self.axes)
        if self.normalize:
            inputs = [nn.normalize(x, axis=axis) for x, axis in zip(inputs, axes, strict=True)]
        return batch_dot(*inputs, axes)

    def compute_mask(self, inputs, previous_mask=None):
        return None


# ---- the same in one call ----------------------------------------------------------------------


def _function(layer: type) -> Callable:
    def merge(inputs, **kwargs):
        return layer(**kwargs)(inputs)

    merge.__name__ = merge.__qualname__ = layer.__name__.lower()
    merge.__doc__ = f"`{layer.__name__}(**kwargs)(inputs)`: {layer.__doc__.splitlines()[0]}"
    return merge


add, subtract, multiply = _function(Add), _function(Subtract), _function(Multiply)
average, maximum, minimum = _function(Average), _function(Maximum), _function(Minimum)


def concatenate(inputs, axis: int = -1, **kwargs):
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes: int | Sequence[int] = -1, **kwargs):
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
