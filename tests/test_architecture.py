"""The house stands: each module imports only what is on a lower floor, and each facade shows what it says it shows."""

import ast
import fnmatch
import graphlib
import importlib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

# Modules by floor. A module may import those of lower floors, never one of its own floor or above.
# Package `__init__` files are facades: they stand on no floor, and nothing inside the house imports them.
FLOORS = {
    0: "config datasets.readers eras.accuracy eras.backend_table eras.interfaces eras.names "
    "eras.sessions eras.surroundings layers.spec ops.classes ops.cpu ops.onednn scope startup "
    "training.in_file training.record tree utils.data utils.h5dict writing",
    1: "datasets.housing datasets.words debug dtypes eras.border eras.first_layers "
    "preprocessing.image_affine safety saving.era_weights training.events utils.drawing "
    "utils.io_utils",
    2: "applications.audio_conv_utils eras.detect registry saving.era_optimizers saving.folder "
    "saving.h5_reader saving.walk training.progress utils.conv_utils utils.image variable",
    3: "base dtype_policies eras.initializations preprocessing.image_transforms saving.assets "
    "saving.objects symbol training.notes utils.files utils.generic_utils utils.np_utils",
    4: "datasets.cifar datasets.sources ends eras.backend_sizes graph ops.sizes "
    "preprocessing.image_iterators preprocessing.text saving.orbax training.callback training.data",
    5: "datasets.boston_housing datasets.california_housing datasets.cifar10 datasets.cifar100 "
    "datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters eras.backend_settings "
    "eras.on_symbols ops.wrap preprocessing.image_folders training.backup training.finite "
    "training.monitors training.run training.tensorboard",
    6: "eras.run ops.arrays ops.control ops.convolution ops.ctc ops.files ops.indexing ops.patches "
    "ops.products ops.table preprocessing.image_frames random training.leaving "
    "training.orbax_checkpoint",
    7: "eras.backend_graph eras.explain eras.past functional ops.attention ops.linalg ops.maths "
    "ops.numpy ops.pooling ops.recurrent ops.warp preprocessing.image saving.tf_keras training.step",
    8: "applications.imagenet_utils constraints eras.backend_ctc eras.updates initializers layers.code "
    "ops.image ops.nn ops.operators optimizers.schedules pairs saving.hdf5 utils.losses_utils "
    "utils.text_summary",
    9: "activations eras.past_model loss_functions metrics.batchwise optimizers.state regularizers "
    "saving.shards saving.tensors utils.layer_utils utils.metrics_utils utils.numeric utils.plot",
    10: "eras.backend_nn layers.arguments layers.state losses metrics.metric optimizers.optimizer "
    "preprocessing.sequence saving.archive",
    11: "eras.inside eras.optimizers layers.layer metrics.confusion metrics.iou metrics.pointwise "
    "metrics.scores optimizers.loss_scale optimizers.moments optimizers.rules saving.saved "
    "training.checkpoint",
    12: "eras.layer_metrics layers.activation layers.attention layers.cells layers.conv layers.core "
    "layers.einsum layers.local layers.merge layers.normalization layers.plain layers.pool "
    "layers.recurrent_steps layers.regularization layers.reshape layers.wrappers metrics.auc "
    "optimizers.multi training.callbacks",
    13: "callbacks eras.backend_maths eras.graph0 eras.unseen layers.depthwise layers.multi_head "
    "layers.recurrent training.generators training.losses",
    14: "eras.backend_images eras.backend_loops eras.engine layers.bygone layers.convolutional_recurrent "
    "training.compiled",
    15: "eras.backend_first training.loop",
    16: "eras.backend model",
    17: "applications.building backend commands eras.backend_engine sequential",
    18: "applications.inception_v3 applications.music_tagger_crnn applications.resnet50 "
    "applications.vgg16 cli eras.containers eras.tensorflow_backend eras.theano_backend models "
    "wrappers.scikit_learn",
    19: "__main__ applications.vgg19 applications.xception testing utils.test_utils",
}

# Whatever the floors: (who, never imports, except in).
NEVER = [
    ("graph", "layers.*", ""),
    ("saving.*", "layers.*", ""),
    ("saving.*", "model*", ""),
    ("saving.*", "sequential", ""),
    ("training.step", "layers.*", ""),
    ("*", "eras.names", "eras.border"),
]

NAME = "cornu"
SOURCE = Path(__file__).resolve().parent.parent / "src" / NAME
FLOOR = {module: floor for floor, modules in FLOORS.items() for module in modules.split()}


class Import(NamedTuple):
    """One import of our own, resolved."""

    target: str  # dotted, without the library's name; "" is the library itself
    name: str  # what was asked of the target
    line: int
    function: str | None  # the one it stands in


def dotted(file: Path) -> str:
    """A file's name as a module, without the library's own: ops/nn.py is "ops.nn", ops/__init__.py "ops"."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(SOURCE.rglob("*.py"))
MODULES = {dotted(file): file for file in FILES if file.name != "__init__.py"}
PACKAGES = {dotted(file): file for file in FILES if file.name == "__init__.py"}


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"), str(file))


def statements(tree: ast.AST, function: str | None = None) -> Iterator[tuple[ast.stmt, str | None]]:
    """The import statements of a tree, each with the function it stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, function
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from statements(node, node.name if inside else function)


def origin(node: ast.ImportFrom, module: str) -> str | None:
    """What comes after `from`, as a dotted name below the library's; None where it is not ours."""
    if node.level:
        above = module.split(".")[: -node.level]
        return ".".join([*above, *(node.module or "").split(".")]).strip(".")
    first, _, rest = (node.module or "").partition(".")
    return rest if first == NAME else None


def targets(node: ast.Import | ast.ImportFrom, module: str) -> Iterator[tuple[str, str]]:
    """What a statement imports of our own: `from ..ops import nn` is "ops.nn", `from ..ops import relu` is "ops".

    Each comes with the name that was asked for.
    """
    if isinstance(node, ast.Import):
        names = [alias.name.partition(".") for alias in node.names]
        yield from ((rest, rest or NAME) for first, _, rest in names if first == NAME)
        return
    source = origin(node, module)
    if source is None:
        return
    for alias in node.names:
        inner = f"{source}.{alias.name}".strip(".")
        yield (inner if inner in MODULES or inner in PACKAGES else source), alias.name


def imports(module: str) -> list[Import]:
    """Everything of our own that a module imports."""
    return [
        Import(target, name, node.lineno, function)
        for node, function in statements(parse(MODULES[module]))
        for target, name in targets(node, module)
    ]


IMPORTS = {module: imports(module) for module in MODULES}


def each_import() -> Iterator[tuple[str, Import, str]]:
    """Module, import, and where that is, for messages."""
    for module, found in IMPORTS.items():
        for each in found:
            yield module, each, f"{MODULES[module].relative_to(SOURCE.parent.parent)}:{each.line}"


def report(faults: list[str]) -> None:
    """Fail with a line for each fault."""
    if faults:
        pytest.fail("\n".join(["", *dict.fromkeys(faults)]), pytrace=False)


def test_every_folder_is_a_package():
    folders = sorted({file.parent for file in FILES})
    missing = [folder for folder in folders if not (folder / "__init__.py").exists()]
    report([f"{folder.relative_to(SOURCE.parent.parent)} needs an __init__.py" for folder in missing])


def test_every_module_has_a_floor():
    listed = [module for modules in FLOORS.values() for module in modules.split()]
    faults = [
        f"{module} stands twice in FLOORS: keep one" for module in {*listed} if listed.count(module) > 1
    ]
    for module in sorted(MODULES.keys() - FLOOR.keys()):
        below = [FLOOR.get(each.target, -1) for each in IMPORTS[module]]
        faults.append(
            f"{module} has no floor: write it into FLOORS, on {max(below, default=-1) + 1} or above"
        )
    faults += [
        f"{module} is on floor {FLOOR[module]}, but there is no such module: take it out of FLOORS"
        for module in sorted(FLOOR.keys() - MODULES.keys())
    ]
    report(faults)


def test_imports_go_down():
    report(
        [
            f"{where}: {module} (floor {FLOOR[module]}) imports {each.target} (floor {FLOOR[each.target]}): "
            f"raise {module} above it, or pass in what it needs"
            for module, each, where in each_import()
            if module in FLOOR and each.target in FLOOR and FLOOR[each.target] >= FLOOR[module]
        ]
    )


def test_no_import_cycle():
    graph = {module: {each.target for each in found} & MODULES.keys() for module, found in IMPORTS.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail("modules import one another in a circle: " + " -> ".join(reversed(error.args[1])))


def test_imports_are_at_the_top():
    report(
        [
            f"{where}: {each.function}() imports {each.target or NAME}: "
            "import it at the top, or take it from the registry or as an argument"
            for _, each, where in each_import()
            if each.function
        ]
    )


def test_imports_name_the_module():
    report(
        [
            f"{where}: takes {each.name} from the package {each.target or NAME}: name the module that defines it"
            if each.target in PACKAGES
            else f"{where}: takes {each.name} from {each.target}, which is no module of {NAME}"
            for _, each, where in each_import()
            if each.target not in MODULES
        ]
    )


@pytest.mark.parametrize("who, what, exception", NEVER)
def test_what_is_never_imported(who, what, exception):
    report(
        [
            f"{where}: {module} must not import {each.target}"
            for module, each, where in each_import()
            if fnmatch.fnmatch(module, who) and fnmatch.fnmatch(each.target, what) and module != exception
        ]
    )


def has_code(file: Path) -> bool:
    """Whether a file says more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in parse(file).body)


def names_all(file: Path) -> bool:
    return "__all__" in file.read_text("utf-8")


FACADES = [name for name, file in PACKAGES.items() if has_code(file)]
PUBLIC = [name for name, file in MODULES.items() if names_all(file)]


@pytest.mark.parametrize("name", sorted([*FACADES, *PUBLIC]))
def test_all_is_what_is_shown(name):
    module = importlib.import_module(f"{NAME}.{name}".strip("."))
    shown = getattr(module, "__all__", None)
    assert shown is not None, f"{name or NAME}/__init__.py needs a sorted list `__all__` of what it shows"
    assert list(shown) == sorted({*shown}), f"sort `__all__` of {module.__name__}, each name once"
    missing = [each for each in shown if not hasattr(module, each)]
    assert not missing, f"`__all__` of {module.__name__} names what is not there: {', '.join(missing)}"
    if name in FACADES:
        held = {each for each, value in vars(module).items() if not isinstance(value, types.ModuleType)}
        silent = sorted(each for each in held - {*shown} if not each.startswith("_"))
        assert not silent, f"{module.__name__} holds, but `__all__` does not name: {', '.join(silent)}"
