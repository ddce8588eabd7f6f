"""What the whole library agrees on: the era, the float type, the image layout, the fuzz factor."""

import contextlib
import functools
import json
import os
from collections.abc import Iterator

ERAS = (1, 2, 3)
FLOATS = ("float16", "bfloat16", "float32", "float64")
BACKENDS = {1: "theano", 2: "tensorflow", 3: "jax"}
LAYOUTS = ("channels_last", "channels_first")

DEFAULTS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
ORDERINGS = {"tf": "channels_last", "th": "channels_first"}  # as `image_dim_ordering`, in files of Keras 1

_settings = {  # what was chosen in this process
    "era": 3,
    "backend": None,  # None: what the environment or the user's file says, or what was usual in the era
    "learning_phase": None,
    "traceback_filtering": True,
    "interactive_logging": True,
}


@functools.cache
def _of_user() -> dict:
    """What the user's `~/.keras/keras.json` says; programs of eras 1 and 2 rely on it.

    Raises ValueError for a file that cannot be meant.
    """
    path = os.path.join(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "keras.json")
    try:
        with open(path, encoding="utf-8") as file:
            said = json.load(file)
    except OSError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}): mend it or take it away") from None
    if "image_dim_ordering" in said:
        said.setdefault("image_data_format", ORDERINGS.get(said["image_dim_ordering"]))
    for setting, allowed in (("floatx", FLOATS), ("image_data_format", LAYOUTS)):
        if said.get(setting, allowed[0]) not in allowed:
            raise ValueError(f"{path}: {setting} is {said[setting]!r}; expected one of {', '.join(allowed)}")
    return said


def _setting(name: str):
    """What was chosen, or in eras 1 and 2 what the user's file says, or else the default."""
    if name in _settings:
        return _settings[name]
    return _of_user().get(name, DEFAULTS[name]) if _settings["era"] < 3 else DEFAULTS[name]


def _choose(setting: str, value, allowed: tuple):
    if value not in allowed:
        raise ValueError(f"{setting}: expected one of {', '.join(map(str, allowed))}; got {value!r}")
    _settings[setting] = value


def era() -> int:
    """The era whose defaults and arithmetic hold: 1 (Keras 0.x-1.x), 2 (Keras 2), 3 (Keras 3)."""
    return _settings["era"]


def set_era(number: int) -> None:
    """Choose the era for what is built from now on.

    Example:
        >>> import cornu
        >>> cornu.set_era(1)
        >>> cornu.set_era(3)

    Raises ValueError for anything but 1, 2 and 3.
    """
    _choose("era", number, ERAS)


@contextlib.contextmanager
def era_scope(number: int) -> Iterator[None]:
    """Another era for the length of a `with`."""
    before = era()
    set_era(number)
    try:
        yield
    finally:
        set_era(before)


def floatx() -> str:
    """Name of the default float type."""
    return _setting("floatx")


def set_floatx(value: str) -> None:
    """Set the default float type: 'float16', 'bfloat16', 'float32' or 'float64'."""
    _choose("floatx", value, FLOATS)


def epsilon() -> float:
    """The small number that keeps logarithms and quotients finite."""
    return _setting("epsilon")


def set_epsilon(value: float) -> None:
    """Set the small number that keeps logarithms and quotients finite."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """The default image layout: 'channels_last' or 'channels_first'."""
    return _setting("image_data_format")


def set_image_data_format(data_format: str) -> None:
    """Set the default image layout: 'channels_last' or 'channels_first'."""
    _choose("image_data_format", data_format, LAYOUTS)


def standardize_data_format(data_format: str | None) -> str:
    """`data_format`, or the default where it is None; ValueError for any other word."""
    if data_format is None:
        return image_data_format()
    if data_format not in LAYOUTS:
        raise ValueError(f"data_format: expected one of {', '.join(LAYOUTS)}; got {data_format!r}")
    return data_format


def backend() -> str:
    """The engine that a program is told, and whose weights it means: Theano in era 1, TensorFlow in era 2.

    In these eras the environment's KERAS_BACKEND chooses, or `backend` in the user's `~/.keras/keras.json`, as they
    did: 'theano' or 'tensorflow'.
    """
    if era() == 3:
        return BACKENDS[3]
    said = _of_user()
    of_era = (
        era() == 2 or "image_dim_ordering" in said
    )  # later versions leave a file that means nothing to Keras 1
    asked = _settings["backend"], os.environ.get("KERAS_BACKEND"), said.get("backend") if of_era else None
    return next((name for name in asked if name in ("theano", "tensorflow")), BACKENDS[era()])


def learning_phase() -> int | None:
    """What `set_learning_phase` chose: 0 for test, 1 for training; None where each call says it."""
    return _settings["learning_phase"]


def set_learning_phase(value: int | None) -> None:
    """Let models train (1) or test (0) whatever is called; None: as each call says."""
    _choose("learning_phase", value, (None, 0, 1))


@contextlib.contextmanager
def backend_scope(name: str) -> Iterator[None]:
    """Another answer of `backend`, in eras 1 and 2, for the length of a `with`."""
    before, _settings["backend"] = _settings["backend"], name
    try:
        yield
    finally:
        _settings["backend"] = before
