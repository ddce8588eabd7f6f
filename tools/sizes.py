"""How large the house is, and whether it stays within its limits: `python tools/sizes.py`.

A code line is one that holds code: blank lines, comments and docstrings don't count. A file may be longer than
`FILE_LIMIT` lines in all if one of its first lines says why, after the word "Long:".
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "cornu"
ENGINE = """
    config.py scope.py variable.py symbol.py dtypes.py registry.py base.py graph.py functional.py ops/wrap.py
    layers/spec.py layers/state.py layers/layer.py model.py sequential.py models.py training/step.py
""".split()
FILE_LIMIT = 500
REASON = "Long:"
REASON_LINES = 5  # how many first lines are searched for the reason


class Limit(NamedTuple):
    """At most `most` code lines in some files, or in one class or method of theirs."""

    title: str
    files: list[str]
    name: str | None  # dotted, such as "Adam.rule"; None is the whole of the files
    most: int


LIMITS = [
    Limit("engine", ENGINE, None, 2200),
    Limit("class Dense", ["layers/core.py"], "Dense", 20),
    Limit("Adam's rule", ["optimizers/moments.py"], "Adam.rule", 10),
]

SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def span(node: ast.stmt | ast.expr) -> range:
    """The numbers of the lines that a piece of syntax covers."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def docstrings(tree: ast.AST) -> Iterator[int]:
    """The lines that docstrings cover."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            yield from span(node.body[0])


def code_lines(text: str) -> set[int]:
    """The numbers of the lines that hold code.

    Example:
        >>> code_lines('"What it is."\\n\\nx = 1  # one\\n# two\\ny = 2\\n')
        {3, 5}
    """
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spoken = (token for token in tokens if token.type not in SILENT)
    lines = {line for token in spoken for line in range(token.start[0], token.end[0] + 1)}
    return lines - set(docstrings(ast.parse(text)))


def find(tree: ast.Module, name: str) -> ast.stmt | None:
    """The class or function of a dotted name, or None."""
    scope: ast.stmt | ast.Module | None = tree
    for part in name.split("."):
        body = getattr(scope, "body", [])
        scope = next((node for node in body if getattr(node, "name", None) == part), None)
    return scope


def measure(limit: Limit) -> tuple[int | None, str]:
    """Code lines of what a limit is about, None where there is nothing to count; and a remark."""
    missing = [file for file in limit.files if not (SOURCE / file).exists()]
    texts = [(SOURCE / file).read_text("utf-8") for file in limit.files if file not in missing]
    remark = f"not written yet: {', '.join(missing)}" if missing else ""
    if limit.name is None:
        return sum(len(code_lines(text)) for text in texts), remark
    if missing:
        return None, remark
    node = find(ast.parse(texts[0]), limit.name)
    if node is None:
        return None, f"{limit.files[0]} has no {limit.name}: tell LIMITS its new name"
    return len(code_lines(texts[0]) & set(span(node))), ""


def unexplained(text: str) -> bool:
    """Whether a file is too long and does not say why."""
    lines = text.splitlines()
    return len(lines) > FILE_LIMIT and not any(REASON in line for line in lines[:REASON_LINES])


def row(title: str, count: int | None, most: int | None, remark: str = "") -> None:
    """One line of the table; None is a number that there is not."""
    numbers = ["-" if number is None else f"{number:,}" for number in (count, most)]
    print(f"{title:<22}{numbers[0]:>8}{numbers[1]:>10}  {remark}".rstrip())


def main() -> int:
    """Print the table; returns 1 when a limit is broken."""
    print(f"{'code lines':<22}{'now':>8}{'at most':>10}")
    broken = []
    for limit in LIMITS:
        count, remark = measure(limit)
        row(limit.title, count, limit.most, remark)
        if count is not None and count > limit.most:
            broken.append(f"{limit.title}: {count:,} code lines, {limit.most:,} are allowed")

    texts = {file.relative_to(ROOT): file.read_text("utf-8") for file in sorted(SOURCE.rglob("*.py"))}
    totals = {file: len(text.splitlines()) for file, text in texts.items()}
    longest = max(totals, key=totals.__getitem__)
    row("all of it", sum(len(code_lines(text)) for text in texts.values()), None, f"in {len(texts)} files")
    row("longest file, in all", totals[longest], FILE_LIMIT, str(longest))
    broken += [
        f"{file}: {totals[file]} lines, {FILE_LIMIT} are allowed; split it, "
        f'or say why not after "{REASON}" in its first {REASON_LINES} lines'
        for file, text in texts.items()
        if unexplained(text)
    ]
    for fault in broken:
        print(f"\nToo large: {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
