"""The era that a program was written in, told by its words."""

import ast
from pathlib import Path

from .. import config
from .border import names, rename

Weights = tuple[int, int, int]  # how much something speaks for era 1, 2 and 3

OLD, BOTH, NEW = (3, 1, 0), (2, 2, 0), (0, 2, 2)  # Keras 2 still understood much of Keras 1, and said so

EVIDENCE: dict[str, dict[str, Weights]] = {
    "module": {  # a path below `keras`, or all of a name; it counts for what is below it too
        "config": (0, 0, 3),
        "cornu": (0, 0, 3),
        "distribution": (0, 0, 4),
        "engine": BOTH,
        "engine.base_layer": (0, 3, 0),
        "initializations": (5, 0, 0),
        "initializers": NEW,
        "layers.advanced_activations": BOTH,
        "layers.containers": (5, 0, 0),
        "layers.convolutional": BOTH,
        "layers.core": BOTH,
        "layers.embeddings": BOTH,
        "layers.experimental": (0, 1, 2),
        "layers.local": BOTH,
        "layers.merge": (0, 4, 0),
        "layers.noise": BOTH,
        "layers.normalization": BOTH,
        "layers.pooling": BOTH,
        "layers.recurrent": BOTH,
        "layers.wrappers": BOTH,
        "legacy": (0, 3, 0),
        "losses": NEW,
        "objectives": (4, 1, 0),
        "ops": (0, 0, 5),
        "random": (0, 0, 4),
        "saving": (0, 0, 4),
        "tensorflow.contrib.keras": (0, 4, 0),
        "tensorflow.keras": NEW,  # of TensorFlow 2: computes as Keras 3 does
        "tensorflow.python.keras": NEW,
        "tf_keras": NEW,
        "tree": (0, 0, 4),
        "utils.np_utils": BOTH,
        "utils.vis_utils": (0, 3, 0),
        "utils.visualize_util": (5, 0, 0),
        "wrappers.scikit_learn": BOTH,
    },
    "import": {  # from a module of Keras; elsewhere the words are too common
        "Add": NEW,
        "Concatenate": NEW,
        "Graph": (4, 0, 0),
        "Merge": (4, 1, 0),
        "concatenate": NEW,
        "merge": (4, 1, 0),
    },
    "name": {
        **dict.fromkeys(
            ["AtrousConvolution1D", "AtrousConvolution2D", "Deconvolution2D", "SeparableConvolution2D"], OLD
        ),
        **dict.fromkeys(["Convolution1D", "Convolution2D", "Convolution3D", "Highway", "MaxoutDense"], OLD),
        **dict.fromkeys(["Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D", "compute_output_shape"], NEW),
        **dict.fromkeys(
            ["ParametricSoftplus", "SReLU", "TimeDistributedDense", "get_output_shape_for"], (4, 0, 0)
        ),
        **dict.fromkeys(["WeightRegularizer", "activity_l1", "activity_l2", "l1l2"], (4, 0, 0)),
        **dict.fromkeys(["image_dim_ordering", "set_image_dim_ordering"], OLD),
        **dict.fromkeys(["CuDNNGRU", "CuDNNLSTM", "multi_gpu_model"], (0, 4, 0)),
        **dict.fromkeys(["LayerNormalization", "MultiHeadAttention"], (0, 1, 3)),
        **dict.fromkeys(["KerasTensor", "PyDataset", "StatelessScope"], (0, 0, 4)),
        "fit_generator": (1, 2, 0),
        "get_updates": BOTH,
        "image_data_format": (0, 2, 1),
        "predict_classes": BOTH,
        "predict_proba": (1, 1, 0),
    },
    "argument": {  # of whatever call
        "nb_epoch": (4, 1, 0),
        "nb_val_samples": (4, 1, 0),
        "nb_worker": (4, 1, 0),
        "samples_per_epoch": (4, 1, 0),
        "show_accuracy": (5, 0, 0),
        "steps_per_epoch": NEW,
    },
    "old": {  # arguments that the tables call old: OLD, but for these
        "X": (1, 1, 0),
        "alpha": BOTH,
        "batch_input_shape": (1, 1, 0),
        "implementation": (0, 1, 0),
        "lr": BOTH,
        "max_queue_size": (0, 1, 0),
        "use_multiprocessing": (0, 1, 0),
        "workers": (0, 1, 0),
    },
    "new": {  # arguments that the tables call new: NEW, but for these, which some classes always had
        "dropout": (0, 1, 1),
        "dtype": (0, 0, 0),
        "pool_size": (0, 0, 0),
        "size": (0, 0, 0),
        "strides": (0, 0, 0),
    },
}


ALSO, ALSO_SAY = ("scikeras", "sklearn", "xgboost"), ("predict_proba",)  # whose word it is too


def below(full_name: str) -> str | None:
    """The path of a module below `keras`, wherever the program found Keras; None where it is not Keras."""
    for root in names.ROOTS:
        if full_name == root or full_name.startswith(f"{root}."):
            return full_name[len(root) + 1 :]
    return None


class Reader(ast.NodeVisitor):
    """Collects what tells the era of a program: `found`, word -> (weights, line); and what it imports."""

    def __init__(self):
        self.found: dict[str, tuple[Weights, int]] = {}
        self.imported: set[str] = set()

    def note(self, word: str, weights: Weights | None, line: int) -> None:
        if weights and any(weights):
            self.found.setdefault(word, (weights, line))

    def note_module(self, full_name: str, line: int) -> None:
        self.imported.add(full_name)
        for path in {full_name, below(full_name) or full_name}:
            while path and path not in EVIDENCE["module"]:
                path = path.rpartition(".")[0]
            self.note(full_name, EVIDENCE["module"].get(path), line)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.note_module(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        keras = below(module) is not None or module == "tensorflow"
        for alias in node.names:
            path = f"{module}.{alias.name}".lstrip(".")
            self.imported.add(path)
            word = EVIDENCE["import"].get(alias.name) or EVIDENCE["name"].get(alias.name)
            if keras and word:
                self.note(alias.name, word, node.lineno)
            self.note_module(
                path if keras and not word and below(path) in names.MODULES else module, node.lineno
            )

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.note(node.attr, EVIDENCE["name"].get(node.attr), node.lineno)
        if isinstance(node.value, ast.Name) and node.value.id == "keras":
            self.note_module(f"keras.{node.attr}", node.lineno)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.note(node.name, EVIDENCE["name"].get(node.name), node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        callee = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        self.note(callee, EVIDENCE["name"].get(callee), node.lineno)
        owner = rename("layers", callee)
        renamed = names.ARGUMENTS.get(owner, {}) | names.METHODS.get(f"Model.{callee}", {})
        renamed |= {old: new for new, olds in names.MERGED.get(owner, {}).items() for old in olds}
        for keyword in node.keywords:
            word = keyword.arg or ""
            weights = EVIDENCE["argument"].get(word)
            if weights is None and word in renamed:
                weights = EVIDENCE["old"].get(word, OLD)
            elif weights is None and word in renamed.values():
                weights = EVIDENCE["new"].get(word, NEW)
            self.note(word, weights, keyword.value.lineno)
        if owner in names.MERGED and len(node.args) > 2:
            apart = not any(isinstance(each, ast.Tuple | ast.List | ast.Starred) for each in node.args[1:3])
            self.note(
                f"{callee}({', '.join(map(ast.unparse, node.args[:3]))})", OLD if apart else NEW, node.lineno
            )
        self.generic_visit(node)


Found = dict[str, tuple[Weights, Path | None, int]]  # word -> (weights, file, line)


def collect(source: str | bytes, file: Path | None = None) -> Found:
    """What tells the era of a program, and of the modules beside it that it imports."""
    found: Found = {}
    waiting, seen = [(source, file)], {file}
    while waiting:
        source, here = waiting.pop()
        reader = Reader()
        try:
            reader.visit(ast.parse(source))
        except (SyntaxError, ValueError):  # running it will tell
            continue
        if any(name.partition(".")[0] in ALSO for name in reader.imported):
            reader.found = {word: each for word, each in reader.found.items() if word not in ALSO_SAY}
        for word, (weights, line) in reader.found.items():
            found.setdefault(word, (weights, here, line))
        for name in reader.imported if file else ():
            base = file.parent.joinpath(*name.split("."))
            for each in (base.with_suffix(".py"), base / "__init__.py"):
                if each not in seen and each.is_file():
                    seen.add(each)
                    waiting.append((each.read_bytes(), each))
    return found


def decide(found: Found, main: Path | None = None) -> tuple[int, str]:
    """The era that the evidence speaks for most, the later of equals; and why, in words."""
    if not found:
        return 3, "nothing in it tells"
    totals = [sum(weights[i] for weights, _, _ in found.values()) for i in range(3)]
    era = max(config.ERAS, key=lambda era: (totals[era - 1], era))
    shown = []
    for word, (weights, file, line) in sorted(found.items(), key=lambda item: -item[1][0][era - 1])[:3]:
        if weights[era - 1]:
            shown.append(f"{word} ({'' if file == main else f'{file.name} '}line {line})")
    return era, "told by " + ", ".join(shown)


def detect(source: str | bytes, file: Path | None = None) -> tuple[int, str]:
    """The era that a program was written in, and why.

    Args:
        source: the program.
        file: where it lies; modules beside it that it imports are read too.

    Example:
        >>> detect("Dense(output_dim=3, init='uniform')")
        (1, 'told by output_dim (line 1), init (line 1)')
    """
    return decide(collect(source, file), file)
