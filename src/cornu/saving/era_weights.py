"""Weights as Keras 1 laid them out, and the way to and from today's layout.

Keras 1 kept an array a gate, put the channels of 'th' kernels first, gave one-dimensional kernels a second axis, and
on Theano convolved with flipped kernels. Sources: Keras 1.2.2 `layers/*.py`, `np_utils.convert_kernel`; Keras 2.3.1
`engine/saving.py`.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import config

Arrays = list[np.ndarray]

# Layers with weights of a file of Keras 1 whose kernels were turned about, where need was, as they were read.
settled: weakref.WeakSet = weakref.WeakSet()


class Layout(NamedTuple):
    """How one class kept its own arrays: how many, and the functions `(holder, arrays, theano) -> arrays`."""

    count: Callable[[Any, int], int]  # from how many there are today
    new: Callable[[Any, Arrays, bool], Arrays]
    old: Callable[[Any, Arrays, bool], Arrays]


def _flip(kernel: np.ndarray, theano: bool) -> np.ndarray:
    """The kernel turned round in space, as Theano convolves and others correlate."""
    return np.ascontiguousarray(kernel[(slice(None, None, -1),) * (kernel.ndim - 2)]) if theano else kernel


def _channels_first(holder) -> bool:
    return getattr(holder, "data_format", None) == "channels_first"


def _kernel_new(holder, kernel: np.ndarray, theano: bool) -> np.ndarray:
    if _channels_first(holder):  # (out, in, *space)
        kernel = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    return _flip(kernel, theano)


def _kernel_old(holder, kernel: np.ndarray, theano: bool) -> np.ndarray:
    kernel = _flip(kernel, theano)
    return kernel.transpose(-1, -2, *range(kernel.ndim - 2)) if _channels_first(holder) else kernel


def _first(change: Callable) -> Callable:
    """Change the first array, a kernel, and leave the bias."""
    return lambda holder, arrays, theano: [change(holder, arrays[0], theano), *arrays[1:]]


SAME_NUMBER = lambda holder, today: today  # noqa: E731 - a row of the table below

CONVOLUTION = Layout(SAME_NUMBER, _first(_kernel_new), _first(_kernel_old))


def _line_new(holder, kernel: np.ndarray, theano: bool) -> np.ndarray:
    if kernel.shape[:2] != (*holder.kernel_size, 1) or kernel.shape[3] != holder.filters:
        kernel = kernel.transpose(2, 3, 1, 0)  # (out, in, length, 1) up to 1.1
    return _flip(kernel[:, 0], theano)


LINE = Layout(  # (length, 1, in, out)
    SAME_NUMBER,
    _first(_line_new),
    _first(lambda holder, kernel, theano: _flip(kernel, theano)[:, None]),
)


def _transposed_new(holder, kernel: np.ndarray, theano: bool) -> np.ndarray:
    kernel = kernel.transpose(2, 3, 0, 1) if _channels_first(holder) else kernel.transpose(0, 1, 3, 2)
    return _flip(kernel, theano)


def _transposed_old(holder, kernel: np.ndarray, theano: bool) -> np.ndarray:
    kernel = _flip(kernel, theano)
    return kernel.transpose(2, 3, 0, 1) if _channels_first(holder) else kernel.transpose(0, 1, 3, 2)


TRANSPOSED = Layout(SAME_NUMBER, _first(_transposed_new), _first(_transposed_old))


def gated(old: str, new: str, change: tuple[Callable, Callable] | None = None) -> Layout:
    """An array a gate, in the order `old`: W, U and b of each; today the gates lie side by side as in `new`."""
    to_new, to_old = change or (lambda holder, kernel, theano: kernel,) * 2

    def join(holder, arrays: Arrays, theano: bool) -> Arrays:
        made = []
        for part in range(3):
            each = [arrays[3 * old.index(gate) + part] for gate in new]
            if part < 2:
                each = [to_new(holder, kernel, theano) for kernel in each]
            made.append(np.concatenate(each, axis=-1))
        return made

    def split(holder, arrays: Arrays, theano: bool) -> Arrays:
        parts = [np.split(array, len(new), axis=-1) for array in arrays]
        made = []
        for gate in old:
            kernel, recurrent, bias = (part[new.index(gate)] for part in parts)
            made += [to_old(holder, kernel, theano), to_old(holder, recurrent, theano), bias]
        return made

    return Layout(lambda holder, today: len(old) * today, join, split)


LAYOUTS = {
    "Conv1D": LINE,
    "Conv2D": CONVOLUTION,
    "Conv3D": CONVOLUTION,
    "Conv2DTranspose": TRANSPOSED,
    "LSTMCell": gated("icfo", "ifco"),
    "GRUCell": gated("zrh", "zrh"),
    "ConvLSTMCell": gated("icfo", "ifco", (_kernel_new, _kernel_old)),
}


def layout_of(holder) -> Layout | None:
    """The layout of a class or of the one it comes from; None where nothing changed."""
    if getattr(holder, "whole", False):  # consume_less="gpu": the gates lay side by side then too
        return None
    return next((LAYOUTS[each.__name__] for each in type(holder).__mro__ if each.__name__ in LAYOUTS), None)


def holders(root) -> list[tuple[Any, list, Layout | None]]:
    """(holder, its own cells, its old layout) for everything below that has weights, in their order."""
    found = [(each, each.own_cells()) for each in root._flatten_layers()]
    return [(each, cells, layout_of(each)) for each, cells in found if cells]


def old_count(root) -> int:
    """How many arrays Keras 1 had for the weights of a layer or model."""
    return sum(
        layout.count(each, len(cells)) if layout else len(cells) for each, cells, layout in holders(root)
    )


def to_old(root, arrays: Sequence[np.ndarray], theano: bool) -> Arrays:
    """Today's arrays of a layer or model as Keras 1 had them."""
    made, rest = [], list(arrays)
    for each, cells, layout in holders(root):
        own, rest = rest[: len(cells)], rest[len(cells) :]
        made += layout.old(each, own, theano) if layout else own
    return made


def to_new(root, arrays: Sequence[np.ndarray], theano: bool) -> Arrays:
    """Keras 1's arrays of a layer or model as they are today."""
    made, rest = [], [np.asarray(array) for array in arrays]
    for each, cells, layout in holders(root):
        count = layout.count(each, len(cells)) if layout else len(cells)
        own, rest = rest[:count], rest[count:]
        made += layout.new(each, own, theano) if layout else own
    return made


def understood(root, arrays: Sequence, era: int, theano: bool) -> Sequence:
    """Arrays of either layout in today's: in era 1 the old one is meant where both are possible."""
    shapes = [cell.shape for cell in root.weights]
    fits_today = [np.shape(array) for array in arrays] == shapes
    if (fits_today and era != 1) or len(arrays) != old_count(root):
        return arrays
    try:
        made = to_new(root, arrays, theano)
    except (ValueError, IndexError, np.exceptions.AxisError):
        return arrays
    return made if [array.shape for array in made] == shapes else arrays


# ---- weights in files --------------------------------------------------------------------------


def _flipped(count: int) -> Callable:
    return lambda holder, arrays, theano: [
        *(_flip(kernel, theano) for kernel in arrays[:count]),
        *arrays[count:],
    ]


def from_cudnn(holder, arrays: Arrays, theano: bool) -> Arrays:
    """The weights of CuDNNLSTM and CuDNNGRU as their plain layers have them: told by their two rows of biases.

    Each gate's kernel lies in Fortran's order, its recurrent kernel is transposed, and the biases lie one after
    the other: LSTM adds them, GRU keeps both. Source: Keras 2.3.1 `engine/saving.py`.
    """
    units, last = arrays[1].shape[0], arrays[-1]
    if len(arrays) != 3 or last.ndim != 1 or last.size != 2 * arrays[1].shape[1]:
        return arrays
    gates = arrays[1].shape[1] // units
    kernel = [part.T.reshape(part.shape, order="F") for part in np.split(arrays[0], gates, 1)]
    recurrent = [part.T for part in np.split(arrays[1], gates, 1)]
    both = last.reshape(2, -1)
    return [np.hstack(kernel), np.hstack(recurrent), both if gates == 3 else both.sum(0)]


# what Keras 2 kept otherwise: class -> (holder, arrays, theano) -> arrays
SECOND = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"), _flipped(1)),
    "ConvLSTMCell": _flipped(2),
    **dict.fromkeys(("LSTMCell", "GRUCell"), from_cudnn),
}


def matched(root, cells: Sequence, arrays: Sequence, era: int, theano: bool) -> tuple[list, Sequence]:
    """(cells, their arrays) for what a file has of a layer or model.

    Args:
        cells: the cells in the order of files: the trained ones first, in nested models too.
        era: of the file; files of era 1 have the layout of Keras 1.
        theano: whether Theano computed with these weights.
    """
    arrays = [np.asarray(array) for array in arrays]
    if era == 1:
        return root.weights, understood(root, _by_holder(root, arrays), era, theano)
    if len(arrays) == len(cells):
        places = {cell: index for index, cell in enumerate(cells)}
        for each, own, _ in holders(root):
            change = next(
                (SECOND[kind.__name__] for kind in type(each).__mro__ if kind.__name__ in SECOND), None
            )
            own = [places[cell] for cell in own]
            for place, array in (
                zip(own, change(each, [arrays[i] for i in own], theano), strict=True) if change else ()
            ):
                arrays[place] = array
    if [array.shape for array in arrays] == [cell.shape for cell in cells]:
        return list(cells), arrays
    return root.weights, understood(root, arrays, era, theano)


def variances(root, cells: Sequence, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays with variances where BatchNormalization kept deviations, up to 1.0.5, on Theano up to 1.0.6.

    It divided by the deviation plus epsilon, and divides by the root of the variance plus epsilon today.
    """
    made, places = list(arrays), {cell: index for index, cell in enumerate(cells)}
    for each, _, _ in holders(root):
        if any(kind.__name__ == "BatchNormalization" for kind in type(each).__mro__):
            place = places[each.moving_variance]
            made[place] = (made[place] + each.epsilon) ** 2 - each.epsilon
    return made


def _by_holder(root, arrays: Arrays) -> Arrays:
    """Keras 1's arrays in the order of what holds them; in a file the trained ones of a nested model come first."""
    trained, places = set(root.trainable_weights), []
    for each, cells, layout in holders(root):
        flags = [cell in trained for cell in cells]
        places += [flags[0]] * layout.count(each, len(cells)) if layout else flags
    if len(places) != len(arrays):
        return arrays
    order = sorted(range(len(places)), key=lambda place: not places[place])
    return [arrays[order.index(place)] for place in range(len(places))]


def theano() -> bool:
    """Whether weights handed over now are Theano's."""
    return config.backend() == "theano"
