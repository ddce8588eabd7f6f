"""Models and layers from plain data of any era, and into it."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from .. import config, registry

VERSION = "3.15.1"  # of the format that is written


def era_of(description: Mapping[str, Any], otherwise: int | None = None) -> int:
    """The era whose defaults a description relies on, by the version it names."""
    version = description.get("keras_version")
    if isinstance(version, str) and version[:1] in "0123":
        return max(1, int(version[0]))
    if otherwise is not None:
        return otherwise
    return 3 if "module" in description else config.era()


def to_json(model, **kwargs) -> str:
    """The architecture as JSON."""
    return json.dumps(registry.serialize(model), **kwargs)


def from_json(text: str, custom_objects: Mapping | None = None):
    """The model that JSON describes.

    Raises ValueError for what is no JSON or no model.
    """
    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no JSON: {error}") from None
    return from_description(description, custom_objects)


def from_description(
    description: Mapping[str, Any], custom_objects: Mapping | None = None, era: int | None = None
):
    """The model that `class_name` and `config` describe, made with the defaults of its era."""
    if not isinstance(description, Mapping) or "class_name" not in description:
        raise ValueError("A model's description has `class_name` and `config`")
    with registry.custom_object_scope(custom_objects), config.era_scope(era or era_of(description)):
        return registry.deserialize(description, "models")


def layer_from(head: Mapping[str, Any]):
    """The layer, or nested model, that one entry of a model's configuration describes; built if it says how."""
    family = "models" if head["class_name"] in registry.FAMILIES["models"] else "layers"
    layer = registry.deserialize(head, family)
    if head.get("build_config"):
        with contextlib.suppress(NotImplementedError):
            layer.build_from_config(head["build_config"])
    return layer
