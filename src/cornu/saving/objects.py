"""Models and layers from plain data of any era, and into it."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .. import config, registry, safety, scope
from ..eras import border

VERSION = "3.15.1"  # of the format that is written
BESIDE = ("build_config", "compile_config")  # what a whole description has beside that of the architecture


def era_of(description: Mapping[str, Any], otherwise: int | None = None) -> int:
    """The era whose defaults a description relies on, by the version it names."""
    version = description.get("keras_version")
    if isinstance(version, str) and version[:1] in "0123":
        return max(1, int(version[0]))
    if otherwise is not None:
        return otherwise
    return 3 if "module" in description else config.era()


def describe(model) -> dict[str, Any]:
    """A model as plain data; of eras 1 and 2 with a word about them, for their arithmetic is another."""
    made, era = registry.serialize(model), model._era
    if era < 3:
        with config.era_scope(era):
            made["cornu"] = {"era": era, "backend": config.backend()}
    return made


def describe_whole(model) -> dict[str, Any]:
    """The same with what the model was built and compiled with, as files of Keras 3 have it."""
    description = describe(model)
    if getattr(model, "get_build_config", None) and model.get_build_config():
        description["build_config"] = registry.serialize(model.get_build_config())
    if model.compiled:
        description["compile_config"] = model.get_compile_config()
    return description


def rebuild_whole(
    description: Mapping[str, Any],
    custom_objects=None,
    compile: bool = True,
    era: int = 3,
    training: Callable[[Mapping, Any], Mapping] = lambda given, model: given,
):
    """The model that `describe_whole` told of, built, and compiled if it was; it has weights of its own yet.

    Args:
        era: of what wrote the description.
        training: from how the model was compiled, and the model, to the same in today's words.
    """
    model = from_description(description, custom_objects, era)
    if not model.built and description.get("build_config"):
        model.build_from_config(description["build_config"])
    if compile and description.get("compile_config"):
        with registry.custom_object_scope(custom_objects), made_as(description, era):
            model.compile_from_config(training(description["compile_config"], model))
    return model


@contextlib.contextmanager
def made_as(description: Mapping[str, Any], otherwise: int) -> Iterator[None]:
    """The era and backend in which the model of a description was made, for the length of a `with`."""
    own = description.get("cornu") or {}
    backend = config.backend_scope(own["backend"]) if own else contextlib.nullcontext()
    with config.era_scope(own.get("era", otherwise)), backend:
        yield


@border.method("deserialize_keras_object")
def deserialize_keras_object(
    config,
    custom_objects: Mapping | None = None,
    safe_mode: bool | None = None,
    module_objects: Mapping | None = None,
    printable_module_name: str = "object",
):
    """What plain data means: the object it describes, or the class or function that a word names.

    Args:
        config: what `serialize_keras_object` returned, or a name.
        custom_objects, module_objects: names to classes and functions, beside those of the library.
        safe_mode: whether what would run code is refused; as around the call if None.
        printable_module_name: a word for messages.

    Raises ValueError for what has no meaning.

    Example:
        >>> from cornu import layers
        >>> deserialize_keras_object(registry.serialize(layers.Dense(3))).units
        3
    """
    trust = contextlib.nullcontext() if safe_mode is None else scope.entered(safe=safe_mode)
    with registry.custom_object_scope(module_objects, custom_objects), trust:
        if not isinstance(config, str):
            return registry.revive(config) if isinstance(config, list) else registry.deserialize(config)
        found = registry.get_registered_object(config)
        if found is None:
            raise ValueError(
                f"{config!r} is the name of no {printable_module_name}."
                f"{registry.nearest(config, {**(module_objects or {}), **(custom_objects or {})})}"
            )
        return found


def to_json(model, **kwargs) -> str:
    """The architecture as JSON."""
    return json.dumps(describe(model), **kwargs)


def from_json(text: str, custom_objects: Mapping | None = None):
    """The model that JSON describes.

    Raises ValueError for what is no JSON or no model.
    """
    with safety.told("The configuration"):
        return from_description(safety.parsed(text), custom_objects)


def _yaml():
    try:
        import yaml  # imported here, since few need it
    except ModuleNotFoundError:
        raise ImportError(
            "YAML needs the package pyyaml: pip install 'cornu[yaml]'. JSON needs nothing."
        ) from None
    return yaml


def to_yaml(model, **kwargs) -> str:
    """The architecture as YAML.

    Raises ImportError where pyyaml is not installed.
    """
    return _yaml().safe_dump(json.loads(to_json(model)), **kwargs)


def from_yaml(text: str, custom_objects: Mapping | None = None):
    """The model that YAML describes; nothing in it is run. Python's tuples, as Keras 1 wrote them, are understood.

    Raises ValueError for what is no such YAML or no model, and ImportError where pyyaml is not installed.
    """
    yaml = _yaml()
    if len(text) > safety.YAML:
        safety.refuse(f"The configuration has {len(text):,} characters, and {safety.YAML:,} of YAML are read")

    class Loader(yaml.SafeLoader):
        """Safe, and knows the tags of plain Python data; merges, `<<`, which may grow without bound, it does not."""

        def flatten_mapping(self, node):
            if any(key.tag.endswith(":merge") for key, _ in node.value):
                raise safety.UnsafeFile(
                    "The configuration merges dictionaries, by `<<`, which Keras never writes"
                )

    python = "tag:yaml.org,2002:python/"
    Loader.add_constructor(
        f"{python}tuple", lambda loader, node: tuple(loader.construct_sequence(node, deep=True))
    )
    for name in ("str", "unicode"):
        Loader.add_constructor(f"{python}{name}", Loader.construct_yaml_str)
    try:
        description = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"This is no YAML that can be read without running code: {error}") from None
    except RecursionError:
        raise safety.UnsafeFile("The configuration is nested too deep") from None
    with safety.told("The configuration"):
        return from_description(safety.checked(description, safety.ALIASED), custom_objects)


def from_description(
    description: Mapping[str, Any], custom_objects: Mapping | None = None, era: int | None = None
):
    """The model that `class_name` and `config` describe, made with the defaults of its era."""
    if not isinstance(description, Mapping) or "class_name" not in description:
        raise ValueError("A model's description has `class_name` and `config`")
    made_in = made_as(safety.checked(description), era or era_of(description))
    room = scope.call.room or safety.Room.of_machine()
    with registry.custom_object_scope(custom_objects), made_in, scope.entered(room=room):
        return registry.deserialize(description, "models")


def layer_from(head: Mapping[str, Any]):
    """The layer, or nested model, that one entry of a model's configuration describes; built if it says how."""
    family = "models" if head["class_name"] in registry.FAMILIES["models"] else "layers"
    layer = registry.deserialize(head, family)
    if head.get("build_config"):
        with contextlib.suppress(NotImplementedError):
            layer.build_from_config(head["build_config"])
    return layer
