"""Models as pictures."""

import os
from typing import Any

import jax

from .. import config
from ..eras import border
from . import text_summary
from .drawing import Box, Drawing

__all__ = ["model_to_dot", "plot_model"]

COLORS = {  # by what a class's name says
    "Input": "#5b6b80",
    "Conv": "#2f6db3",
    "LocallyConnected": "#2f6db3",
    "Pool": "#2a8c7d",
    "Sampling": "#2a8c7d",
    "Padding": "#7a8899",
    "Cropping": "#7a8899",
    "Norm": "#b8862b",
    "Dropout": "#9a9a9a",
    "Noise": "#9a9a9a",
    "Dense": "#7b4fa3",
    "Embedding": "#7b4fa3",
    "LSTM": "#b3423a",
    "GRU": "#b3423a",
    "RNN": "#b3423a",
    "Bidirectional": "#b3423a",
    "Attention": "#c0508e",
    "Add": "#4b8b3b",
    "Multiply": "#4b8b3b",
    "Concat": "#4b8b3b",
    "Merge": "#4b8b3b",
    "Average": "#4b8b3b",
    "Activation": "#d2703a",
    "LU": "#d2703a",
    "Softmax": "#d2703a",
}
OTHER = "#44566c"


def _color(kind: str) -> str:
    return next((color for word, color in COLORS.items() if word in kind), OTHER)


def _shapes(tree) -> str:
    found = [str(tuple(leaf.shape)) for leaf in jax.tree.leaves(tree)]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def _box(row: text_summary.Row, shown: dict[str, bool], inner: Drawing | None) -> Box:
    name, operation, nodes = row
    kind = text_summary.kind_of(operation)
    wrapped = getattr(operation, "layer", None)
    if hasattr(wrapped, "count_params"):
        kind = f"{kind}({type(wrapped).__name__})"
    lines = [name] if shown["names"] else []
    if shown["shapes"]:
        known = {_shapes(node.inputs) for node in nodes if node.inputs}
        before = "several" if len(known) > 1 else next(iter(known), None)
        lines += [f"in: {before}"] if before else []
        lines += [f"out: {text_summary.shape_of(operation, nodes, config.era())}"]
    if shown["dtype"]:
        lines.append(str(getattr(operation, "compute_dtype", None) or nodes[0].outputs.dtype))
    activation = getattr(operation, "activation", None)
    if shown["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', type(activation).__name__)}")
    if shown["trainable"] and getattr(operation, "weights", None):
        lines.append("trained" if operation.trainable else "not trained")
    return Box(name, kind, tuple(lines), _color(kind), inner)


def _drawing(model, shown: dict[str, bool], rankdir: str, expand_nested: bool, dpi: int) -> Drawing:
    rows = text_summary.rows_of(model)
    boxes = []
    for row in rows:
        nested = expand_nested and getattr(row.operation, "layers", None)
        inner = _drawing(row.operation, shown, rankdir, expand_nested, dpi) if nested else None
        boxes.append(_box(row, shown, inner))
    if getattr(model, "nodes", None) is None:
        arrows = [(a.key, b.key) for a, b in zip(boxes, boxes[1:], strict=False)]
    else:
        makers = {
            id(leaf): row.name for row in rows for node in row.nodes for leaf in jax.tree.leaves(node.outputs)
        }
        arrows = [
            (makers[id(symbol)], row.name)
            for row in rows
            for node in row.nodes
            for symbol in node.inputs
            if id(symbol) in makers
        ]
    return Drawing(boxes, arrows, rankdir, dpi)


@border.method("model_to_dot")
def model_to_dot(
    model, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True, rankdir: str = "TB",
    expand_nested: bool = False, dpi: int = 200, subgraph: bool = False, show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Drawing:  # fmt: skip
    """The graph of a model, laid out; needs neither Graphviz nor pydot.

    Args:
        model: a model that is built.
        show_shapes: whether to show what goes in and comes out.
        show_dtype: whether to show the type of numbers.
        show_layer_names: whether to show names beside classes.
        rankdir: where arrows point to: 'TB' (down), 'BT', 'LR' or 'RL'.
        expand_nested: whether to draw the layers of models within it.
        dpi: of images; 96 shows them in the size of the SVG.
        subgraph: accepted; a drawing within a drawing is drawn in any case.
        show_layer_activations: whether to show activation functions.
        show_trainable: whether to show which weights are trained.

    Returns an object with `create(format=)`, `write(path, format=)` and `to_string()`, as pydot's; notebooks show it.
    Raises ValueError for a model that is not built.
    """
    if not model.built:
        raise ValueError(f"{model.name} has no layers to draw yet: call it, fit it or `build` it first")
    shown = {
        "names": show_layer_names,
        "shapes": show_shapes,
        "dtype": show_dtype,
        "activations": show_layer_activations,
        "trainable": show_trainable,
    }
    return _drawing(model, shown, rankdir, expand_nested, dpi)


@border.method("plot_model")
def plot_model(
    model, to_file: str | os.PathLike = "model.png", show_shapes: bool = False, show_dtype: bool = False,
    show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200,
    show_layer_activations: bool = False, show_trainable: bool = False,
) -> Any:  # fmt: skip
    """Draw a model into a file: .png, .svg, .jpg, .pdf or .dot.

    Args:
        to_file: path; without an ending, a PNG.
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations,
            show_trainable: as in `model_to_dot`.

    Returns an image for notebooks where IPython runs, else None.
    Raises ValueError for a model that is not built and for another ending.
    """
    drawing = model_to_dot(
        model, show_shapes=show_shapes, show_dtype=show_dtype, show_layer_names=show_layer_names, rankdir=rankdir,
        expand_nested=expand_nested, dpi=dpi, show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )  # fmt: skip
    ending = os.path.splitext(os.fspath(to_file))[1][1:].lower() or "png"
    if ending not in ("png", "svg", "jpg", "jpeg", "pdf", "dot"):
        raise ValueError(f"plot_model writes .png, .svg, .jpg, .pdf and .dot; got {to_file!r}")
    drawing.write(to_file, format=ending)
    return _for_notebooks(os.fspath(to_file), ending)


def _for_notebooks(path: str, ending: str) -> Any:
    try:
        from IPython import display, get_ipython  # optional: there in notebooks
    except ImportError:
        return None
    if get_ipython() is None or ending not in ("png", "svg", "jpg", "jpeg"):
        return None
    return display.SVG(path) if ending == "svg" else display.Image(path)
