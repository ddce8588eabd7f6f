"""Convolutions of any rank, in both data formats. Every one goes through `_convolve`.

Kernels are `(*kernel_size, in, out)`; inputs `(batch, *space, channels)` or `(batch, channels, *space)`.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from ..config import standardize_data_format
from ..dtypes import as_array
from . import cpu, onednn
from .wrap import op

__all__ = ["conv", "conv_transpose", "deconv", "depthwise_conv", "separable_conv"]

Sizes = int | Sequence[int]
Padding = str | Sequence[tuple[int, int]]


def spread(value: Sizes, rank: int, name: str) -> tuple[int, ...]:
    """One number for each spatial axis.

    Raises ValueError for another count of numbers, and for numbers below 1.
    """
    sizes = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(sizes) != rank or any(size < 1 for size in sizes):
        raise ValueError(f"{name}: expected a positive int or {rank} of them; got {value!r}")
    return sizes


def _same(size: int, window: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _shifted(size: int, window: int, stride: int) -> tuple[int, int]:
    before = window - 2 if window > 2 and window % 2 else window - 1
    return before, max((-(-size // stride) - 1) * stride + window - size - before, 0)


PADDINGS = {  # what is added before and after an axis of `size` for a window of `window`
    "valid": lambda size, window, stride: (0, 0),
    "same": _same,
    "half": lambda size, window, stride: (window // 2, (window - 1) // 2),  # Theano's 'same'
    "shifted": _shifted,  # the same of its pooling, as Keras 1 called it
    "causal": lambda size, window, stride: (window - 1, 0),
    "full": lambda size, window, stride: (window - 1, window - 1),
}


def pads(padding: Padding, space: Sequence[int], windows: Sequence[int], strides: Sequence[int]) -> list:
    """How many places to add before and after each spatial axis; explicit pairs stay as they are.

    Raises ValueError for an unknown word, for 'causal' on more than one axis and for a wrong number of pairs.
    """
    if not isinstance(padding, str):
        pairs = [tuple(pair) for pair in padding]
        if len(pairs) != len(space) or any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"padding: expected {len(space)} pairs (before, after); got {padding!r}")
        return pairs
    rule = PADDINGS.get(padding.lower())
    if rule is None:
        known = ", ".join(map(repr, PADDINGS))
        raise ValueError(f"padding: expected one of {known} or pairs (before, after); got {padding!r}")
    if padding.lower() == "causal" and len(space) > 1:
        raise ValueError("padding='causal' is for one spatial axis (time); the inputs have more")
    return [rule(*each) for each in zip(space, windows, strides, strict=True)]


def _convolve(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    data_format: str,
    groups: int,
    bias: jax.Array | None = None,
) -> jax.Array:
    """The one place where a convolution is computed."""
    how = tuple(strides), tuple(map(tuple, padding)), tuple(dilation)
    last = data_format == "channels_last"
    if kernel.size and onednn.used(inputs, padding):
        names = dict(zip(("strides", "padding", "dilation"), how, strict=True))
        return onednn.conv(inputs, kernel, bias, **names, groups=groups, channels_last=last)
    if jax.default_backend() == "cpu" and groups == 1 and len(strides) <= 3:
        made = cpu.convolve(inputs if last else jnp.moveaxis(inputs, 1, -1), kernel, *how)
        made = made if last else jnp.moveaxis(made, -1, 1)
    else:
        made = _by_xla(inputs, kernel, *how, data_format, groups)
    if bias is None:
        return made
    return made + (bias if last else bias.reshape(-1, *(1,) * len(strides)))


def _by_xla(
    inputs, kernel, strides, padding, dilation, data_format: str, groups: int = 1, input_dilation=None
):
    letters = "DHW"[-len(strides) :] if len(strides) <= 3 else "DHWXYZ"[: len(strides)]
    layout = f"N{letters}C" if data_format == "channels_last" else f"NC{letters}"
    return lax.conv_general_dilated(
        inputs,
        kernel,
        strides,
        padding,
        lhs_dilation=input_dilation,
        rhs_dilation=dilation,
        dimension_numbers=(layout, f"{letters}IO", layout),
        feature_group_count=groups,
    )


def _prepare(name: str, inputs, kernel, strides: Sizes, dilation_rate: Sizes, data_format: str | None):
    """Arrays of one type, sizes an axis, the data format and the number of channels; errors in words."""
    data_format = standardize_data_format(data_format)
    kernel = as_array(kernel)
    inputs = as_array(inputs).astype(kernel.dtype)
    if inputs.ndim != kernel.ndim or inputs.ndim < 3:
        raise ValueError(
            f"{name}: inputs of shape {inputs.shape} do not go with a kernel of shape {kernel.shape}: they "
            f"need {max(kernel.ndim, 3)} axes, one for the batch, one for channels, the rest for space"
        )
    rank = inputs.ndim - 2
    strides, dilation = spread(strides, rank, "strides"), spread(dilation_rate, rank, "dilation_rate")
    channels = inputs.shape[-1 if data_format == "channels_last" else 1]
    return inputs, kernel, strides, dilation, data_format, channels


def _space(inputs, data_format: str) -> tuple[int, ...]:
    return inputs.shape[1:-1] if data_format == "channels_last" else inputs.shape[2:]


def _checked(name: str, inputs, kernel, strides, padding, dilation, data_format: str, groups: int, bias=None):
    """Convolve, or say that the inputs are too small."""
    space = _space(inputs, data_format)
    windows = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape[:-2], dilation, strict=True)]
    padding = pads(padding, space, windows, strides)
    for size, window, (before, after) in zip(space, windows, padding, strict=True):
        if size + before + after < window:
            raise ValueError(
                f"{name}: inputs of shape {inputs.shape} ({data_format}) are smaller than the kernel's window "
                f"{windows}. Use padding='same', a smaller kernel or larger inputs"
            )
    return _convolve(inputs, kernel, strides, padding, dilation, data_format, groups, bias)


@op
def conv(
    inputs,
    kernel,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    *,
    bias=None,
):
    """Convolution (cross-correlation: the kernel is not flipped).

    Args:
        inputs: `(batch, *space, channels)`, or `(batch, channels, *space)` for 'channels_first'.
        kernel: `(*kernel_size, in, out)`; the channels are convolved in `channels / in` groups.
        strides: int, or one an axis.
        padding: 'valid'; 'same'; 'full'; 'causal' (one spatial axis); or pairs (before, after), one an axis.
        data_format: 'channels_last' or 'channels_first'; the global setting if None.
        dilation_rate: int, or one an axis.
        bias: `(out,)`, added to the outputs; nothing if None.

    Raises ValueError when ranks, channels or sizes do not go together.

    Example:
        >>> from cornu import ops
        >>> ops.conv(ops.ones((1, 5, 5, 3)), ops.ones((3, 3, 3, 8)), padding="same").shape
        (1, 5, 5, 8)
    """
    inputs, kernel, strides, dilation, data_format, channels = _prepare(
        "conv", inputs, kernel, strides, dilation_rate, data_format
    )
    groups, rest = divmod(channels, kernel.shape[-2])
    if rest or not groups or kernel.shape[-1] % groups:
        raise ValueError(
            f"conv: inputs of shape {inputs.shape} ({data_format}) have {channels} channels; the kernel of "
            f"shape {kernel.shape} needs {kernel.shape[-2]}, or for groups a multiple of that"
        )
    if bias is not None:
        bias = as_array(bias).astype(kernel.dtype)
        if bias.shape != kernel.shape[-1:]:
            raise ValueError(
                f"conv: a kernel of shape {kernel.shape} goes with a bias of {kernel.shape[-1]} values; "
                f"got one of shape {bias.shape}"
            )
    return _checked("conv", inputs, kernel, strides, padding, dilation, data_format, groups, bias)


@op
def depthwise_conv(
    inputs,
    kernel,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
):
    """Convolution of each channel by itself; arguments as in `conv`.

    Args:
        kernel: `(*kernel_size, channels, multiplier)`; channel i makes outputs `i * multiplier` and following.

    Raises ValueError when ranks, channels or sizes do not go together.
    """
    inputs, kernel, strides, dilation, data_format, channels = _prepare(
        "depthwise_conv", inputs, kernel, strides, dilation_rate, data_format
    )
    if channels != kernel.shape[-2]:
        raise ValueError(
            f"depthwise_conv: inputs of shape {inputs.shape} ({data_format}) have {channels} channels; "
            f"the kernel of shape {kernel.shape} needs {kernel.shape[-2]}"
        )
    kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return _checked("depthwise_conv", inputs, kernel, strides, padding, dilation, data_format, channels)


@op
def separable_conv(
    inputs,
    depthwise_kernel,
    pointwise_kernel,
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
):
    """`depthwise_conv`, then a convolution of size 1 that mixes the channels.

    Args:
        depthwise_kernel: `(*kernel_size, channels, multiplier)`.
        pointwise_kernel: `(1, ..., 1, channels * multiplier, out)`.
    """
    inputs = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(inputs, pointwise_kernel, data_format=data_format)


def _transposed_pads(window: int, stride: int, padding: str, output_padding: int | None) -> tuple[int, int]:
    """Padding of the stretched inputs, such that the output has the size that `conv_transpose` promises."""
    if padding == "valid":
        extra = max(stride - window, 0) if output_padding is None else output_padding
        return window - 1, window - 1 + extra
    total = stride + window - 2 if output_padding is None else window - 2 + window % 2 + output_padding
    before = min(total - total // 2, window - 1)
    return before, total - before


@op
def conv_transpose(
    inputs,
    kernel,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
):
    """The transpose (gradient) of a convolution, as an operation of its own.

    With `window = (kernel_size - 1) * dilation + 1`, an axis of size n becomes `n * stride` for 'same' and
    `(n - 1) * stride + max(window, stride)` for 'valid'; with `output_padding`,
    `(n - 1) * stride + window % 2 + output_padding` and `(n - 1) * stride + window + output_padding`.

    Args:
        inputs: as in `conv`.
        kernel: `(*kernel_size, out, in)`.
        padding: 'valid' or 'same'.
        output_padding: int, or one an axis.

    Raises ValueError when ranks or channels do not go together.

    Example:
        >>> from cornu import ops
        >>> ops.conv_transpose(ops.ones((1, 5, 5, 3)), ops.ones((3, 3, 8, 3)), 2, "same").shape
        (1, 10, 10, 8)
    """
    inputs, kernel, strides, dilation, data_format, channels = _prepare(
        "conv_transpose", inputs, kernel, strides, dilation_rate, data_format
    )
    if channels != kernel.shape[-1]:
        raise ValueError(
            f"conv_transpose: inputs of shape {inputs.shape} ({data_format}) have {channels} channels; "
            f"the kernel of shape {kernel.shape} (..., out, in) needs {kernel.shape[-1]}"
        )
    if str(padding).lower() not in ("valid", "same"):
        raise ValueError(f"conv_transpose: padding is 'valid' or 'same'; got {padding!r}")
    rank = len(strides)
    extra = (
        [output_padding] * rank
        if output_padding is None or isinstance(output_padding, int)
        else output_padding
    )
    windows = [(size - 1) * rate + 1 for size, rate in zip(kernel.shape[:-2], dilation, strict=True)]
    padding = [
        _transposed_pads(window, stride, padding.lower(), more)
        for window, stride, more in zip(windows, strides, extra, strict=True)
    ]
    around = [
        (window - 1 - low, window - 1 - high) for window, (low, high) in zip(windows, padding, strict=True)
    ]
    compiled = kernel.size and onednn.used(inputs, [(low, max(high, 0)) for low, high in around])
    if compiled and all(-high < stride for (_, high), stride in zip(around, strides, strict=True)):
        # the convolution whose gradient this is: its padding, and the sizes of its inputs
        rows = zip(_space(inputs, data_format), strides, windows, around, strict=True)
        return onednn.conv_transpose(
            inputs,
            kernel,
            space=[(size - 1) * stride + window - sum(pair) for size, stride, window, pair in rows],
            strides=strides,
            padding=[(low, max(high, 0)) for low, high in around],
            dilation=dilation,
            channels_last=data_format == "channels_last",
        )
    kernel = jnp.flip(kernel, range(rank)).swapaxes(-1, -2)
    return _by_xla(inputs, kernel, (1,) * rank, padding, dilation, data_format, input_dilation=strides)


@op
def deconv(
    inputs,
    kernel,
    output_shape: Sequence[int],
    strides: Sizes = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
):
    """The gradient of `conv` by its inputs: what `conv` would have made `inputs` of, of a size that is said.

    Args:
        inputs: as in `conv`.
        kernel: `(*kernel_size, out, in)`.
        output_shape: of the outputs without the batch; `conv` has to lead from it to that of `inputs`.
        strides, padding, data_format: of `conv`.

    Raises ValueError where it does not.

    Example:
        >>> from cornu import ops
        >>> ops.deconv(ops.ones((1, 5, 5, 3)), ops.ones((3, 3, 8, 3)), (10, 10, 8), 2, "same").shape
        (1, 10, 10, 8)
    """
    inputs, kernel = as_array(inputs), as_array(kernel)
    shape = (inputs.shape[0], *output_shape)
    forward = lambda x: conv(x, kernel, strides, padding, data_format)  # noqa: E731
    expected = jax.eval_shape(forward, jax.ShapeDtypeStruct(shape, kernel.dtype)).shape
    if expected != inputs.shape:
        raise ValueError(
            f"deconv: to output_shape {tuple(output_shape)} belong inputs of shape {expected[1:]} (strides {strides}, "
            f"padding {padding!r}); these have {inputs.shape[1:]}"
        )
    _, back = jax.vjp(forward, jnp.zeros(shape, kernel.dtype))
    return back(inputs.astype(kernel.dtype))[0]
