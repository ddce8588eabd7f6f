"""Pictures of models: every layer and every arrow, nothing on top of anything else, in every format."""

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

import cornu
from cornu.layers import (
    LSTM,
    Activation,
    Add,
    Bidirectional,
    Concatenate,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
)
from cornu.utils import model_to_dot, plot_model
from cornu.utils.drawing import Box, Drawing

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def model():
    image, words = cornu.Input((8, 8, 3), name="image"), cornu.Input((5, 2), name="words")
    x = Conv2D(4, 3, padding="same", name="conv")(image)
    x = Add(name="add")([x, Activation("relu", name="act")(Conv2D(4, 3, padding="same", name="inner")(x))])
    x = Concatenate(name="join")(
        [GlobalAveragePooling2D(name="pool")(x), Bidirectional(LSTM(2), name="rnn")(words)]
    )
    head = cornu.Sequential([cornu.Input((8,)), Dense(3, name="hidden"), Dense(2, name="out")], name="head")
    return cornu.Model([image, words], [head(x), Dense(1, name="score")(x * 2.0)])


ARROWS = {
    *[("image", "conv"), ("conv", "inner"), ("inner", "act"), ("act", "add"), ("conv", "add"), ("add", "pool")],
    *[("pool", "join"), ("words", "rnn"), ("rnn", "join"), ("join", "head"), ("join", "multiply")],
    ("multiply", "score"),
}  # fmt: skip


def texts(svg: str) -> list[str]:
    return [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_all_layers_and_arrows(model):
    drawing = model_to_dot(model)
    assert set(drawing.arrows) == ARROWS
    assert {box.key for box in drawing.boxes} == {name for arrow in ARROWS for name in arrow}
    found = texts(drawing.svg())
    assert {"conv", "Conv2D", "Bidirectional(LSTM)", "head", "Sequential"} <= {*found}
    assert "hidden" not in found


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_nothing_lies_on_anything_else(model, rankdir):
    drawing = model_to_dot(model, rankdir=rankdir, show_shapes=True, expand_nested=True)
    spots = drawing.spots
    for a, b in itertools.combinations(spots.values(), 2):
        assert abs(a.x - b.x) * 2 >= a.width + b.width or abs(a.y - b.y) * 2 >= a.height + b.height
    for spot in spots.values():
        assert 0 <= spot.x - spot.width / 2 and spot.x + spot.width / 2 <= drawing.width
        assert 0 <= spot.y - spot.height / 2 and spot.y + spot.height / 2 <= drawing.height
    axis, sign = {"TB": ("y", 1), "BT": ("y", -1), "LR": ("x", 1), "RL": ("x", -1)}[rankdir]
    for a, b in drawing.arrows:
        assert sign * getattr(spots[a], axis) < sign * getattr(spots[b], axis)
    for path, (a, b) in zip(drawing.paths, drawing.arrows, strict=True):
        for (x, y), spot in ((path[0], spots[a]), (path[-1], spots[b])):
            assert abs(x - spot.x) <= spot.width / 2 + 1e-6 and abs(y - spot.y) <= spot.height / 2 + 1e-6


def test_what_is_shown(model):
    shown = texts(model_to_dot(model, show_shapes=True, show_dtype=True, show_layer_activations=True).svg())
    assert {"in: (None, 8, 8, 3)", "out: (None, 8, 8, 4)", "float32", "activation: relu"} <= {*shown}
    assert "in: [(None, 4), (None, 4)]" in shown
    model.get_layer("conv").trainable = False
    shown = texts(model_to_dot(model, show_trainable=True, show_layer_names=False).svg())
    assert "not trained" in shown and "trained" in shown and "conv" not in shown
    assert {"hidden", "out"} <= {*texts(model_to_dot(model, expand_nested=True).svg())}


@pytest.mark.parametrize("name", ["m.png", "m.svg", "m.jpg", "m.pdf", "m.dot", "m"])
def test_files(model, tmp_path, name):
    plot_model(model, tmp_path / name, show_shapes=True)
    data = (tmp_path / name).read_bytes()
    head = {"svg": b"<svg", "jpg": b"\xff\xd8", "pdf": b"%PDF", "dot": b"digraph"}.get(name[2:], b"\x89PNG")
    assert data.startswith(head)
    if head == b"\x89PNG":
        pixels = np.asarray(Image.open(tmp_path / name))
        assert pixels.shape[0] > 500 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_as_pydot(model):
    drawing = model_to_dot(model)
    assert drawing.create(prog="dot", format="svg").startswith(b"<svg")
    assert drawing.create().startswith(b"\x89PNG")
    assert '"conv" -> "add";' in drawing.to_string()
    assert drawing._repr_svg_() == drawing.svg()


def test_old_ways(model, tmp_path):
    for era in (1, 2):
        cornu.set_era(era)
        plot_model(model, str(tmp_path / "a.svg"), True, False)
        found = texts((tmp_path / "a.svg").read_text())
        assert "conv" not in found and "in: (None, 8, 8, 3)" in found
        plot_model(model, to_file=str(tmp_path / "a.svg"))
        assert "conv" in texts((tmp_path / "a.svg").read_text())


def test_shared_layers_and_stacks(tmp_path):
    x, shared = cornu.Input((3,), name="x"), Dense(3, name="shared")
    drawing = model_to_dot(cornu.Model(x, shared(shared(x))), show_shapes=True)
    assert drawing.arrows == [("x", "shared")]
    stack = cornu.Sequential([cornu.Input((3,)), Dense(2, name="a"), Dense(1, name="b")])
    assert ("a", "b") in model_to_dot(stack).arrows


def test_awkward_words():
    svg = Drawing(
        [Box('a"<', "<b> & 'c'", (), "#123456"), Box("d", "é", (), "#123456")], [('a"<', "d")]
    ).svg()
    assert texts(svg) == ["<b> & 'c'", "é"]
    Drawing([], []).create("svg")


def test_bad_arguments(model):
    with pytest.raises(ValueError, match="rankdir is one of TB, BT, LR, RL"):
        model_to_dot(model, rankdir="UP")
    with pytest.raises(ValueError, match=r"plot_model writes .png, .svg"):
        plot_model(model, "a.gif")
    with pytest.raises(ValueError, match="has no layers to draw yet"):
        plot_model(cornu.Sequential([Dense(2)]), "a.png")
