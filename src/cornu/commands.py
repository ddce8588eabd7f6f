"""What the command line does with files: `cornu convert`, `cornu summary` and `cornu diff`."""

import argparse
import contextlib
import pathlib
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .model import Model
from .saving import archive

SAME, DIFFERENT, FAULT = 0, 1, 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all of the command line does."""

    def error(self, message: str):
        raise ValueError(f"{message}; see {self.prog} --help")


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Warnings as lines on stderr, for the length of a `with`."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *rest: print(f"cornu: note: {message}", file=sys.stderr)
        yield


def load(path: str, backend: str | None = None) -> Model:
    return archive.load_model(path, backend=backend)


# ---- convert -------------------------------------------------------------------------------------


def convert(words: Sequence[str]) -> int:
    """`cornu convert OLD NEW`: a model of any era, written anew."""
    parser = Parser(
        "cornu convert",
        description="Read a model that any version of Keras saved, and write it in today's format.",
        epilog="exit code: 0, or 2 where it cannot be done",
    )
    parser.add_argument("old", help="a .h5 or .keras file with a whole model")
    parser.add_argument("new", help=".keras, or .h5; .weights.h5 or .safetensors for the weights alone")
    parser.add_argument("--backend", choices=("theano", "tensorflow"), help="what Keras ran on, where a file of "
                        "Keras 1 does not tell")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    given = parser.parse_args(words)
    new = pathlib.Path(given.new)
    if new.exists() and not given.force:
        raise ValueError(f"{new} is there already; --force replaces it")
    model = load(given.old, given.backend)
    if new.name.endswith(".weights.h5") or new.suffix == archive.TENSORS:
        model.save_weights(new)
    else:
        model.save(new)
    print(f"{given.new}: {model.name}, {model.count_params():,} numbers in {len(model.weights)} weights")
    return SAME


# ---- summary -------------------------------------------------------------------------------------


def summary(words: Sequence[str]) -> int:
    """`cornu summary FILE`: the layers of a model, or the weights of a file that has only these."""
    parser = Parser(
        "cornu summary",
        description="Print the layers of a saved model, or the names and shapes in a file of weights.",
        epilog="exit code: 0, or 2 for a file that cannot be read",
    )
    parser.add_argument("file", help="any file that Keras or Cornu wrote, or .safetensors")
    parser.add_argument("--weights", action="store_true", help="names and shapes of the weights in any case")
    given = parser.parse_args(words)
    if not given.weights and archive.has_model(given.file):
        load(given.file).summary()
        return SAME
    arrays = archive.arrays_in(given.file)
    for name, array in arrays.items():
        print(f"{name}  {array.dtype}{list(array.shape)}")
    print(f"{sum(array.size for array in arrays.values()):,} numbers in {len(arrays)} weights")
    return SAME


# ---- diff ----------------------------------------------------------------------------------------


def diff(words: Sequence[str]) -> int:
    """`cornu diff A B`: which weights differ, and by how much."""
    parser = Parser(
        "cornu diff",
        description="Compare the weights of two files. Files of one layout are compared name by name; models in "
        "files of two layouts are loaded, and compared weight by weight.",
        epilog="exit code: 0 where all is the same, 1 where something differs, 2 for a file that cannot be read",
    )
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument(
        "--tolerance", type=float, default=0.0, help="the largest difference that is none (0)"
    )
    given = parser.parse_args(words)
    first, second = archive.arrays_in(given.a), archive.arrays_in(given.b)
    if not set(first) & set(second) and all(map(archive.has_model, (given.a, given.b))):
        first, second = (by_place(load(path)) for path in (given.a, given.b))
    lines = list(differences(first, second, given.tolerance))
    print("\n".join(lines) if lines else f"the same: {len(first)} weights")
    return DIFFERENT if lines else SAME


def by_place(model: Model) -> dict[str, np.ndarray]:
    """A model's weights by their number and name."""
    return {f"{index} {cell.name}": cell.numpy() for index, cell in enumerate(model.weights)}


def differences(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], tolerance: float = 0.0
) -> Iterator[str]:
    """A line for every weight that is not in both, has another shape or type, or differs by more than `tolerance`.

    What is not a number is the same as itself.
    """
    for name in dict.fromkeys([*first, *second]):
        if name not in first or name not in second:
            yield f"{name}: only in the {'first' if name in first else 'second'} file"
            continue
        a, b = first[name], second[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            yield f"{name}: {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
            continue
        if a.dtype.kind not in "biufcV" or a.dtype.name == "bool":
            if not np.array_equal(a, b):
                yield f"{name}: differ"
            continue
        a, b = (each.astype("complex128" if each.dtype.kind == "c" else "float64") for each in (a, b))
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            apart = np.where(same, 0.0, np.abs(a - b))
        over = ~(apart <= tolerance)
        if over.any():
            largest = np.nanmax(apart) if not np.isnan(apart).all() else np.nan
            yield f"{name}: {int(over.sum()):,} of {a.size:,} numbers differ, by {largest:.3g} at most"


COMMANDS = {"convert": convert, "summary": summary, "diff": diff}


def run(name: str, words: Sequence[str]) -> int:
    """One of the commands; its exit code. A fault is one line on stderr."""
    try:
        with told():
            return COMMANDS[name](words)
    except (ValueError, OSError, ImportError, NotImplementedError) as error:
        print(f"cornu {name}: {error}", file=sys.stderr)
        return FAULT
