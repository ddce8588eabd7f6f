"""Nested structures: lists, tuples, named tuples, deques and dictionaries, with anything else as their leaves.

None is a leaf. Dictionaries are gone through in the order of their sorted keys, an OrderedDict in its own.
Source: `keras.tree` of Keras 3.
"""

import collections
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What the function of `traverse` returns to put None in place of a part."""


class _Branch(NamedTuple):
    """One level of a structure: where each part lies, the parts, and what makes the level again of other parts."""

    kind: Any
    keys: list
    parts: list
    rebuild: Callable[[list], Any]


def _branch(structure) -> _Branch | None:
    """The uppermost level of a structure; None for a leaf."""
    kind = type(structure)
    if isinstance(structure, dict):
        keys = list(structure) if kind is collections.OrderedDict else sorted(structure)

        def rebuild(parts):
            made = structure.copy()
            made.update(zip(keys, parts, strict=True))
            return made

        return _Branch(dict, keys, [structure[key] for key in keys], rebuild)
    if isinstance(structure, tuple) and hasattr(kind, "_fields"):
        return _Branch(kind, list(range(len(structure))), list(structure), lambda parts: kind(*parts))
    if kind in (list, tuple):
        return _Branch(kind, list(range(len(structure))), list(structure), kind)
    if kind is collections.deque:
        make = lambda parts: collections.deque(parts, maxlen=structure.maxlen)  # noqa: E731
        return _Branch(kind, list(range(len(structure))), list(structure), make)
    return None


def is_nested(structure) -> bool:
    """Whether this is a structure, and not a leaf.

    Example:
        >>> is_nested({"a": 1}), is_nested(1)
        (True, False)
    """
    return _branch(structure) is not None


def _leaves(structure, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    branch = _branch(structure)
    if branch is None:
        yield path, structure
        return
    for key, part in zip(branch.keys, branch.parts, strict=True):
        yield from _leaves(part, (*path, key))


def flatten(structure) -> list:
    """The leaves of a structure.

    Example:
        >>> flatten({"b": [2, 3], "a": 1})
        [1, 2, 3]
    """
    return [leaf for _, leaf in _leaves(structure)]


def flatten_with_path(structure) -> list[tuple[tuple, Any]]:
    """The leaves of a structure, each with the indices and keys that lead to it.

    Example:
        >>> flatten_with_path([{"a": 1}])
        [((0, 'a'), 1)]
    """
    return list(_leaves(structure))


def traverse(func: Callable, structure, top_down: bool = True):
    """The structure with `func(part)` in place of each part for which it is not None.

    Args:
        func: called with each part and leaf. MAP_TO_NONE as its result puts None there.
        structure: what is gone through.
        top_down: a part comes before the parts in it, which are left out where it is replaced; else after them.

    Raises TypeError where `func` is no function.

    Example:
        >>> traverse(lambda x: x + 1 if isinstance(x, int) else None, [1, (2,)])
        [2, (3,)]
    """
    _check_callable(func)

    def replaced(part):
        found = func(part)
        return part if found is None else None if found is MAP_TO_NONE else found

    def down(part):
        found, branch = func(part), _branch(part)
        if found is not None:
            return None if found is MAP_TO_NONE else found
        return part if branch is None else branch.rebuild([down(each) for each in branch.parts])

    def up(part):
        branch = _branch(part)
        return replaced(part if branch is None else branch.rebuild([up(each) for each in branch.parts]))

    return (down if top_down else up)(structure)


def map_structure(func: Callable, *structures, none_is_leaf: bool = True):
    """The structure that `func` makes of the leaves at each place of structures of one layout.

    Args:
        func: takes as many leaves as there are structures.
        structures: of the same layout.
        none_is_leaf: whether `func` is called with None where that stands, or None is kept.

    Raises TypeError without a structure, ValueError where their layouts differ.

    Example:
        >>> map_structure(lambda x, y: x + y, [1, (2,)], [10, (20,)])
        [11, (22,)]
    """
    _check_callable(func)
    if not structures:
        raise TypeError("map_structure needs at least one structure")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)

    def mapped(*parts):
        branch = _branch(parts[0])
        if branch is None:
            return None if parts[0] is None and not none_is_leaf else func(*parts)
        return branch.rebuild([mapped(*each) for each in zip(*map(_parts, parts), strict=True)])

    return mapped(*structures)


def map_structure_up_to(shallow_structure, func: Callable, *structures):
    """Like `map_structure`, down to the leaves of `shallow_structure`: what lies deeper goes to `func` whole.

    Raises ValueError where a structure is shallower, or has another layout.

    Example:
        >>> map_structure_up_to([None, None], len, [[1, 2], [3]])
        [2, 1]
    """
    _check_callable(func)
    if not structures:
        raise TypeError("map_structure_up_to needs at least one structure")

    def mapped(shallow, *parts):
        branch = _branch(shallow)
        if branch is None:
            return func(*parts)
        branches = [_branch(part) for part in parts]
        for part, other in zip(parts, branches, strict=True):
            if other is None or not _alike(branch, other):
                raise ValueError(f"structures differ: {shallow!r} asks for one of its layout, got {part!r}")
        inner = zip(branch.parts, *(each.parts for each in branches), strict=True)
        return branch.rebuild([mapped(*each) for each in inner])

    return mapped(shallow_structure, *structures)


def assert_same_structure(a, b, check_types: bool | None = None) -> None:
    """Raise ValueError unless two structures are nested in the same way: kinds, lengths, keys.

    Dictionaries of all kinds are alike. `check_types` does nothing any more, as in Keras 3.
    """
    if check_types is not None:
        warnings.warn("assert_same_structure: `check_types` has no effect", DeprecationWarning, stacklevel=2)

    def compare(x, y):
        one, other = _branch(x), _branch(y)
        if one is None and other is None:
            return
        if one is None or other is None or not _alike(one, other):
            raise ValueError(
                f"`a` and `b` don't have the same structure: {x!r} against {y!r} in {a!r} and {b!r}"
            )
        parts_of_other = dict(zip(other.keys, other.parts, strict=True))
        for key, part in zip(one.keys, one.parts, strict=True):
            compare(part, parts_of_other[key])

    compare(a, b)


def assert_same_paths(a, b) -> None:
    """Raise ValueError unless the same indices and keys lead to the leaves of two structures, of whatever kinds."""
    ours, theirs = ({path for path, _ in _leaves(each)} for each in (a, b))
    if ours != theirs:
        raise ValueError(
            f"`a` and `b` don't have the same paths: only in `a` {sorted(ours - theirs, key=repr)}, "
            f"only in `b` {sorted(theirs - ours, key=repr)}"
        )


def pack_sequence_as(structure, flat_sequence):
    """The structure with the elements of a sequence as its leaves.

    Raises TypeError where the sequence is none, ValueError where it has another number of elements.

    Example:
        >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
        {'b': 3, 'a': (1, 2)}
    """
    if not hasattr(flat_sequence, "__iter__"):
        raise TypeError(f"flat_sequence must be a sequence of leaves; got {flat_sequence!r}")
    leaves = list(flat_sequence)
    if len(leaves) != (wanted := len(flatten(structure))):
        raise ValueError(f"the structure has {wanted} leaves, the sequence {len(leaves)}: {structure!r}")
    found = iter(leaves)

    def packed(part):
        branch = _branch(part)
        return next(found) if branch is None else branch.rebuild([packed(each) for each in branch.parts])

    return packed(structure)


def lists_to_tuples(structure):
    """The structure with tuples where it has lists.

    Example:
        >>> lists_to_tuples([1, [2, {"a": [3]}]])
        (1, (2, {'a': (3,)}))
    """
    return traverse(lambda part: tuple(part) if type(part) is list else None, structure, top_down=False)


def map_shape_structure(func: Callable, structure):
    """Like `map_structure`, with shapes as the leaves: tuples and lists that hold only ints and None.

    Example:
        >>> map_shape_structure(len, {"a": (None, 3), "b": [(1,), (2, 2)]})
        {'a': 2, 'b': [1, 2]}
    """
    _check_callable(func)

    def mapped(part):
        branch = _branch(part)
        is_shape = isinstance(part, list | tuple) and all(
            each is None or isinstance(each, int) for each in part
        )
        if branch is None or is_shape:
            return func(part)
        return branch.rebuild([mapped(each) for each in branch.parts])

    return mapped(structure)


def _parts(structure) -> list:
    return _branch(structure).parts


def _alike(one: _Branch, other: _Branch) -> bool:
    keys = (sorted(one.keys), sorted(other.keys)) if one.kind is dict else (one.keys, other.keys)
    return one.kind is other.kind and keys[0] == keys[1]


def _check_callable(func) -> None:
    if not callable(func):
        raise TypeError(f"func must be a function; got {func!r}")
