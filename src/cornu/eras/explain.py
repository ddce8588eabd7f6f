"""`cornu explain program.py`: which words of a program are of which era, and what the runner makes of them."""

import ast
import importlib
import inspect
from pathlib import Path
from typing import NamedTuple

from .. import config, registry
from . import border, run
from .border import names
from .detect import EVIDENCE, below, collect, decide

ROOTS = ("keras", "tensorflow", "tf_keras", "theano")  # what is looked up
METHODS = (
    "compile evaluate fit fit_generator evaluate_generator predict predict_generator train_on_batch".split()
)


class Note(NamedTuple):
    """What is to be said about one line."""

    line: int
    old: str
    new: str
    fails: bool = False


class Source:
    """An argument as it is written, where its value is not known."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other) -> bool:  # it may be anything that is allowed
        return True

    __hash__ = object.__hash__


def value_of(node: ast.expr):
    """The value of an argument, or its text."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return Source(ast.unparse(node))


def lookup(path: str):
    """What a dotted name of Keras or its surroundings stands for; ImportError or AttributeError says why nothing."""
    first, *rest = path.split(".")
    found = importlib.import_module(first)
    for part in rest:
        found = getattr(found, part)
    return found


class Reader(ast.NodeVisitor):
    """Reads a program and keeps `notes` about it."""

    def __init__(self):
        self.notes: list[Note] = []
        self.local: dict[str, str] = {}  # name in the program -> dotted path

    def say(self, node: ast.AST, old: str, new: str, fails: bool = False) -> None:
        self.notes.append(Note(node.lineno, old, new, fails))

    # ---- names -----------------------------------------------------------------------------------

    def dotted(self, node: ast.AST) -> str | None:
        """The path that an expression names, through what was imported."""
        if isinstance(node, ast.Name):
            return self.local.get(node.id)
        if isinstance(node, ast.Attribute) and (before := self.dotted(node.value)):
            return f"{before}.{node.attr}"
        return None

    def find(self, node: ast.AST, path: str | None, text: str):
        """What a path stands for; a note where that is nothing, or has another name today."""
        if path is None or path.partition(".")[0] not in ROOTS:
            return None
        try:
            found = lookup(path)
        except (ImportError, AttributeError) as error:
            self.say(node, text, str(error), fails=True)
            return None
        if new := today(path, found):
            self.say(node, text, new)
        return found

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.local[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
            self.find(node, alias.name, f"import {alias.name}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module or node.module.partition(".")[0] not in ROOTS:
            return
        self.find(node, node.module, f"from {node.module} import ...")
        for alias in node.names:
            if alias.name != "*":
                path = self.local[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                self.find(node, path, f"from {node.module} import {alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.dotted(node)
        if path is None:
            if node.attr in EVIDENCE["name"] and node.attr not in METHODS and not node.attr[0].isupper():
                self.say(
                    node, ast.unparse(node), f"understood, a word of {eras_of(EVIDENCE['name'][node.attr])}"
                )
            self.generic_visit(node)
        else:
            self.find(node, path, ast.unparse(node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.name in EVIDENCE["name"]:
            self.say(
                node, f"def {node.name}", f"understood, a word of {eras_of(EVIDENCE['name'][node.name])}"
            )
        self.generic_visit(node)

    # ---- calls -----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        path = self.dotted(node.func)
        open_ended = any(isinstance(each, ast.Starred) for each in node.args) or any(
            each.arg is None for each in node.keywords
        )
        known = path is not None and path.partition(".")[0] in ROOTS
        if known and not open_ended:
            found = (
                self.find(node.func, path, ast.unparse(node.func)) if "." in ast.unparse(node.func) else None
            )
            try:
                found = found or lookup(path)
            except (ImportError, AttributeError):  # said where it was imported
                found = None
            if found is not None:
                self.explain(node, found)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and not open_ended:
            self.explain_method(node, node.func.attr)
        if not known:
            self.visit(node.func)
        for each in [*node.args, *(keyword.value for keyword in node.keywords)]:
            self.visit(each)

    def explain(self, node: ast.Call, target) -> None:
        """A note where the arguments have other names or places today, or cannot be meant."""
        takes = inspect.isclass(target) or hasattr(target, "plan")
        if not takes or not getattr(target, "__module__", "").startswith("cornu."):
            return
        args = tuple(map(value_of, node.args))
        kwargs = {each.arg: value_of(each.value) for each in node.keywords}
        try:
            made = border.bind(target, args, kwargs)
        except TypeError as error:
            self.say(node, ast.unparse(node), str(error), fails=True)
            return
        own = inspect.signature(target.__init__ if inspect.isclass(target) else target).parameters
        places = [name for name in own if name != "self"][: len(args)]
        same = dict(zip(places, args, strict=False)) | kwargs
        given = {
            name: value for name, value in made.items() if name in same or not implied(target, name, value)
        }
        if {name: repr(value) for name, value in given.items()} != {k: repr(v) for k, v in same.items()}:
            shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
            self.say(node, ast.unparse(node), f"{target.__name__}({shown})")

    def explain_method(self, node: ast.Call, name: str) -> None:
        given = {each.arg: value_of(each.value) for each in node.keywords}
        method = getattr(registry.FAMILIES["models"]["Model"], name)
        if given.pop(getattr(method, "asks_for_accuracy", ""), None):
            self.say(
                node,
                f"{name}(show_accuracy=True)",
                "the accuracy along with the loss; compile(metrics=['accuracy'])",
            )
        try:
            made = method.plan(object, config.era()).translate((), given)[1]
        except TypeError as error:
            self.say(node, f"{name}(...)", str(error), fails=True)
            return
        changed = [old for old in given if old not in made]
        if changed:
            new = {
                key: value
                for key, value in made.items()
                if key not in given and repr(value) in map(repr, given.values())
            }
            show = lambda pairs: ", ".join(f"{key}={value!r}" for key, value in pairs.items())  # noqa: E731
            old = {key: given[key] for key in changed}
            self.say(
                node, f"{name}({show(old)})", f"{name}({show(new)})" if new else "accepted, without effect"
            )


def implied(target, name: str, value) -> bool:
    """Whether an argument that was not given is only the era's default."""
    return any(
        key == name and repr(each) == repr(value)
        for key, each in names.DEFAULTS.get(config.era(), {}).get(target.__name__, {}).items()
    )


def today(path: str, found) -> str | None:
    """Today's name for a path, where it is another."""
    where = below(path)
    if where is None:
        return None
    if where in names.MODULES and inspect.ismodule(found):
        new = next((each for each in names.MODULES[where] if not each.startswith("eras.")), where)
        moved = new != where and new not in ("", where) and not new.startswith(f"{where}.")
        return f"keras.{new}" if moved and new.split(".")[0] in PUBLIC else None
    family, _, name = where.rpartition(".")
    new = border.rename(family.partition(".")[0], name)
    return f"{new}" if new != name else None


PUBLIC = (
    "activations backend callbacks layers losses metrics models optimizers preprocessing saving utils".split()
)


def eras_of(weights: tuple[int, ...]) -> str:
    """The eras that a word speaks for most."""
    most = [str(era) for era in config.ERAS if weights[era - 1] == max(weights)]
    return f"era {' and '.join(most)}"


def explain(path: str, era: int | None = None) -> tuple[str, bool]:
    """What there is to say about a program, and whether all that it names is here.

    Raises NotFound for a file that cannot be read, and SyntaxError for one that is no Python.
    """
    file = Path(path).absolute()
    try:
        source = file.read_bytes()
    except OSError as error:
        raise run.NotFound(f"cannot read {path}: {error.strerror}") from None
    tree = ast.parse(source, path)
    found, why = decide(collect(source, file), file)
    era, why = (found, why) if era is None else (era, "as was said")
    config.set_era(era)
    run.install()
    reader = Reader()
    reader.visit(tree)
    notes = sorted(dict.fromkeys(reader.notes), key=lambda note: note.line)
    lines = [f"{path}: era {era} (Keras {names.VERSIONS[era]}), {why}"]
    width = max((len(str(note.line)) for note in notes), default=1)
    for note in notes:
        lines.append(f"  {note.line:>{width}}  {note.old}")
        lines.append(f"  {'':>{width}}  {'not here: ' if note.fails else '-> '}{note.new}")
    old, wrong = sum(not note.fails for note in notes), sum(note.fails for note in notes)
    lines.append(
        f"{old} old spelling{'s' * (old != 1)}, understood as they stand"
        if old
        else "no old spelling: all is in today's words"
    )
    lines.append(
        f"{wrong} thing{'s' * (wrong != 1)} that will not run" if wrong else "nothing that will not run"
    )
    return "\n".join(lines), not wrong
