"""Products of tensors in Einstein's notation, with a kernel that is learned."""

import copy
import re
from collections.abc import Sequence

from .. import initializers, registry
from ..ops import numpy as ops
from .arguments import keep, weight
from .layer import Layer
from .spec import InputSpec


def einsum_shapes(equation: str, bias_axes: str | None, input_shape: Sequence, output_shape: Sequence):
    """Shapes of kernel and bias (None without `bias_axes`), and the kernel's axes that are summed and that stay.

    Args:
        equation: 'ab,bc->ac', with `...` at the beginning or at the end of inputs and outputs.
        bias_axes: the letters of the outputs along which the bias varies.
        input_shape: the whole shape.
        output_shape: sizes of the outputs' letters but for the batch; None: as the inputs have them.

    Raises ValueError for an equation of another form, and for sizes that contradict each other.
    """
    side = r"(\.{3})?([a-zA-Z]+)(\.{3})?"
    found = re.fullmatch(f"{side},([a-zA-Z]+)->{side}", equation.replace(" ", ""))
    if not found or found[1] != found[5] or found[3] != found[7] or (found[1] and found[3]):
        raise ValueError(
            f"EinsumDense: {equation!r} is not of the form 'ab,bc->ac', '...a,ab->...b' or 'ab...,bc->ac...'"
        )
    left, right, letters, kernel, outputs = found[1], found[3], found[2], found[4], found[6]
    more = len(input_shape) - len(letters)
    if more < 0 or (more and not (left or right)):
        raise ValueError(f"EinsumDense: {equation!r} does not fit inputs of shape {tuple(input_shape)}")
    sizes = dict(zip(letters, input_shape[more:] if left else input_shape, strict=False))
    named = outputs if left else outputs[1:]
    if len(output_shape) != len(named):
        raise ValueError(
            f"EinsumDense: {equation!r} needs {len(named)} numbers as `output_shape`; got {output_shape}"
        )
    for letter, size in zip(named, output_shape, strict=True):
        if size is not None and sizes.get(letter) not in (None, size):
            raise ValueError(
                f"EinsumDense: {letter!r} of {equation!r} is {sizes[letter]} in inputs of shape {tuple(input_shape)}, "
                f"but {size} in `output_shape`"
            )
        sizes[letter] = sizes.get(letter) or size
    if strange := set(kernel) - set(letters) - set(outputs):
        raise ValueError(
            f"EinsumDense: {sorted(strange)} of the kernel are neither in inputs nor outputs: {equation!r}"
        )
    bias = None
    if bias_axes:
        if strange := set(bias_axes) - set(outputs):
            raise ValueError(
                f"EinsumDense: `bias_axes` {sorted(strange)} are no axes of the outputs of {equation!r}"
            )
        first = min(map(outputs.index, bias_axes))
        bias = [sizes[each] if each in bias_axes else 1 for each in outputs[first:]] + [1] * (
            0 if left else more
        )
    summed = [axis for axis, letter in enumerate(kernel) if letter in letters and letter not in outputs]
    stays = [axis for axis, letter in enumerate(kernel) if letter in outputs and letter not in letters]
    return [sizes[letter] for letter in kernel], bias, summed, stays


@registry.member("layers")
class EinsumDense(Layer):
    """`activation(einsum(equation, x, kernel) + bias)`: a `Dense` over any axes.

    Args:
        equation: 'ab,bc->ac': inputs, kernel, outputs; `...` stands for axes that pass through.
        output_shape: sizes of the outputs' letters but for the batch; None: as in the inputs.
        activation: name or function; none if None.
        bias_axes: letters of the outputs along which a bias is added; no bias if None.
        `kernel_*`, `bias_*`: initializers, regularizers and constraints of the weights.

    Example:
        >>> EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    supports_masking = True

    def __init__(
        self, equation: str, output_shape, activation=None, bias_axes: str | None = None,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        keep(self, {name: value for name, value in locals().items() if name != "output_shape"})

    def build(self, input_shape):
        kernel, bias, summed, stays = einsum_shapes(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape
        )
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling) and initializer.input_axes is None:
            initializer = copy.copy(initializer)
            initializer.input_axes, initializer.output_axes = summed, stays
        self.kernel = weight(self, "kernel", kernel, initializer=initializer)
        self.bias = None if bias is None else weight(self, "bias", bias)
        self.input_spec = InputSpec(ndim=len(input_shape))

    def call(self, inputs):
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        return self.activation(outputs if self.bias is None else ops.add(outputs, self.bias))
