"""What layers keep in files of their own, such as a vocabulary: `save_assets(folder)` and `load_assets(folder)`."""

import pathlib
import tempfile
import warnings
from typing import Any

from .. import safety
from .folder import ASSETS
from .walk import walk


def write(model, archive) -> None:
    """Let everything in a model that has files of its own write them, under its path."""
    for path, holder in walk(model):
        if not hasattr(holder, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as made:
            holder.save_assets(made)
            for each in sorted(pathlib.Path(made).rglob("*")):
                if each.is_file():
                    below = each.relative_to(made).as_posix()
                    archive.writestr(f"{ASSETS}/{path}{below}", each.read_bytes())


def read(model, archive: Any) -> None:
    """Give everything in a model that reads files of its own those under its path, in a folder for that time."""
    names = [name for name in archive.namelist() if name.startswith(f"{ASSETS}/") and not name.endswith("/")]
    left = set(names)
    for path, holder in walk(model) if names else ():
        start = f"{ASSETS}/{path}"
        own = [name for name in names if name.startswith(start)] if hasattr(holder, "load_assets") else []
        if not own:
            continue
        with tempfile.TemporaryDirectory() as made:
            for name in own:
                place = pathlib.Path(made, name.removeprefix(start))
                if not place.resolve().is_relative_to(pathlib.Path(made).resolve()):
                    raise safety.UnsafeFile(
                        f"The file has a member {name[: safety.NAME]!r}, which leads out of it"
                    )
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(safety.member(archive, name))
            holder.load_assets(made)
        left -= set(own)
    if left:
        warnings.warn(
            f"{len(left)} files of the model, such as {min(left)}, were not read: no layer there has `load_assets`",
            stacklevel=4,
        )
