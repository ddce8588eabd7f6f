"""Shapes where the sizes of symbols are free, and those of what they are put together with are not."""

import itertools
from collections.abc import Callable, Iterator

import jax

from .. import symbol
from ..symbol import Symbol, is_symbol

MOST = 3  # free sizes of which each is tried; with more of them the mistake is told as it is


def infer(fn: Callable, *args, **kwargs):
    """`symbol.infer`, and where free sizes do not fit, with as few of them as possible bound to those around them.

    So `(None, None)` times a matrix `(4, 2)` is `(None, 2)`, and added to it `(4, 2)`. What is fed decides in the end.

    Raises the error of `symbol.infer` where nothing fits.
    """
    try:
        return symbol.infer(fn, *args, **kwargs)
    except (TypeError, ValueError):
        for bound in _bound((args, kwargs)):
            try:
                return symbol.infer(fn, *bound[0], **bound[1])
            except (TypeError, ValueError):
                continue
        raise


def _bound(tree) -> Iterator:
    """The tree with symbols in which one free size has the size of another axis; then two, then three."""
    leaves, structure = jax.tree.flatten(tree)
    free = [
        (i, axis) for i, x in enumerate(leaves) if is_symbol(x) for axis, n in enumerate(x.shape) if n is None
    ]
    known = {n for leaf in leaves for n in getattr(leaf, "shape", ()) if n is not None}
    if len(free) > MOST:
        return
    for count in range(1, len(free) + 1):
        for places in itertools.combinations(free, count):
            for sizes in itertools.product(sorted(known, reverse=True), repeat=count):
                chosen = dict(zip(places, sizes, strict=True))
                yield jax.tree.unflatten(structure, [_with(x, i, chosen) for i, x in enumerate(leaves)])


def _with(x, i: int, chosen: dict):
    if not is_symbol(x):
        return x
    return Symbol([chosen.get((i, axis), n) for axis, n in enumerate(x.shape)], x.dtype)
