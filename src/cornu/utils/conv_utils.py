"""Lengths before and behind a convolution, and its arguments in their usual form."""

from collections.abc import Iterable

from ..eras import border

__all__ = ["conv_input_length", "conv_output_length", "deconv_length", "normalize_padding", "normalize_tuple"]

PADDINGS = ("causal", "full", "same", "valid")
MARGINS = {"full": lambda size: size - 1, "same": lambda size: size // 2, "valid": lambda size: 0}


class UnknownPadding(ValueError, AssertionError):
    """A word that means no padding; Keras asserted that."""


def _checked(padding: str, known: Iterable[str]) -> str:
    if padding not in known:
        raise UnknownPadding(f"padding is one of {', '.join(sorted(known))}; got {padding!r}")
    return padding


@border.method("conv_output_length")
def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How long what comes out of a convolution is; None for what is not known.

    Args:
        input_length: of what goes in.
        filter_size: of the kernel.
        padding: 'same', 'valid', 'causal' or 'full'.
        stride: steps of the kernel.
        dilation: between its elements.

    Example:
        >>> conv_output_length(10, 3, "valid", 2)
        4
    """
    _checked(padding, PADDINGS)
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    length = input_length + {"full": reach, "valid": -reach}.get(padding, 0)
    return (length + stride - 1) // stride


@border.method("conv_input_length")
def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """How long what goes into a convolution is, for what comes out; arguments as in `conv_output_length`.

    Example:
        >>> conv_input_length(4, 3, "valid", 2)
        9
    """
    margin = MARGINS[_checked(padding, MARGINS)](filter_size)
    return None if output_length is None else (output_length - 1) * stride - 2 * margin + filter_size


def deconv_length(
    dim_size: int | None, stride_size: int, kernel_size: int, padding: str, output_padding: int | None = None,
    dilation: int = 1,
) -> int | None:  # fmt: skip
    """How long what comes out of a transposed convolution is; None for what is not known.

    Args:
        dim_size: length of what goes in.
        stride_size, kernel_size, dilation: of the convolution.
        padding: 'same', 'valid' or 'full'.
        output_padding: added to the end; None for as much as is usual.
    """
    _checked(padding, MARGINS)
    if dim_size is None:
        return None
    size = (kernel_size - 1) * dilation + 1
    if output_padding is not None:
        return (dim_size - 1) * stride_size + size - 2 * MARGINS[padding](size) + output_padding
    more = {"full": 2 - stride_size - size, "same": 0, "valid": max(size - stride_size, 0)}[padding]
    return dim_size * stride_size + more


def normalize_tuple(value: int | Iterable[int], n: int, name: str) -> tuple[int, ...]:
    """n ints, from one or from as many; ValueError, with the argument's name, for anything else.

    Example:
        >>> normalize_tuple(2, 3, "strides")
        (2, 2, 2)
    """
    if isinstance(value, int):
        return (value,) * n
    try:
        made = tuple(map(int, value))
    except (TypeError, ValueError):
        made = ()
    if len(made) != n:
        raise ValueError(f"`{name}` is an int or a tuple of {n} ints; got {value!r}")
    return made


def normalize_padding(value: str) -> str:
    """A word for padding, in small letters; ValueError for an unknown one."""
    return _checked(value.lower(), PADDINGS)
