"""Boxes and arrows: graphs laid out in layers, as SVG, as an image, and as text for Graphviz.

The layout is Sugiyama's: nodes come below what leads to them, are ordered so that few arrows cross, then moved towards
their neighbours.
"""

import functools
import html
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..writing import replacing

INK, PALE, LINE, PAPER = "#243042", "#5b6b80", "#8a97a8", "#ffffff"
TITLE, SMALL = 14, 11  # sizes of type
PAD, GAP, APART = 10, 34, 26  # within boxes, between layers, between boxes of a layer
FINER = 2  # images are drawn so many times larger, then made smaller,
PIXELS = 50_000_000  # as long as they have no more than this


class Box(NamedTuple):
    """A node: a coloured title, lines below it, and perhaps a drawing within."""

    key: str
    title: str
    lines: tuple[str, ...]
    color: str
    inner: "Drawing | None" = None


class Spot(NamedTuple):
    """Where a box, or a bend of an arrow, came to be: its middle and its size."""

    x: float
    y: float
    width: float
    height: float


@functools.cache
def _font(size: float):
    from PIL import ImageFont  # imported here, since it takes a while

    return ImageFont.load_default(size)


@functools.cache
def _width(text: str, size: float) -> float:
    return _font(size).getlength(text)


class Drawing:
    """A graph, laid out.

    Args:
        boxes: its nodes, each after most of those that lead to it.
        arrows: pairs of keys.
        rankdir: 'TB', 'BT', 'LR' or 'RL': where arrows point to.
        dpi: of images; 96 shows them in the size of the SVG.
    """

    def __init__(
        self, boxes: Sequence[Box], arrows: Sequence[tuple[str, str]], rankdir: str = "TB", dpi: int = 96
    ):
        if rankdir not in ("TB", "BT", "LR", "RL"):
            raise ValueError(f"rankdir is one of TB, BT, LR, RL; got {rankdir!r}")
        self.boxes, self.dpi, self.rankdir = list(boxes), dpi, rankdir
        self.arrows = list(dict.fromkeys((a, b) for a, b in arrows if a != b))
        self.spots, self.paths, self.width, self.height = _lay_out(self.boxes, self.arrows, rankdir)

    # ---- for those who know pydot ------------------------------------------------------------------

    def create(self, prog: str | None = None, format: str = "png") -> bytes:  # noqa: A002 - pydot's name
        """The drawing as a file: 'svg', 'png', 'jpg', 'pdf' or 'dot'. `prog` does not matter: nothing is called."""
        if format == "svg":
            return self.svg().encode()
        if format in ("dot", "raw"):
            return self.to_string().encode()
        file, named = io.BytesIO(), {"jpg": "jpeg"}.get(format, format)
        self.image().save(file, named, dpi=(self.dpi, self.dpi))
        return file.getvalue()

    def write(self, path, prog: str | None = None, format: str = "png") -> None:  # noqa: A002 - pydot's name
        """Write what `create` returns into a file."""
        data = self.create(prog, format)
        with replacing(path) as file:
            file.write(data)

    def to_string(self) -> str:
        """The graph in the language of Graphviz."""
        quoted = lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'  # noqa: E731
        lines = [f"digraph model {{\n  rankdir={self.rankdir};\n  node [shape=box];"]
        for box in self.boxes:
            label = "\n".join([box.title, *box.lines])
            lines.append(f"  {quoted(box.key)} [label={quoted(label)}];")
        lines += [f"  {quoted(a)} -> {quoted(b)};" for a, b in self.arrows]
        return "\n".join([*lines, "}"]) + "\n"

    def _repr_svg_(self) -> str:
        return self.svg()

    # ---- as pictures -------------------------------------------------------------------------------

    def draw(self, pen: Any, left: float = 0, top: float = 0) -> None:
        """Draw with a pen that has `curve`, `arrow`, `box` and `text`."""
        for path in self.paths:
            pen.curve([(left + x, top + y) for x, y in path], horizontal=self.rankdir in ("LR", "RL"))
        for box in self.boxes:
            _draw_box(pen, box, self.spots[box.key], left, top)

    def svg(self) -> str:
        """The drawing as SVG."""
        pen = _Svg()
        self.draw(pen)
        width, height = round(self.width), round(self.height)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif">'
        )
        return "\n".join([head, f'<rect width="100%" height="100%" fill="{PAPER}"/>', *pen.parts, "</svg>\n"])

    def image(self) -> Any:
        """The drawing as a Pillow image."""
        from PIL import Image  # imported here, since it takes a while

        scale = self.dpi / 96
        size = max(round(self.width * scale), 1), max(round(self.height * scale), 1)
        finer = FINER if size[0] * size[1] * FINER**2 <= PIXELS else 1
        large = Image.new("RGB", (size[0] * finer, size[1] * finer), PAPER)
        self.draw(_Image(large, scale * finer))
        return large if finer == 1 else large.reduce(finer)


def _size(box: Box) -> tuple[float, float]:
    widths = [_width(box.title, TITLE), *(_width(line, SMALL) for line in box.lines)]
    width, height = max(widths) + 2 * PAD, TITLE + PAD * 1.4
    if box.lines:
        height += len(box.lines) * (SMALL + 5) + PAD
    if box.inner:
        width, height = max(width, box.inner.width), height + box.inner.height
    return max(width, 90), height


def _draw_box(pen, box: Box, spot: Spot, left: float, top: float) -> None:
    x, y = left + spot.x - spot.width / 2, top + spot.y - spot.height / 2
    head = TITLE + PAD * 1.4
    pen.box(x, y, spot.width, spot.height, PAPER, box.color)
    pen.box(x, y, spot.width, head if box.lines or box.inner else spot.height, box.color, box.color)
    pen.text(x + spot.width / 2, y + head / 2, box.title, TITLE, PAPER)
    for number, line in enumerate(box.lines):
        at = y + head + PAD / 2 + (number + 0.5) * (SMALL + 5)
        pen.text(x + spot.width / 2, at, line, SMALL, INK if number == 0 else PALE)
    if box.inner:
        inside = y + spot.height - box.inner.height
        box.inner.draw(pen, x + (spot.width - box.inner.width) / 2, inside)


# ---- layout -------------------------------------------------------------------------------------------


def _ranks(boxes: Sequence[Box], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """In which layer each box is: below all that lead to it, and no farther from what it leads to than it must be."""
    order = {box.key: place for place, box in enumerate(boxes)}
    forward = [(a, b) for a, b in arrows if order[a] < order[b]]
    rank = dict.fromkeys(order, 0)
    for a, b in sorted(forward, key=lambda arrow: order[arrow[0]]):
        rank[b] = max(rank[b], rank[a] + 1)
    followers: dict[str, list[str]] = {}
    for a, b in forward:
        followers.setdefault(a, []).append(b)
    led = {b for _, b in forward}
    for key in order:
        if key not in led and key in followers:
            rank[key] = min(rank[each] for each in followers[key]) - 1
    return rank


def _lay_out(boxes: Sequence[Box], arrows: Sequence[tuple[str, str]], rankdir: str):
    """Spots by key, paths of arrows, and the size of it all."""
    sideways, backwards = rankdir in ("LR", "RL"), rankdir in ("BT", "RL")
    sizes = {box.key: _size(box)[:: -1 if sideways else 1] for box in boxes}  # across layers, and along
    rank = _ranks(boxes, arrows)
    layers: list[list] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for box in boxes:
        layers[rank[box.key]].append(box.key)
    chains = []  # of each arrow: its box, the bends on its way, its other box
    for a, b in arrows:
        first, last = sorted((rank[a], rank[b]))
        bends = [(a, b, layer) for layer in range(first + 1, last)]
        for bend in bends:
            layers[bend[2]].append(bend)
            sizes[bend] = (APART / 2, 0)
        chains.append([a, *(bends if rank[a] < rank[b] else bends[::-1]), b])
    neighbours: dict[Any, list] = {key: [] for layer in layers for key in layer}
    for chain in chains:
        for a, b in zip(chain, chain[1:], strict=False):
            neighbours[a].append(b)
            neighbours[b].append(a)
    across = _settle(layers, neighbours, sizes)
    tall = [max(sizes[key][1] for key in layer) for layer in layers]
    starts = [PAD + sum(tall[:number]) + GAP * number for number in range(len(layers))]
    span, breadth = starts[-1] + tall[-1] + PAD if layers else PAD, max(across.values(), default=0)
    breadth = max((across[key] + sizes[key][0] / 2 for key in across), default=0) + PAD
    layer_of = {key: number for number, layer in enumerate(layers) for key in layer}

    def point(side: float, along: float) -> tuple[float, float]:
        along = span - along if backwards else along
        return (along, side) if sideways else (side, along)

    spots, paths = {}, []
    for box in boxes:
        number = layer_of[box.key]
        x, y = point(across[box.key], starts[number] + tall[number] / 2)
        spots[box.key] = Spot(x, y, *_size(box))
    for chain in chains:
        down = layer_of[chain[0]] <= layer_of[chain[-1]]
        path = []
        for place, key in enumerate(chain):
            number = layer_of[key]
            low, high = starts[number], starts[number] + tall[number]
            if key in spots:
                middle, half = (low + high) / 2, sizes[key][1] / 2
                low, high = middle - half, middle + half
            ends = (low, high) if down else (high, low)
            ends = ends[1:] if place == 0 else ends[:1] if place == len(chain) - 1 else ends
            path += [point(across[key], along) for along in ends]
        paths.append(path)
    return spots, paths, *((span, breadth) if sideways else (breadth, span))


def _settle(layers: list[list], neighbours: dict[Any, list], sizes: dict[Any, tuple]) -> dict[Any, float]:
    """Where everything is within its layer: ordered so that few arrows cross, then near its neighbours."""
    place = {key: float(number) for layer in layers for number, key in enumerate(layer)}
    layer_of = {key: number for number, layer in enumerate(layers) for key in layer}

    def mean(key, step: int) -> float:
        near = [place[each] for each in neighbours[key] if (layer_of[each] - layer_of[key]) * step > 0]
        return sum(near) / len(near) if near else place[key]

    sweeps = [(layers, -1), (layers[::-1], 1)] * 4
    for order, step in sweeps:
        for layer in order:
            layer.sort(key=lambda key: mean(key, step))  # noqa: B023 - used at once
            place.update((key, float(number)) for number, key in enumerate(layer))
    for layer in layers:
        at = 0.0
        for key in layer:
            place[key] = at + sizes[key][0] / 2
            at += sizes[key][0] + APART
        middle = (at - APART) / 2
        place.update((key, place[key] - middle) for key in layer)
    for order, step in sweeps:
        for layer in order:
            wanted = [mean(key, step) for key in layer]
            place.update(zip(layer, _spread(layer, wanted, sizes), strict=True))
    least = min((place[key] - sizes[key][0] / 2 for key in place), default=0)
    return {key: at - least + PAD for key, at in place.items()}


def _spread(layer: list, wanted: list[float], sizes: dict[Any, tuple]) -> list[float]:
    """Places near those that are wanted, with room between: the mean of pushing all right and all left."""
    rooms = [(sizes[a][0] + sizes[b][0]) / 2 + APART for a, b in zip(layer, layer[1:], strict=False)]
    right, left = list(wanted), list(wanted)
    for i, room in enumerate(rooms):
        right[i + 1] = max(right[i + 1], right[i] + room)
    for i in reversed(range(len(rooms))):
        left[i] = min(left[i], left[i + 1] - rooms[i])
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]


# ---- pens ---------------------------------------------------------------------------------------------


def _bends(path: Sequence[tuple[float, float]], horizontal: bool):
    """The cubic curves of a path that leaves and enters every point along the direction of the layers."""
    for (x, y), (u, v) in zip(path, path[1:], strict=False):
        if horizontal:
            middle = (x + u) / 2
            yield (x, y), (middle, y), (middle, v), (u, v)
        else:
            middle = (y + v) / 2
            yield (x, y), (x, middle), (u, middle), (u, v)


def _head(path: Sequence[tuple[float, float]], horizontal: bool) -> list[tuple[float, float]]:
    (x, y), (u, v) = path[-2:]
    if horizontal:
        back = -6 if u >= x else 6
        return [(u, v), (u + back, v - 3.5), (u + back, v + 3.5)]
    back = -6 if v >= y else 6
    return [(u, v), (u - 3.5, v + back), (u + 3.5, v + back)]


class _Svg:
    def __init__(self):
        self.parts: list[str] = []

    def curve(self, path, horizontal: bool) -> None:
        word = lambda point: f"{point[0]:.1f},{point[1]:.1f}"  # noqa: E731
        line = f"M{word(path[0])}" + "".join(
            f" C{' '.join(map(word, curve[1:]))}" for curve in _bends(path, horizontal)
        )
        self.parts.append(f'<path d="{line}" fill="none" stroke="{LINE}" stroke-width="1.3"/>')
        corners = " ".join(map(word, _head(path, horizontal)))
        self.parts.append(f'<polygon points="{corners}" fill="{LINE}"/>')

    def box(self, x, y, width, height, fill, stroke) -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
            f'fill="{fill}" stroke="{stroke}"/>'
        )

    def text(self, x, y, text, size, color) -> None:
        fit = f'textLength="{_width(text, size):.1f}" lengthAdjust="spacingAndGlyphs" '
        self.parts.append(
            f'<text x="{x:.1f}" y="{y + size * 0.35:.1f}" font-size="{size}" fill="{color}" {fit}'
            f'text-anchor="middle">{html.escape(text)}</text>'
        )


class _Image:
    def __init__(self, image, scale: float):
        from PIL import ImageDraw  # imported here, since it takes a while

        self.draw, self.scale = ImageDraw.Draw(image), scale

    def _scaled(self, points):
        return [(x * self.scale, y * self.scale) for x, y in points]

    def curve(self, path, horizontal: bool) -> None:
        points = [path[0]]
        for a, b, c, d in _bends(path, horizontal):
            for step in range(1, 17):
                t = step / 16
                weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                corners = zip(*(a, b, c, d), strict=True)
                points.append(
                    tuple(sum(w * n for w, n in zip(weights, each, strict=True)) for each in corners)
                )
        self.draw.line(self._scaled(points), LINE, max(round(1.3 * self.scale), 1), joint="curve")
        self.draw.polygon(self._scaled(_head(path, horizontal)), LINE)

    def box(self, x, y, width, height, fill, stroke) -> None:
        corners = self._scaled([(x, y), (x + width, y + height)])
        self.draw.rounded_rectangle(corners, 5 * self.scale, fill, stroke, max(round(self.scale), 1))

    def text(self, x, y, text, size, color) -> None:
        (at,) = self._scaled([(x, y)])
        self.draw.text(at, text, color, _font(size * self.scale), anchor="mm")
