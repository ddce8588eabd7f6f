"""Weights in several HDF5 files, none larger than is asked for, and a list of what lies where: `.weights.json`.

Source: Keras 3.15.1, `save_weights(max_shard_size=)`, whose names and layout these are.
"""

import contextlib
import json
import pathlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import safety
from ..writing import made_whole, replacing
from . import h5_reader, hdf5

ENDING = ".weights.json"
GIGABYTE = 1 << 30
MANY = 10_000  # files that one list may name
SAVE = "save"  # names one saving, in the list and in each of its files


def _file(path: pathlib.Path, number: int) -> pathlib.Path:
    return path.with_name(f"{path.name.removesuffix(ENDING)}_{number:05}.weights.h5")


def write(path: pathlib.Path, model, most: float, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model's weights, `most` gigabytes in each file; the list comes last.

    Raises ValueError, before anything is written, for a weight that is larger than that.
    """
    import h5py  # imported here, since it takes a tenth of a second

    files = _divided(model, most * GIGABYTE, extra)
    total = sum(array.nbytes for file in files for _, store in file.values() for array in store.values())
    listed: dict[str, Any] = {"metadata": {"total_size": total, SAVE: secrets.token_hex(8)}, "weight_map": {}}
    before = _listed_before(path)
    with contextlib.ExitStack() as stack:
        whole = stack.enter_context(replacing(path))  # which is renamed last, so that it names what is there
        for number, groups in reversed(list(enumerate(files))):
            place = _file(path, number)
            file = stack.enter_context(replacing(place))
            with h5py.File(file, "w") as h5:
                h5.attrs[SAVE] = listed["metadata"][SAVE]
                hdf5.write_stores(h5, groups.items())
            made_whole(file)
        for number, groups in enumerate(files):
            for group, (_, store) in groups.items():
                if store:
                    listed["weight_map"].setdefault(f"/{group}vars", []).append(_file(path, number).name)
        names = listed["weight_map"]
        listed["weight_map"] = {key: value[0] if len(value) == 1 else value for key, value in names.items()}
        whole.write(json.dumps(listed, indent=4).encode())
    for name in before - {_file(path, number).name for number in range(len(files))}:
        path.with_name(name).unlink(missing_ok=True)


def _divided(model, most: float, extra: Mapping[str, Any] | None) -> list[dict[str, tuple[Any, dict]]]:
    """What goes into each file: path -> (holder, arrays by name)."""
    files: list[dict] = [{}]
    room = most
    for path, holder, store in hdf5.stores(model, extra):
        files[-1][path] = (holder, {})
        for name, array in store.items():
            if array.nbytes > most:
                raise ValueError(
                    f"{path}vars/{name} of shape {array.shape} has {array.nbytes:,} bytes, more than a file may have: "
                    f"max_shard_size={most / GIGABYTE:g} are {most:,.0f}"
                )
            if array.nbytes > room:
                files.append({})
                room = most
            files[-1].setdefault(path, (holder, {}))[1][name] = array
            room -= array.nbytes
    return files


def _listed_before(path: pathlib.Path) -> set[str]:
    """The files of our names that the list which is there names."""
    with contextlib.suppress(OSError, ValueError):
        ours = re.compile(rf"{re.escape(path.name.removesuffix(ENDING))}_\d{{5}}\.weights\.h5")
        return {name for name in _read_list(path)[0] if ours.fullmatch(name)}
    return set()


# ---- reading -------------------------------------------------------------------------------------


def _read_list(path: pathlib.Path) -> tuple[dict[str, list[str]], str | None]:
    """(file -> paths of its groups, the name of this saving where it has one)."""
    listed = safety.parsed(path.read_bytes())
    places = listed.get("weight_map") if isinstance(listed, dict) else None
    if not isinstance(places, dict):
        raise ValueError(f"{path} lists no weights: it has no `weight_map`")
    found: dict[str, list[str]] = {}
    for group, names in places.items():
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str) or not re.fullmatch(r"[^/\\:\0]+\.weights\.h5", name):
                raise safety.UnsafeFile(f"{path} lists {name!r}, which is no file of weights beside it")
            found.setdefault(name, []).append(group.strip("/"))
    if len(found) > MANY:
        safety.refuse(f"{path} lists {len(found):,} files, and {MANY:,} at most are read")
    save = listed.get("metadata", {}).get(SAVE) if isinstance(listed.get("metadata"), dict) else None
    return found, save


def stores(path: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every holder, by its path.

    Raises UnsafeFile where a file is missing, damaged or of another saving.
    """
    listed, save = _read_list(path)
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, groups in listed.items():
        place = path.with_name(name)
        if not place.is_file():
            raise safety.UnsafeFile(
                f"{path} lists {name}, which is not there: all of its files belong together"
            )
        if place.is_symlink():
            safety.refuse(f"{place} is a link, and not followed")
        with h5_reader.opened(place) as h5:
            if save is not None and h5.attrs.get(SAVE) != save:
                raise safety.UnsafeFile(f"{place} and {path} are of two savings: one of them was broken off")
            for group in groups:
                if group in h5:
                    found.setdefault(group.removesuffix("vars"), {}).update(hdf5.store_of(h5[group]))
    return {
        group: dict(sorted(store.items(), key=lambda pair: hdf5.number(pair[0])))
        for group, store in found.items()
    }
