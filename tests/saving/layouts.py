"""What lies where in a `.keras` file, as plain data to compare."""

import io
import json
import zipfile
from typing import Any

import h5py

HEAD = ("module", "class_name", "registered_name", "name")


def layout(path) -> dict[str, Any]:
    """Members of the archive, the heads of all that the configuration describes, and every group and array."""
    with zipfile.ZipFile(path) as archive:
        description = json.loads(archive.read("config.json"))
        weights = io.BytesIO(archive.read("model.weights.h5"))
        members, metadata = archive.namelist(), json.loads(archive.read("metadata.json"))
    groups: dict[str, Any] = {}
    with h5py.File(weights) as file:

        def note(name, item):
            shape = [*item.shape, str(item.dtype)] if hasattr(item, "shape") else item.attrs.get("name")
            groups[name] = shape

        file.visititems(note)
    return {
        "members": members,
        "metadata": sorted(metadata),
        "keys": sorted(set(description) - {"build_config", "compile_config"}),
        "heads": [[each.get(key) for key in HEAD] for each in description["config"].get("layers", ())],
        "groups": groups,
    }
