"""Names to objects and back: what a string in `compile` or a class name in a file means."""

import contextlib
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from . import config, dtypes, safety
from .eras import border

# family ("layers", "losses"...) -> name -> class or function
FAMILIES: dict[str, dict[str, Any]] = {"dtype_policies": {"DTypePolicy": dtypes.DTypePolicy}}
_custom: dict[str, Any] = {}  # what users registered or lent through `custom_object_scope`
_packages: dict[Any, str] = {}  # registered class or function -> "package>name"


SLICE = ("start", "stop", "step")


class UnknownName(ValueError):
    """A name that stands for nothing here."""


class NotMeant(TypeError, ValueError):
    """What cannot stand for an object: a TypeError, and the ValueError that Keras has for it."""


def family(name: str, objects: Mapping[str, Any]) -> None:
    """Add named classes and functions to a family."""
    FAMILIES.setdefault(name, {}).update(objects)


def member(family_name: str) -> Callable:
    """Class decorator: add the class to a family under its own name."""

    def add(cls):
        family(family_name, {cls.__name__: cls})
        return cls

    return add


# ---- what users bring --------------------------------------------------------------------------


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable:
    """Decorator: let files name this class or function, as "package>name".

    Example:
        >>> @register_keras_serializable("mine")
        ... def swish2(x):
        ...     return x

    Raises ValueError for a class without `get_config`.
    """

    def register(item):
        key = f"{package}>{name or item.__name__}"
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(f"{item.__name__} needs a `get_config` method to be registered")
        _custom[key], _packages[item] = item, key
        return item

    return register


def get_registered_name(item) -> str:
    """The name under which a class or function is registered; its own name if it is not."""
    return _packages.get(item, getattr(item, "__name__", str(item)))


def get_registered_object(
    name: str, custom_objects: Mapping | None = None, module_objects: Mapping | None = None
):
    """The registered object of that name, or None."""
    for table in (custom_objects or {}, _custom, module_objects or {}):
        if name in table:
            return table[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """The live dictionary of the user's own names."""
    return _custom


@contextlib.contextmanager
def custom_object_scope(*objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Let names in files mean these objects for the length of a `with`.

    Example:
        >>> with custom_object_scope({"triple": lambda x: 3 * x}):
        ...     layer = cornu.layers.Activation("triple")
    """
    before = dict(_custom)
    for each in objects:
        _custom.update(each or {})
    try:
        yield
    finally:
        _custom.clear()
        _custom.update(before)


# ---- looking up --------------------------------------------------------------------------------


def nearest(name: str, known) -> str:
    """' Did you mean ...?' where something known is close, else the list of what is known."""
    known = sorted({str(each) for each in known})
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    folded = [each for each in known if each.lower().replace("_", "") == name.lower().replace("_", "")]
    if close or folded:
        return f" Did you mean {(folded or close)[0]!r}?"
    return f" Known: {', '.join(known)}." if len(known) < 60 else ""


def lookup(family_name: str, name: str):
    """The class or function that a name means in a family, old names included."""
    of_era = f"{family_name} of era {config.era()}"  # names that mean something else in one era
    table = FAMILIES.get(family_name, {}) | FAMILIES.get(of_era, {})
    for key in (name, border.rename(family_name, name)):
        found = get_registered_object(key, module_objects=table)
        if found is not None:
            return found
    raise UnknownName(f"{name!r} is no name in {family_name}.{nearest(name, [*table, *_custom])}")


def get(family_name: str, identifier, custom_objects: Mapping | None = None, kwargs: Mapping | None = None):
    """An object of a family from its name, configuration, class, or itself; None stays None.

    `kwargs` are given to the class that is named.

    Raises UnknownName (a ValueError) for an unknown name and NotMeant for what cannot be meant.
    """
    if custom_objects:
        with custom_object_scope(custom_objects):
            return get(family_name, identifier, kwargs=kwargs)
    if identifier is None:
        return None
    if isinstance(identifier, str):
        identifier = lookup(family_name, identifier)
    elif isinstance(identifier, Mapping):
        return deserialize(identifier, family_name)
    if inspect.isclass(identifier):
        return identifier(**(kwargs or {}))
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise NotMeant(
        f"{family_name}: expected a name, a configuration, a class or a callable; got {identifier!r}"
    )


# ---- plain data --------------------------------------------------------------------------------


def serialize(value):
    """A value as plain data for JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): serialize(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return (tuple if isinstance(value, tuple) else list)(map(serialize, value))
    if isinstance(value, np.ndarray | jax.Array):
        array = np.asarray(value)
        return {"class_name": "__numpy__", "config": {"value": array.tolist(), "dtype": str(array.dtype)}}
    if isinstance(value, slice):
        return {
            "class_name": "__slice__",
            "config": {name: serialize(getattr(value, name)) for name in SLICE},
        }
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if hasattr(value, "get_config"):
        inner = getattr(value, "plain_config", value.get_config)()
        return describe(value, {"config": serialize(inner)})
    if isinstance(value, np.dtype) or (
        isinstance(value, type) and issubclass(value, np.generic | int | float)
    ):
        return np.dtype(value).name
    if callable(value):
        return name_of(value)
    return value


def name_of(function) -> str | dict:
    """A function as its name, where that is enough to find it again."""
    name = getattr(function, "registered_name", None) or getattr(function, "__name__", None)
    if function in _packages:
        return {
            "module": "builtins",
            "class_name": "function",
            "config": name,
            "registered_name": _packages[function],
        }
    return name or type(function).__name__


def describe(value, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The head of an object's serialized form: where its class is to be found."""
    known = getattr(value, "serialized_as", lambda: None)()
    if known:
        module, name = known
        return {
            "module": module,
            "class_name": name,
            **extra,
            "registered_name": name if "." in module else None,
        }
    cls = type(value)
    own = cls.__module__.startswith("cornu.")
    home, name = next(
        (
            (home, name)
            for home, table in FAMILIES.items()
            for name in (cls.__name__, *table)
            if table.get(name) is cls
        ),
        (None, cls.__name__),
    )
    module = f"keras.{home}" if own and home else cls.__module__
    registered = None if own and home else get_registered_name(cls)
    return {"module": module, "class_name": name, **extra, "registered_name": registered}


def find_class(config: Mapping[str, Any], family_name: str | None = None):
    """The class or function that a serialized form names."""
    name, registered = config["class_name"], config.get("registered_name")
    if name == "function":
        name = config["config"]
    for key in (registered, name):
        if key and key in _custom:
            return _custom[key]
    safety.imports_nothing(config)
    path = (config.get("module") or "").removeprefix("keras.")
    homes = [home for home in (path, path.split(".")[0]) if home in FAMILIES]
    families = homes[:1] or ([family_name] if family_name else list(FAMILIES))
    for each in families:
        with contextlib.suppress(UnknownName):
            return lookup(each, name)
    known = [n for each in families for n in FAMILIES[each]] + list(_custom)
    whose = f": Cornu has no {config['module']}.{name}" if config.get("module") else ""
    raise UnknownName(
        f"{name!r} is not known here{whose}.{nearest(name, known)} "
        "Give your own classes and functions through `custom_objects`."
    )


def deserialize(config: Mapping[str, Any], family_name: str | None = None):
    """The object that a serialized form describes.

    Raises UnknownName when its class is neither ours nor among the custom objects.
    """
    if "class_name" not in config:
        if isinstance(config.get("name"), str):  # as Keras 1 wrote regularizers and constraints
            rest = {key: value for key, value in config.items() if key != "name"}
            config = {"class_name": config["name"], "config": rest}
        else:
            raise ValueError(f"A configuration needs `class_name` and `config`; got {sorted(config)}")
    if config["class_name"] in _PLAIN:
        return _PLAIN[config["class_name"]](config.get("config"))
    found = find_class(config, family_name)
    if not inspect.isclass(found):
        return found
    inner = config.get("config")
    inner = inner if isinstance(inner, list) else dict(inner or {})  # Keras 1 wrote a stack as a list
    if hasattr(found, "from_config"):
        return found.from_config(inner)
    return found(**inner)


_PLAIN = {
    "__numpy__": safety.array,
    "__slice__": lambda config: slice(*(config if isinstance(config, list) else map(config.get, SLICE))),
    "__ellipsis__": lambda config: Ellipsis,
}


def revive(value):
    """Objects where plain data describes some, in Keras 3's form; anything else as it is."""
    if isinstance(value, Mapping):
        if value.get("class_name") in _PLAIN or ("class_name" in value and "module" in value):
            return deserialize(value)
        return {key: revive(each) for key, each in value.items()}
    if isinstance(value, list):
        return [revive(each) for each in value]
    return value
