"""Checkpoints of the package orbax-checkpoint: folders that many devices write at once, and in the background.

A folder has a folder for each step, and that the cells by name and the configuration. Source: Keras 3.15.1, whose
names and layout these are.
"""

import json
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import safety, scope
from ..variable import Variable
from . import objects
from .walk import walk

CELLS, CONFIG, ASSETS = "pytree", "model_config", "assets"  # what a step consists of
COUNTED = re.compile(r"_\d+")
STATE = "seed_generator_state"  # cells of this name are numbered otherwise by others, and need not be there
KINDS = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")


def package():
    """The package; ImportError says how to get it."""
    try:
        import orbax.checkpoint  # imported here, since it takes a second and few need it
    except ModuleNotFoundError:
        raise ImportError("This needs the package orbax-checkpoint: pip install 'cornu[orbax]'") from None
    return orbax.checkpoint.v1


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether a folder is one step of a checkpoint, or has such steps."""
    return path.is_dir() and (_is_step(path) or any(map(_is_step, path.iterdir())))


def _is_step(path: pathlib.Path) -> bool:
    return path.name.isdigit() and (path / CELLS).is_dir()


# ---- cells and their names -----------------------------------------------------------------------


def cells_of(model) -> dict[tuple[str, ...], Variable]:
    """Every cell of a model by its place: its kind, and the parts of its path."""
    optimizer = model.optimizer.variables if model.compiled and model.optimizer.built else ()
    meters = [cell for metric in (model.metrics if model.compiled else ()) for cell in metric.variables]
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer, meters)
    above = model.name if hasattr(model, "_stack") else ""  # as Keras names the cells of a stack
    found: dict[tuple[str, ...], Variable] = {}
    for kind, cells in zip(KINDS, groups, strict=True):
        for cell in cells:
            parts = [*([above] if above and kind in KINDS[:2] else ()), *cell.path.split("/")]
            place, number = (kind, *parts), 0
            while place in found or any(other[: len(place)] == place for other in found):
                number += 1
                place = (kind, *parts[:-1], f"{parts[-1]}_{number}")
            found[place] = cell
    return found


def tree_of(model, weights_only: bool = False) -> dict[str, Any]:
    """The values of a model's cells, nested by their places."""
    made: dict[str, Any] = {kind: {} for kind in (KINDS[:2] if weights_only else KINDS)}
    for place, cell in cells_of(model).items():
        if place[0] in made:
            value = jnp.asarray(cell._value)
            if value.platform() == "cpu":  # whose memory would be read while the next step writes into it
                value = jnp.copy(value)
            _within(made, place[:-1])[place[-1]] = value
    return made


def _within(tree: dict, place: Iterable[str]) -> dict:
    for part in place:
        tree = tree.setdefault(part, {})
    return tree


def payload(model, weights_only: bool = False) -> dict[str, Any]:
    """What is saved of a model in one step.

    Raises ValueError for a model with files of its own, such as vocabularies, which have no place there.
    """
    if own := [holder.name for _, holder in walk(model) if hasattr(holder, "save_assets")]:
        raise ValueError(
            f"{model.name}: {', '.join(own)} has files of its own, which an orbax checkpoint has no place for; "
            "save the model as a .keras file"
        )
    made: dict[str, Any] = {CELLS: tree_of(model, weights_only)}
    if not weights_only:
        made[CONFIG] = {"config": json.dumps(objects.describe_whole(model))}
    return made


# ---- reading -------------------------------------------------------------------------------------


def _step(path: pathlib.Path) -> pathlib.Path:
    """The folder of a step: that itself, or the last one in it."""
    path = path.absolute()
    return path if _is_step(path) else max(filter(_is_step, path.iterdir()), key=lambda each: int(each.name))


def read_weights(path: pathlib.Path, model, skip_mismatch: bool = False) -> None:
    """Read the cells of a step, or of the last one, each to the devices where the model has it.

    Raises ValueError, before the first weight changes, where a weight has no equal there.
    """
    orbax, step = package(), _step(path)
    told = _told(orbax, step)
    known = {tuple(map(str, place)): leaf for place, leaf in _leaves(told)}
    pairs, problems = _matched(cells_of(model), known)
    if problems and not skip_mismatch:
        raise ValueError(f"{step} does not fit {model.name}: {'; '.join(problems[:3])}")
    wanted = jax.tree.map(lambda leaf: orbax.PLACEHOLDER, told, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    for place, cell in pairs.items():
        of = known[place]
        _within(wanted, place[:-1])[place[-1]] = jax.ShapeDtypeStruct(
            of.shape, of.dtype, sharding=getattr(cell._value, "sharding", None)
        )
    values = dict(_leaves(orbax.load_checkpointables(step, {CELLS: wanted})[CELLS]))
    for place, cell in pairs.items():
        cell.assign(values[place])


def _told(orbax, step: pathlib.Path):
    """Shapes and types of the cells of a step, nested as they are."""
    ask = getattr(orbax, "metadata", None) or orbax.pytree_metadata
    return ask(step, checkpointable_name=CELLS).metadata


def _leaves(tree, place: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, (*place, str(key)))
    else:
        yield place, tree


def _matched(cells: Mapping[tuple, Variable], known: Mapping[tuple, Any]) -> tuple[dict, list[str]]:
    """(place in the file -> cell, what is wrong).

    Names that are counted, "dense_3", may be counted otherwise there: what is called alike belongs together, in order.
    """
    same = all(place in known for place in cells)
    mine, theirs = ({place: [place] for place in cells},) * 2 if same else (_alike(cells), _alike(known))
    pairs, problems = {}, []
    for name, places in mine.items():
        found = theirs.get(name, [])
        if len(found) != len(places):
            if name[0] in KINDS[:2] and STATE not in name[-1]:
                problems.append(
                    f"it has {len(found)} arrays {'/'.join(name[1:])!r}, and {len(places)} are needed"
                )
            continue
        for place, other in zip(places, found, strict=True):
            cell, shape = cells[place], tuple(known[other].shape)
            if shape != tuple(cell.shape):
                problems.append(f"{cell.path} has shape {tuple(cell.shape)}, there {shape}")
            else:
                pairs[other] = cell
    return pairs, problems


def _alike(places: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """Places by their names without numbers and without the model around all of them; by their numbers in each."""
    places = list(places)
    tops = {place[1] for place in places if place[0] == KINDS[0]}
    top = (
        tops.pop()
        if len(tops) == 1 and all(len(place) > 3 for place in places if place[0] == KINDS[0])
        else None
    )
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place in places:
        kind, *parts = place
        if top and kind in KINDS[:2] and parts[0] == top:
            parts = parts[1:]
        elif top:
            parts = [part.removeprefix(f"{top}_") for part in parts]
        found.setdefault((kind, *(COUNTED.sub("", part) for part in parts)), []).append(place)
    number = lambda place: [[int(digits[1:]) for digits in COUNTED.findall(part)] for part in place]  # noqa: E731
    return {name: sorted(each, key=number) for name, each in found.items()}


def read_model(path: pathlib.Path, custom_objects=None, compile: bool = True):
    """The model of a step, or of the last one.

    Raises ValueError where only weights were saved.
    """
    orbax, step = package(), _step(path)
    if not (step / CONFIG).is_dir():
        raise ValueError(f"{step} has only weights: build the model and use `load_weights`")
    text = orbax.load_checkpointables(step, {CONFIG: None})[CONFIG]["config"]
    if (step / ASSETS).is_dir():
        raise NotImplementedError(f"{step} has files of layers in it, which are read from .keras files only")
    room = safety.Room.of_file(_numbers(_told(orbax, step)))
    with scope.entered(room=room):
        model = objects.rebuild_whole(safety.parsed(text), custom_objects, compile)
    if model.compiled:
        model.optimizer.build(model.trainable_variables)
    read_weights(step, model)
    return model


def _numbers(told) -> int:
    return sum(int(np.prod(leaf.shape)) for _, leaf in _leaves(told) if hasattr(leaf, "shape"))
