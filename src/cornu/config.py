"""What the whole library agrees on: the era, the float type, the image layout, the fuzz factor."""

import contextlib
import os
from collections.abc import Iterator

ERAS = (1, 2, 3)
FLOATS = ("float16", "bfloat16", "float32", "float64")
BACKENDS = {1: "theano", 2: "tensorflow", 3: "jax"}
LAYOUTS = ("channels_last", "channels_first")

_settings = {
    "era": 3,
    "backend": None,  # None: what the environment says, or what was usual in the era
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "traceback_filtering": True,
    "interactive_logging": True,
}


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
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float type: 'float16', 'bfloat16', 'float32' or 'float64'."""
    _choose("floatx", value, FLOATS)


def epsilon() -> float:
    """The small number that keeps logarithms and quotients finite."""
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the small number that keeps logarithms and quotients finite."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """The default image layout: 'channels_last' or 'channels_first'."""
    return _settings["image_data_format"]


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

    In these eras the environment's KERAS_BACKEND chooses, as it did: 'theano' or 'tensorflow'.
    """
    asked = _settings["backend"] or os.environ.get("KERAS_BACKEND")
    return asked if era() < 3 and asked in ("theano", "tensorflow") else BACKENDS[era()]


@contextlib.contextmanager
def backend_scope(name: str) -> Iterator[None]:
    """Another answer of `backend`, in eras 1 and 2, for the length of a `with`."""
    before, _settings["backend"] = _settings["backend"], name
    try:
        yield
    finally:
        _settings["backend"] = before
