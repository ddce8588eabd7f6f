"""Programs written for Keras, run on Cornu: `keras`, `tf_keras` and `tensorflow.keras` import as this library."""

import builtins
import difflib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import config
from . import backend_settings, sessions, surroundings
from .border import names, rename
from .detect import Found, below, collect, decide, detect

__all__ = [
    "NotFound",
    "detect",
    "install",
    "load_ipython_extension",
    "run_module",
    "run_script",
    "uninstall",
    "unload_ipython_extension",
]

# ---- names in modules that stand for Keras's --------------------------------------------------------

TENSORFLOW_VERSIONS = {1: "0.12.1", 2: "2.0.0", 3: "2.16.1"}

# The parts of TensorFlow that programs reach into; what they hold is not here, and is named in full when asked for.
NAMESPACES = """
    app audio autodiff autograph bitwise compat compat.v1 compat.v2 config contrib data debugging distribute
    dtypes errors estimator experimental feature_column flags gfile image initializers io layers linalg lite logging
    losses math metrics nn nn.rnn_cell profiler python random saved_model sets signal sparse strings summary test tpu
    train types version
""".split()

THEANO = "config ifelse sandbox sandbox.rng_mrg sparse tensor tensor.nnet tensor.shared_randomstreams".split()

INSTEAD = {  # what to write for a name of TensorFlow, where the same word is no function of Keras
    "GradientTape": "a `train_step` method, or jax.grad with `layer.stateless_call`",
    "InteractiveSession": "nothing; there are no sessions",
    "Session": "nothing; there are no sessions",
    "Tensor": "keras.KerasTensor for symbols; arrays are jax.Array",
    "Variable": "keras.Variable, or keras.backend.variable",
    "batch_matmul": "keras.ops.matmul",
    "concat": "keras.ops.concatenate",
    "constant": "keras.ops.convert_to_tensor",
    "data.Dataset": "arrays, a generator or a keras.utils.PyDataset",
    "float32": "'float32'",
    "function": "nothing; training and prediction are compiled as they are",
    "grad": "keras.backend.gradients",
    "int32": "'int32'",
    "placeholder": "keras.Input, or keras.backend.placeholder",
    "random.set_seed": "keras.utils.set_random_seed",
    "random_normal": "keras.random.normal",
    "random_uniform": "keras.random.uniform",
    "reduce_max": "keras.ops.max",
    "reduce_mean": "keras.ops.mean",
    "reduce_min": "keras.ops.min",
    "reduce_prod": "keras.ops.prod",
    "reduce_sum": "keras.ops.sum",
    "scan": "keras.backend.rnn",
    "set_random_seed": "keras.utils.set_random_seed",
    "shared": "keras.backend.variable",
    "theano.function": "keras.backend.function",
}


TOLD: dict[str, Callable[[], str]] = {  # what programs only ask about
    "tensorflow.__version__": lambda: TENSORFLOW_VERSIONS[config.era()],
    "theano.config.device": lambda: "cpu",
    "theano.config.floatX": config.floatx,
}


def load(path: str) -> types.ModuleType | None:
    """A module of Cornu's, by its path below the library; None where there is none."""
    name = f"cornu.{path}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


class Alias(types.ModuleType):
    """A module of Keras: its names are looked up in Cornu's modules when they are asked for."""

    def __init__(self, name: str, path: str):
        super().__init__(name)
        self.__path__: list[str] = []
        self._path = path
        self._modules = {target: module for target in _targets(name, path) if (module := load(target))}
        if not self._modules:
            raise ModuleNotFoundError(f"Cornu has no `{name}`.")

    @property
    def __version__(self) -> str:
        return names.VERSIONS[config.era()]

    @property
    def __all__(self) -> list[str]:
        found = set()
        for target, module in self._modules.items():
            public = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
            found.update(name for name in public if not isinstance(getattr(module, name), types.ModuleType))
            found.update(old for old, new in names.CLASSES.get(target, {}).items() if hasattr(module, new))
        if config.era() < 3 and self._path.partition(".")[0] in names.STARRED:
            found.update(("K", "np"))
        return sorted(found)

    def __getattr__(self, name: str):
        if not name.startswith("__"):
            below_this = f"{self._path}.{name}".lstrip(".")
            if _is_inside(self.__name__) and below_this in names.INSIDE:
                return self._submodule(f"{self.__name__}.{name}")
            for target, module in self._modules.items():
                for each in (name, rename(target, name)):
                    found = getattr(module, each, None)
                    if found is not None and not isinstance(found, types.ModuleType):
                        return found
            if below_this in names.MODULES:
                return self._submodule(f"{self.__name__}.{name}")
            if name in names.LEAKED and self._path:
                return self._submodule(f"keras.{names.LEAKED[name]}")
            if self._path and names.BORROWED.get(name, self._path) != self._path:
                return getattr(self._submodule(f"keras.{names.BORROWED[name]}"), name)
            if name in names.STRANGERS and self._path and (config.era() < 3 or name == "tf"):
                return importlib.import_module(names.STRANGERS[name])
            if name.startswith("_") and hasattr(self, name[1:]):  # as Keras 2.0 and 2.1 had many of them
                return getattr(self, name[1:])
        raise AttributeError(self._missing(name))

    def _submodule(self, name: str) -> types.ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise AttributeError(str(error)) from None

    def _is_home(self, name: str) -> bool:
        """Whether `name` is the file of a class, as in `keras.layers.core.dense`."""
        return "." in self._path and name.replace("_", "") in (
            public.lower() for public in self.__all__ if public != name
        )

    def _missing(self, name: str) -> str:
        if name in names.GONE:
            return f"Cornu has no `{self.__name__}.{name}`. In its place: {names.GONE[name]}."
        close = difflib.get_close_matches(name, [*self.__all__, *_submodules(self._path)], n=1)
        return f"Cornu has no `{self.__name__}.{name}`." + (f" Did you mean `{close[0]}`?" if close else "")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__, *_submodules(self._path)})


def _is_inside(name: str) -> bool:
    """Whether a module is of Keras 3's own source tree."""
    return f"{name}.".startswith("keras.src.")


def _folder(path: str) -> str:
    """The path that stands for one of Keras 3's source tree: its own, or for a file that of the folder it lies in."""
    above, _, name = path.rpartition(".")
    if path in names.INSIDE or path in names.MODULES or not name.islower():
        return path
    while above not in names.INSIDE and above not in names.MODULES:
        if above not in names.FOLDERS:
            return path
        above = above.rpartition(".")[0]
    return above if above else path


def _targets(name: str, path: str) -> tuple[str, ...]:
    """The modules of Cornu where the names of a module of Keras are looked up, in this order."""
    if not _is_inside(name):
        return names.MODULES[path]
    return (*(names.INSIDE.get(path) or names.MODULES[path]), *names.BESIDE)


def _submodules(path: str) -> list[str]:
    return [
        name for each in names.MODULES if each for above, _, name in [each.rpartition(".")] if above == path
    ]


class Foreign(types.ModuleType):
    """TensorFlow, Theano or a part of them: the way to `tensorflow.keras`, and clear words about all the rest."""

    def __init__(self, name: str):
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str):
        full_name = f"{self.__name__}.{name}"
        if full_name in TOLD:
            return TOLD[full_name]()
        if full_name in sessions.PLACES and config.era() < 3:
            return sessions.PLACES[full_name]
        if below(full_name) is not None or _leads_to_keras(full_name):
            return importlib.import_module(full_name)
        raise AttributeError(foreign(full_name))


def _leads_to_keras(full_name: str) -> bool:
    root, _, rest = full_name.partition(".")
    if root == "theano":
        return not rest or rest in THEANO
    return not rest or rest in NAMESPACES or any(root.startswith(f"{full_name}.") for root in names.ROOTS)


def foreign(full_name: str) -> str:
    """What to tell about a name of TensorFlow or Theano that is not Keras."""
    root, _, rest = full_name.partition(".")
    last = rest.rpartition(".")[2]
    instead = INSTEAD.get(full_name) or INSTEAD.get(rest) or INSTEAD.get(last)
    for path, shown in (("ops", "keras.ops"), ("eras.backend", "keras.backend"))[
        :: 1 if config.era() == 3 else -1
    ]:
        if instead is None and last in getattr(load(path), "__all__", ()):
            instead = f"{shown}.{last}"
    way_out = f" In its place: {instead}." if instead else ""
    said, owner = (f"tf.{rest}", "TensorFlow") if root == "tensorflow" else (full_name, "Theano")
    return f"`{said}` belongs to {owner}; Cornu runs the Keras part of a program.{way_out}"


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds Keras and the door to it in TensorFlow, before any installed package of these names."""

    def find_spec(self, full_name: str, path=None, target=None) -> importlib.machinery.ModuleSpec | None:
        if not _is_asked(full_name):
            return None
        where, (above, _, name) = below(full_name), full_name.rpartition(".")
        if where is None and not _leads_to_keras(full_name):
            raise ModuleNotFoundError(foreign(full_name))
        if where is not None and _is_inside(full_name):
            where = _folder(where)
        if where is not None and where not in names.MODULES and where not in names.INSIDE:
            holder = importlib.import_module(above)
            if not holder._is_home(name):
                raise ModuleNotFoundError(holder._missing(name))
            where = holder._path
        return importlib.machinery.ModuleSpec(full_name, self, is_package=True, loader_state=where)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return Foreign(spec.name) if spec.loader_state is None else Alias(spec.name, spec.loader_state)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: names are looked up when they are asked for."""


FINDER = Finder()


def _is_asked(full_name: str) -> bool:
    return full_name.partition(".")[0] in ("keras", "tensorflow", "tf_keras", "theano")


_aside: dict[str, types.ModuleType] = {}  # what was imported under these names before


def install() -> None:
    """Let `import keras`, `tf_keras` and `tensorflow.keras` mean Cornu from now on."""
    if FINDER not in sys.meta_path:
        _aside.update(_taken())
        sys.meta_path.insert(0, FINDER)


def uninstall() -> None:
    """Let these names mean again what is installed under them."""
    if FINDER in sys.meta_path:
        sys.meta_path.remove(FINDER)
        _taken()
        sys.modules.update(_aside)
        _aside.clear()


def _taken() -> dict[str, types.ModuleType]:
    """The modules under these names, taken out of those that are imported."""
    return {name: sys.modules.pop(name) for name in list(filter(_is_asked, sys.modules))}


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext cornu`: what a notebook imports as Keras is Cornu."""
    install()
    print(f"keras is Cornu now, in era {config.era()}; cornu.set_era(1), (2) or (3) chooses.")


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext cornu`."""
    uninstall()


# ---- running -------------------------------------------------------------------------------------------


class NotFound(Exception):
    """There is no such program."""


def run_script(path: str | os.PathLike, argv: Sequence[str] = (), era: int | None = None) -> None:
    """Run a program as `python path argv…` would, with Keras imported as Cornu.

    Args:
        path: the program.
        argv: its arguments.
        era: 1, 2 or 3; None: found by reading the program, and told in one line on stderr.

    Raises NotFound for a file that cannot be read, and whatever the program raises.
    """
    name, file = os.fspath(path), Path(path).absolute()
    try:
        source = file.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot read {name}: {error.strerror}") from None
    _enter(name, era, lambda: decide(collect(source, file), file))
    _set_path(str(file.resolve().parent))
    sys.argv = [name, *argv]
    main = types.ModuleType("__main__")
    vars(main).update(__file__=name, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = main
    exec(compile(source, name, "exec"), vars(main))


def run_module(name: str, argv: Sequence[str] = (), era: int | None = None) -> None:
    """Run a module as `python -m name argv…` would, with Keras imported as Cornu.

    Without an era, the module and the programs and folders named in `argv` are read.

    Raises NotFound where there is no such module, and whatever the module raises.
    """
    _set_path(os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise NotFound(f"no module named {name}")
    _enter(name, era, lambda: decide(_collect_all(spec.origin, argv)))
    sys.argv = [name, *argv]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _enter(name: str, era: int | None, decided: Callable[[], tuple[int, str]]) -> None:
    if era is None:
        era, why = decided()
        known = f"era {era} (Keras {names.VERSIONS[era]})"
        print(f"cornu: {name}: {known}, {why}; --era decides otherwise", file=sys.stderr)
    config.set_era(era)
    backend_settings.compute_in(config.floatx())
    if era < 3:
        surroundings.install()
    install()
    sys.excepthook = _excepthook


def _collect_all(origin: str | None, argv: Sequence[str]) -> Found:
    found: Found = {}
    for each in [origin or "", *(argument.partition("::")[0] for argument in argv)]:
        path = Path(each)
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if each and file.suffix == ".py" and file.is_file():
                found = collect(file.read_bytes(), file.absolute()) | found
    return found


def _set_path(first: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = first


def _excepthook(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Show an error as the program alone would have: without the frames that lead to it."""
    while trace and trace.tb_frame.f_code.co_filename in _LEADING:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


_PACKAGE = Path(__file__).parent.parent
_LEADING = {str(_PACKAGE / "cli.py"), str(_PACKAGE / "__main__.py"), __file__, "<frozen runpy>"}
