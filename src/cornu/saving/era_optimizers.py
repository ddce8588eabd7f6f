"""The state of an optimizer as Keras 1 and 2 kept it: slot by slot over all weights, and in what order.

Keras 1.2.0 to 2.0.5 ordered the weights by name, others by layer. Sources: `optimizers.py` and `engine/training.py`
of Keras 1.2.2, 2.0.5 and 2.3.1.
"""

import re
from collections.abc import Sequence

import numpy as np

from . import era_weights

COUNTED = (
    "SGD",
    "Adam",
    "Adamax",
    "Nadam",
)  # began with the number of updates before 2.3, which all do since
BY_NAME = ((1, 2, 0), (2, 0, 5))  # versions, both included


def release(version: str) -> tuple[int, ...]:
    """A version as numbers; "2.2.4-tf", which TensorFlow 2.0 had, counts as the 2.3 that it was made from."""
    found = tuple(int(number[:9]) for number in re.findall(r"\d+", version)[:3])
    return max(found, (2, 3, 0)) if version.endswith("-tf") else found


def restore(model, names: Sequence[str], arrays: Sequence[np.ndarray], version: str, theano: bool) -> bool:
    """Put an old file's optimizer state into the model's optimizer; False where it does not fit.

    Args:
        names: the old names of all weights, in the order of the file's layers.
        arrays: what the file has for the optimizer.
        version: the Keras that wrote it.
    """
    number, optimizer, trained = release(version), model.optimizer, set(model.trainable_variables)
    flags = []
    for each, cells, layout in era_weights.holders(model):
        if layout and number < (2,):
            flags += [cells[0] in trained] * layout.count(each, len(cells))
        else:
            flags += [cell in trained for cell in cells]
    if len(flags) != len(names) or not any(flags):
        return False
    places = [place for place, flag in enumerate(flags) if flag]
    if BY_NAME[0] <= number <= BY_NAME[1]:
        places.sort(key=lambda place: names[place])
    arrays = list(arrays)
    if type(optimizer).__name__ in COUNTED or number >= (2, 3):
        optimizer.iterations.assign(np.reshape(arrays.pop(0), ()))
    if arrays and np.shape(arrays[0]) == () and "u_product" in optimizer._shared:
        optimizer._shared["u_product"].assign(arrays.pop(0))  # Keras 2 kept Nadam's schedule
    slots = [arrays[start : start + len(places)] for start in range(0, len(arrays), len(places))]
    if not slots or len(slots[-1]) != len(places):
        return False
    today = [_in_layers(model, places, len(names), slot, number, theano) for slot in slots]
    order = {cell: index for index, cell in enumerate(model.weights)}
    for cell in model.trainable_variables:
        kept = [slot for slot in optimizer.slots_of(cell) if slot is not None]
        for slot, values in zip(kept, today, strict=False):
            slot.assign(values[order[cell]])
    return True


def cells_for(model) -> list:
    """The optimizer's cells but those for weights of other models, where several are trained by one optimizer.

    They come in the order of one that never knew those: what is for all weights may stand before and after the slots.
    """
    optimizer, mine = model.optimizer, set(model.trainable_variables)
    known = {cell: optimizer.slots_of(cell) for cell in getattr(optimizer, "_trainable_variables", ())}
    if known.keys() <= mine:
        return list(optimizer.variables)
    cells, slots = list(optimizer.variables), {slot for each in known.values() for slot in each}
    start = next((index for index, cell in enumerate(cells) if cell in slots), len(cells))
    own = {slot for cell in known.keys() & mine for slot in known[cell]}
    after = cells[start:]
    return [*cells[:start], *(c for c in after if c in own), *(c for c in after if c not in slots)]


def _in_layers(model, places: Sequence[int], count: int, slot: Sequence, number: tuple, theano: bool) -> list:
    """One slot's arrays in the order and layout of today's weights; zeros where a weight is not trained."""
    if number >= (2,):
        made: list = [np.zeros(cell.shape, "float32") for cell in model.weights]
        for place, array in zip(places, slot, strict=True):
            made[place] = array
        return made
    blank = era_weights.to_old(model, [np.zeros(cell.shape, "float32") for cell in model.weights], theano)
    for place, array in zip(places, slot, strict=True):
        blank[place] = array
    return era_weights.to_new(model, blank, theano)
