"""What `model.summary()` prints: a table of layers, in the form of Keras 1, 2 and 3."""

import itertools
import math
import re
import shutil
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from .. import config, functional, graph

HEADER = ("Layer (type)", "Output Shape", "Param #", "Connected to", "Trainable")
ALIGNED = {"Param #": str.rjust, "Trainable": str.center}
NESTED = "   "


class Form(NamedTuple):
    """How wide an era's table is and where its columns end, for a stack of layers and for any other graph."""

    stack: tuple[int, tuple[float, ...]]
    graph: tuple[int, tuple[float, ...]]
    several: str  # the shape of a layer that was called on different ones
    unknown: str  # the shape where nothing is known


FORMS = {
    1: Form((100, (0.33, 0.55, 0.67, 1.0)), (100, (0.33, 0.55, 0.67, 1.0)), "multiple", "multiple"),
    2: Form((65, (0.45, 0.85, 1.0)), (98, (0.33, 0.55, 0.67, 1.0)), "multiple", "multiple"),
    3: Form((88, (0.45, 0.8, 1.0)), (108, (0.3, 0.56, 0.74, 1.0)), "", "?"),
}


class Row(NamedTuple):
    """A layer, or a function of `ops`, with its calls in the model."""

    name: str
    operation: Any
    nodes: list[graph.Node]


# ---- what is in a model ----------------------------------------------------------------------------


def rows_of(model) -> list[Row]:
    """The layers of a model and the functions between them, in order."""
    layers, nodes = model.layers, getattr(model, "nodes", None)
    if nodes is None:
        return [Row(layer.name, layer, []) for layer in layers]
    names, rows = functional.names_of(nodes), {}
    for node in nodes:
        if node.operation in layers or not hasattr(node.operation, "count_params"):
            name = names[id(node)]
            rows.setdefault(name, Row(name, node.operation, [])).nodes.append(node)
    return list(rows.values())


def is_stack(model) -> bool:
    """Whether each layer is called once, on what the one before it returned."""
    nodes = getattr(model, "nodes", None) or []
    made: set[int] = set()
    for node in nodes:
        if len(node.inputs) > 1 or {id(each) for each in node.inputs} - made:
            return False
        made = {id(each) for each in jax.tree.leaves(node.outputs)}
    called = [id(node.operation) for node in nodes if hasattr(node.operation, "count_params")]
    return len(set(called)) == len(called)


def _shape(shape, era: int) -> str:
    if era < 3:
        return str(tuple(shape))
    return f"({', '.join(map(str, shape))})"


def shape_of(layer, nodes: list[graph.Node], era: int) -> str:
    """The shapes of a layer's outputs: of its calls, or of the shapes it was built with."""
    form = FORMS[era]
    if nodes:
        trees = [jax.tree.map(lambda leaf: leaf.shape, node.outputs) for node in nodes]
        if form.several and any(tree != trees[0] for tree in trees):
            return form.several
        return _shapes(trees[-1], era)
    built = getattr(getattr(layer, "_book", None), "build_shapes", None)
    if not built or not layer.built:
        return form.unknown
    try:
        return _shapes(layer.compute_output_shape(*built.values()), era)
    except Exception:  # a user's `call` may need more than shapes say; a summary is no place to fail for that
        return form.unknown


def _shapes(tree, era: int) -> str:
    is_shape = lambda each: isinstance(each, tuple) and all(n is None or isinstance(n, int) for n in each)  # noqa: E731
    flat = jax.tree.leaves(tree, is_leaf=is_shape)
    if len(flat) == 1:
        return _shape(flat[0], era)
    tree = list(tree) if isinstance(tree, tuple) else tree
    return str(jax.tree.map(lambda each: _shape(each, era), tree, is_leaf=is_shape)).replace("'", "")


def params_of(layer, era: int) -> str:
    """How many numbers its weights hold."""
    if not hasattr(layer, "count_params"):
        return "0"
    if not layer.built:
        return "0 (unbuilt)" if era == 3 else "unbuilt"
    return f"{layer.count_params():,}" if era == 3 else str(layer.count_params())


def sources_of(model) -> dict[int, str]:
    """Where each symbol of a graph is made: `name[call][output]`."""
    nodes = getattr(model, "nodes", None) or []
    names = functional.names_of(nodes)
    return {
        id(leaf): f"{names[id(node)]}[{node.index}][{place}]"
        for node in nodes
        for place, leaf in enumerate(jax.tree.leaves(node.outputs))
    }


def kind_of(operation) -> str:
    """The class of a layer; functions are named as Keras names their classes: `expand_dims` is ExpandDims."""
    if hasattr(operation, "count_params"):
        return type(operation).__name__
    return "".join(part.capitalize() for part in operation.__name__.split("_"))


def trained(layer) -> str:
    """Y or N, whether the weights of a layer are trained; - where it has none."""
    return "-" if not getattr(layer, "weights", None) else "Y" if layer.trainable else "N"


def in_range(rows: list[Row], layer_range: Sequence[str] | None) -> list[Row]:
    """The rows from the first name of a pair to the second; both may be regular expressions.

    Raises ValueError for no pair of strings and for names that no layer has.
    """
    if layer_range is None:
        return rows
    if len(layer_range) != 2 or not all(isinstance(each, str) for each in layer_range):
        raise ValueError(f"summary: layer_range is a pair of names of layers; got {layer_range!r}")
    found = [[i for i, row in enumerate(rows) if re.match(each, row.name)] for each in layer_range]
    for each, places in zip(layer_range, found, strict=True):
        if not places:
            raise ValueError(
                f"summary: no layer is called {each!r}. There are {', '.join(row.name for row in rows)}"
            )
    first, last = found
    if min(first) > max(last):
        return rows[min(last) : max(first) + 1]
    return rows[min(first) : max(last) + 1]


class Table(NamedTuple):
    """What the table shows, beside names, shapes and numbers of weights."""

    era: int
    connected: bool
    expand_nested: bool
    show_trainable: bool

    def head(self) -> list[str]:
        return [*HEADER[: 4 if self.connected else 3], *HEADER[4 : 4 + self.show_trainable]]

    def cells(self, model, rows: list[Row], level: int = 0) -> list[list[str]]:
        """The rows as text, with those of the models within where they are asked for."""
        table, sources = [], sources_of(model)
        prefix = f"{NESTED * level}└ " if level else ""
        for name, operation, nodes in rows:
            shape = shape_of(operation, nodes, self.era)
            cells = [f"{prefix}{name} ({kind_of(operation)})", shape, params_of(operation, self.era)]
            if self.connected:
                found = [sources[id(each)] for node in nodes for each in node.inputs if id(each) in sources]
                cells.append(", ".join(found) or ("-" if self.era == 3 else ""))
            table.append([*cells, *([trained(operation)] if self.show_trainable else [])])
            if self.expand_nested and getattr(operation, "layers", None):
                table += self.cells(operation, rows_of(operation), level + 1)
        return table


# ---- totals ----------------------------------------------------------------------------------------


def total(cells) -> tuple[int, float]:
    """How many numbers some cells hold, and how many bytes these take."""
    unique = {id(cell): cell for cell in cells}.values()
    counts = [math.prod(cell.shape) for cell in unique]
    return sum(counts), sum(n * _bytes(cell.dtype) for n, cell in zip(counts, unique, strict=True))


def _bytes(dtype: str) -> float:
    return 1 if dtype == "bool" else jax.numpy.dtype(dtype).itemsize


def readable(size: float) -> str:
    """Bytes as '1.50 KB'."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def totals(model, era: int) -> list[str]:
    """The lines below the table."""
    optimizer = getattr(model, "optimizer", None)
    slots = optimizer.variables if optimizer is not None and getattr(optimizer, "built", False) else []
    groups = {
        "Trainable": total(model.trainable_weights),
        "Non-trainable": total(model.non_trainable_weights),
    }
    if era == 3 and slots:
        groups["Optimizer"] = total(slots)
    every = tuple(map(sum, zip(*groups.values(), strict=True)))
    lines = {"Total": every, **groups}
    if era < 3:
        return [f"{what} params: {count:,}" for what, (count, _) in lines.items()]
    return [f" {what} params: {count:,} ({readable(size)})" for what, (count, size) in lines.items()]


# ---- drawing ---------------------------------------------------------------------------------------


def widths_of(positions: Sequence[float], line_length: int) -> list[int]:
    """Widths of columns that end at these places: shares of the line, or characters."""
    ends = [int(line_length * each) if positions[-1] <= 1 else int(each) for each in positions]
    widths = list(np.diff([0, *ends]))
    if min(widths) < 4:
        raise ValueError(f"summary: {line_length} characters are too few for {len(widths)} columns")
    return widths


def boxed(table: list[list[str]], widths: list[int], line_length: int) -> list[str]:
    """A table in a box, the cells wrapped."""
    widths = [width + 2 for width in widths]
    excess = sum(widths) + len(widths) + 1 - line_length
    for i in range(len(widths)):  # borders and margins are taken from all columns alike
        cut = round(excess / (len(widths) - i))
        widths[i], excess = widths[i] - cut, excess - cut
    head, *body = table
    aligned = [ALIGNED.get(title, str.ljust) for title in head]

    def line(left: str, fill: str, cross: str, right: str) -> str:
        return left + cross.join(fill * width for width in widths) + right

    def row(parts: list[list[str]], edge: str) -> list[str]:
        return [
            edge
            + edge.join(
                f" {align(text, width - 2)} "
                for text, width, align in zip(texts, widths, aligned, strict=True)
            )
            + edge
            for texts in itertools.zip_longest(*parts, fillvalue="")
        ]

    titles = [titled(title, width - 2) for title, width in zip(head, widths, strict=True)]
    depth = max(map(len, titles))  # they stand at the bottom, cells at the top
    titles = [[""] * (depth - len(each)) + each for each in titles]
    lines = [line("┏", "━", "┳", "┓"), *row(titles, "┃"), line("┡", "━", "╇", "┩")]
    for i, cells in enumerate(body):
        lines += [line("├", "─", "┼", "┤")] if i else []
        lines += row([wrap(cell, width - 2) for cell, width in zip(cells, widths, strict=True)], "│")
    return [*lines, line("└", "─", "┴", "┘")]


def titled(title: str, width: int) -> list[str]:
    """Lines of a title; its words are cut."""
    words = [word if len(word) <= width else f"{word[: width - 1]}…" for word in title.split()]
    return wrap(" ".join(words), width)


def wrap(text: str, width: int) -> list[str]:
    """Lines of a cell; what stands before its first word stays."""
    indent = text[: len(text) - len(text.lstrip())]
    kept = {"break_on_hyphens": False, "drop_whitespace": True, "initial_indent": indent}
    return textwrap.wrap(text.lstrip(), max(width, 1), **kept) or [""]


def ruled(table: list[list[str]], widths: list[int], line_length: int) -> list[str]:
    """A table between rules, the cells cut; several connections stand below one another."""
    ends = np.cumsum(widths)

    def row(cells: list[str]) -> str:
        text = ""
        for cell, end in zip(cells, ends, strict=True):
            text = (f"{text[:-1]} " if text else "") + cell
            text = text[:end].ljust(end)
        return text

    head, *body = table
    lines = ["_" * line_length, row(head), "=" * line_length]
    for i, cells in enumerate(body):
        several = [cell.split(", ") if place == 3 else [cell] for place, cell in enumerate(cells)]
        lines += map(row, itertools.zip_longest(*several, fillvalue=""))
        lines.append(("=" if i == len(body) - 1 else "_") * line_length)
    return lines


def summary(
    model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the layers of a model, their output shapes, their numbers of weights and what they are called on.

    Args:
        model: a model, or anything with `layers`.
        line_length: characters of a line.
        positions: where the columns end, as shares of the line.
        print_fn: called instead of `print`, in era 3 once with the whole text, before that with each line.
        expand_nested: whether the layers of models within it are shown below these.
        show_trainable: whether to show which weights are trained.
        layer_range: names, or regular expressions, of the first and the last layer to show.

    Raises ValueError for lines that are too short and names that no layer has.
    """
    era = config.era()
    getattr(model, "_tell_stale", lambda: None)()
    rows, form = rows_of(model), FORMS[era]
    length, ends = form.stack if is_stack(model) else form.graph
    connected = len(ends) == 4
    if positions is None:
        positions = [each * 0.9 for each in ends] + [1.0] if show_trainable else ends
    length += 12 * show_trainable
    if era == 3:
        length = min(length, shutil.get_terminal_size().columns - 4)
    length = line_length or length
    table = Table(era, connected, expand_nested, show_trainable)
    cells = [table.head(), *table.cells(model, in_range(rows, layer_range))]
    draw = boxed if era == 3 else ruled
    lines = [f'Model: "{model.name}"'] if era > 1 else []
    lines += draw(cells, widths_of(positions, length), length) + totals(model, era)
    lines += [] if era == 3 else ["_" * length]
    for text in ["\n".join(lines)] if era == 3 else lines:
        (print_fn or print)(text)
