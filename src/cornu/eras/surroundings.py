"""What programs of 2015 to 2019 took from the libraries beside Keras, and those have no more.

While such a program runs, NumPy has its old names again, and the modules below are found where nobody else has them.
"""

import builtins
import functools
import importlib
import importlib.abc
import importlib.machinery
import io
import itertools
import pickle
import sys
import types
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np

NUMPY = {  # names that NumPy 1.20 to 2.0 took away
    **{name: getattr(builtins, name) for name in ("complex", "float", "int", "object", "str")},
    **{"alltrue": np.all, "cumproduct": np.cumprod, "product": np.prod, "sometrue": np.any},
    **{"Inf": np.inf, "Infinity": np.inf, "NaN": np.nan, "complex_": np.complex128, "float_": np.float64},
    **{"asscalar": lambda a: a.item(), "long": int, "unicode": str, "unicode_": np.str_},
}
PYTHON = {"raw_input": input, "xrange": range}

# ---- scipy.misc: images, through Pillow --------------------------------------------------------------


def _pillow():
    from PIL import Image  # imported here, since few need it

    return Image


def toimage(arr, mode: str | None = None):
    """A Pillow image of numbers `(rows, columns)` or with 3 or 4 channels; all but bytes are scaled to 0...255."""
    data = np.asarray(arr)
    if data.ndim == 3:
        data = np.moveaxis(data, data.shape.index(3 if 3 in data.shape else 4), -1)
    if data.dtype != np.uint8:
        low, high = float(data.min()), float(data.max())
        data = ((data - low) * (255 / ((high - low) or 1)) + 0.5).clip(0, 255).astype("uint8")
    image = _pillow().fromarray(data)
    return image.convert(mode) if mode else image


def imsave(name, arr, format: str | None = None) -> None:  # noqa: A002 - scipy's name
    """Write an image to a file."""
    toimage(arr).save(name, format)


def imread(name, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """The numbers of an image in a file; `flatten`: grey, as floats."""
    image = _pillow().open(name)
    if flatten:
        return np.asarray(image.convert("F"))
    return np.asarray(image.convert(mode) if mode else image)


def imresize(arr, size, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """Bytes of an image in another size: per cent as an int, a share as a float, or `(rows, columns)`."""
    image = toimage(arr, mode)
    if isinstance(size, int | float):
        share = size / 100 if isinstance(size, int) else size
        size = tuple(int(n * share) for n in image.size[::-1])
    return np.asarray(image.resize((size[1], size[0]), getattr(_pillow(), interp.upper())))


# ---- sklearn.cross_validation and sklearn.grid_search ------------------------------------------------

SCORES = ("log_loss", "mean_absolute_error", "mean_squared_error", "median_absolute_error")


def _selection(name: str) -> Any:
    return getattr(importlib.import_module("sklearn.model_selection"), name)


def _scored(name: str) -> Callable:
    """What takes `scoring`, under its old words, for which larger was better too."""

    def make(*args, scoring=None, **kwargs):
        return _selection(name)(*args, scoring=f"neg_{scoring}" if scoring in SCORES else scoring, **kwargs)

    return make


def _folds(name: str, given: str) -> Callable:
    """A list of `(train, test)` rows, of so many samples or of their labels."""

    def make(samples=None, n_folds: int = 3, shuffle: bool = False, random_state=None, **named) -> list:
        samples = named.pop(given, samples)
        size, labels = (samples, None) if given == "n" else (len(samples), samples)
        splits = _selection(name)(n_folds, shuffle=shuffle, random_state=random_state, **named)
        return list(splits.split(np.zeros(size), labels))

    return make


_SCORED = {name: _scored(name) for name in ("GridSearchCV", "RandomizedSearchCV", "cross_val_score")}
_FOLDS = {"KFold": _folds("KFold", "n"), "StratifiedKFold": _folds("StratifiedKFold", "y")}

# ---- the modules ---------------------------------------------------------------------------------------

_SIX = {
    **{f"iter{what}": lambda d, what=what: iter(getattr(d, what)()) for what in ("items", "keys", "values")},
    **{"PY2": False, "PY3": True, "string_types": (str,), "integer_types": (int,), "text_type": str},
    "binary_type": bytes,
}
_MOVES = {
    "cPickle": pickle,
    "input": input,
    "map": map,
    "range": range,
    "reduce": functools.reduce,
    "reload_module": importlib.reload,
    "StringIO": io.StringIO,
    "urllib": urllib,
    "xrange": range,
    "zip": zip,
    "zip_longest": itertools.zip_longest,
}
MODULES: dict[str, dict[str, Any]] = {
    "scipy.misc": {each.__name__: each for each in (imread, imresize, imsave, toimage)},
    "six": _SIX,
    "six.moves": _MOVES,
    "six.moves.cPickle": vars(pickle),
    "six.moves.urllib": vars(urllib),
    **{f"six.moves.urllib.{name}": vars(getattr(urllib, name)) for name in ("error", "parse", "request")},
    "sklearn.cross_validation": {**_SCORED, **_FOLDS},
    "sklearn.grid_search": _SCORED,
}
EMPTIED = ("scipy.misc",)  # which is still there, with nothing in it


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that nobody else has."""

    def find_spec(self, name: str, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        if (
            name not in MODULES
            or name not in EMPTIED
            and importlib.machinery.PathFinder.find_spec(name, path)
        ):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        made = types.ModuleType(spec.name, f"What {spec.name} had.")
        vars(made).update({k: v for k, v in MODULES[spec.name].items() if not k.startswith("__")})
        if spec.name.startswith("sklearn."):
            made.__getattr__ = _selection
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


FINDER = Finder()
_added: list[tuple[Any, str]] = []


def install() -> None:
    """Let it all be found from now on."""
    if FINDER in sys.meta_path:
        return
    sys.meta_path.insert(0, FINDER)
    for owner, named in ((np, NUMPY), (builtins, PYTHON)):
        for name, value in named.items():
            if name not in vars(owner):
                setattr(owner, name, value)
                _added.append((owner, name))


def uninstall() -> None:
    """Take it away again."""
    if FINDER in sys.meta_path:
        sys.meta_path.remove(FINDER)
        for owner, name in _added:
            delattr(owner, name)
        _added.clear()
        for name in [
            name for name, each in sys.modules.items() if getattr(each, "__loader__", None) is FINDER
        ]:
            del sys.modules[name]
