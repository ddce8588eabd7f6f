"""Where each library lives, and how one process of it is run."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import NamedTuple

PEERS = pathlib.Path(".venv-peers")  # made by `make bench-peers`


class Library(NamedTuple):
    """A side of `sides` (or the image code) and the environment it runs in; None: the one that runs this.

    A peer whose environment is not made runs in this one, where what it `needs` is installed.
    """

    side: str
    given: str  # the module, or PyTorch's mode
    home: str | None = None
    environment: dict[str, str] = {}
    needs: tuple[str, ...] = ()

    @property
    def python(self) -> str:
        if self.home is None:
            return sys.executable
        own = PEERS / self.home / "bin" / "python"
        return str(own) if own.exists() or not importable(self.needs) else sys.executable

    @property
    def installed(self) -> bool:
        return os.path.exists(self.python)


def importable(modules: tuple[str, ...]) -> bool:
    """Whether all of them are installed beside Cornu."""
    return all(map(importlib.util.find_spec, modules))


MODELS = {
    "cornu": Library("Keras", "cornu"),
    "keras-jax": Library("Keras", "keras", "keras", {"KERAS_BACKEND": "jax"}, ("keras",)),
    "keras-tensorflow": Library(
        "Keras", "keras", "keras", {"KERAS_BACKEND": "tensorflow"}, ("keras", "tensorflow")
    ),
    "keras-torch": Library("Keras", "keras", "torch", {"KERAS_BACKEND": "torch"}, ("keras", "torch")),
    "torch": Library("Torch", "eager", "torch", needs=("torch",)),
    "torch-compiled": Library("Torch", "compiled", "torch", needs=("torch",)),
}
IMAGES = {
    "cornu": Library("images", "cornu.preprocessing.image"),
    "keras-2.3.1": Library("images", "keras_preprocessing.image", "keras", needs=("keras_preprocessing",)),
}
SLOWER = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # an old kernel that some machines choose for old builds
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_DEPRECATION_WARNINGS": "0", "PYTHONWARNINGS": "ignore"}


class Failed(Exception):
    """A process did not finish; the message is the end of what it said."""


def run(library: Library, *arguments: str) -> dict:
    """What the worker printed, which is given the moment at which its process began."""
    environment = {name: value for name, value in os.environ.items() if name not in SLOWER}
    environment |= {"JAX_PLATFORMS": "cpu", **QUIET, **library.environment, "BEGAN": str(time.monotonic())}
    command = [library.python, "-m", "benchmarks.worker", library.side, library.given, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Failed("\n".join(done.stderr.strip().splitlines()[-15:]))
    return json.loads(done.stdout.splitlines()[-1])
