"""Nested structures against `keras.tree` of Keras 3.15.1."""

import collections

import pytest

from cornu import tree

Point = collections.namedtuple("Point", ["x", "y"])
STRUCTURES = [
    5,
    None,
    [],
    [1, (2, 3), {"b": [4, None], "a": 5}],
    (1,),
    {"z": 1, "a": {"q": (2,)}},
    collections.OrderedDict([("z", 1), ("a", [2, 3])]),
    Point([1, 2], (3,)),
    collections.deque([1, [2, 3]]),
    [[[]], {}],
    (None, [None]),
]


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("keras").tree


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_leaves_and_places_are_those_of_keras(theirs, structure):
    assert tree.is_nested(structure) == theirs.is_nested(structure)
    assert tree.flatten(structure) == theirs.flatten(structure)
    assert tree.flatten_with_path(structure) == theirs.flatten_with_path(structure)


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_what_is_made_of_the_leaves_is_that_of_keras(theirs, structure):
    def both(name, *args, **kwargs):
        mine, other = getattr(tree, name)(*args, **kwargs), getattr(theirs, name)(*args, **kwargs)
        assert mine == other and type(mine) is type(other), name

    both("map_structure", str, structure)
    both("map_structure", str, structure, none_is_leaf=False)
    both("map_structure", lambda a, b: (a, b), structure, structure)
    both("lists_to_tuples", structure)
    both("pack_sequence_as", structure, list(range(100, 100 + len(tree.flatten(structure)))))
    for top_down in (True, False):
        both("traverse", lambda part: -part if isinstance(part, int) else None, structure, top_down)


def test_parents_come_before_or_after_their_parts():
    seen = []
    tree.traverse(seen.append, [(1,), {"a": 2}])
    assert seen == [[(1,), {"a": 2}], (1,), 1, {"a": 2}, 2]
    seen.clear()
    tree.traverse(seen.append, [(1,), {"a": 2}], top_down=False)
    assert seen == [1, (1,), 2, {"a": 2}, [(1,), {"a": 2}]]
    assert tree.traverse(lambda part: tree.MAP_TO_NONE if part == 1 else None, [1, 2]) == [None, 2]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
@pytest.mark.parametrize("other", STRUCTURES, ids=str)
def test_what_has_the_same_layout_is_what_keras_says(theirs, structure, other):
    for name in ("assert_same_structure", "assert_same_paths"):
        said = []
        for module in (tree, theirs):
            try:
                said.append(getattr(module, name)(structure, other))
            except ValueError:
                said.append("differ")
        assert said[0] == said[1], name


def test_shapes_are_leaves_where_they_are_meant(theirs):
    shapes = {"a": (None, 3), "b": [(1,), [2, 2]]}
    assert tree.map_shape_structure(tuple, shapes) == theirs.map_shape_structure(tuple, shapes)
    assert tree.map_structure_up_to([None, None], len, [[1, 2], [3]]) == [2, 1]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: tree.map_structure("no function", [1]), TypeError, "func must be a function"),
        (lambda: tree.map_structure(len), TypeError, "at least one structure"),
        (lambda: tree.map_structure(max, [1], (1,)), ValueError, "same structure"),
        (lambda: tree.map_structure_up_to([None, None], len, [[1]]), ValueError, "structures differ"),
        (lambda: tree.pack_sequence_as([1, 2], [1]), ValueError, "2 leaves, the sequence 1"),
        (lambda: tree.pack_sequence_as([1, 2], 5), TypeError, "must be a sequence"),
    ],
)
def test_errors_say_what_was_wrong(call, error, says):
    with pytest.raises(error, match=says):
        call()
