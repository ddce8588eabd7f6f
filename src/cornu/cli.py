"""The command line: `cornu script.py`, and `python -m cornu script.py`, which is the same."""

import functools
import importlib.metadata
import sys
from collections.abc import Callable, Sequence

from . import commands, config
from .eras import explain, run

USAGE = """\
usage: cornu [--era N] script.py [argument ...]
       cornu [--era N] -m module [argument ...]
       cornu explain [--era N] script.py
       cornu convert OLD NEW | cornu summary FILE | cornu diff A B

Runs a program written for Keras: `keras`, `tf_keras` and `tensorflow.keras` import as Cornu.

options:
  --era N      1 (Keras 0.x-1.2), 2 (Keras 2) or 3 (Keras 3); without it the program is read, and one
               line on stderr says what was decided and from what
  -m module    run a module, as `python -m module` does
  --version    print the version
  -h, --help   print this
"""

EXPLAIN = """\
usage: cornu explain [--era N] script.py

Lists what in a program is written in the words of an older Keras, line by line, with today's words for it,
and what is not here. Nothing of the program is run.

options:
  --era N      1, 2 or 3; without it the era is told by the program's words, as when it is run

exit code: 0 where all that is named is here, 1 where something is not, 2 for a file that cannot be read
"""


class Misuse(Exception):
    """A command line that cannot be meant."""


def version() -> str:
    """The installed version of Cornu."""
    try:
        return importlib.metadata.version("cornu")
    except importlib.metadata.PackageNotFoundError:
        return "unknown: not installed"


def take_era(word: str) -> int:
    """The number of an era from the command line."""
    if word not in map(str, config.ERAS):
        raise Misuse(f"--era: expected 1, 2 or 3; got {word!r}")
    return int(word)


def explain_program(words: list[str]) -> int:
    """`cornu explain`: print what there is to say about a program."""
    era, paths = None, []
    while words:
        word = words.pop(0)
        option, given, value = word.partition("=")
        if word in ("-h", "--help"):
            print(EXPLAIN, end="")
            return 0
        elif option == "--era":
            era = take_era(value if given else words.pop(0) if words else "")
        elif word.startswith("-"):
            raise Misuse(f"unknown option {word}; see cornu explain --help")
        else:
            paths.append(word)
    if len(paths) != 1:
        raise Misuse("expected one program to explain; see cornu explain --help")
    try:
        text, runs = explain.explain(paths[0], era)
    except SyntaxError as error:
        raise Misuse(
            f"{paths[0]}, line {error.lineno}: no Python that this version understands ({error.msg})"
        ) from None
    print(text)
    return 0 if runs else 1


# word -> what it does with the words after it
COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "explain": explain_program,
    **{name: functools.partial(commands.run, name) for name in commands.COMMANDS},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, unless the program that it runs exits itself."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return dispatch(words)
    except (Misuse, run.NotFound) as error:
        print(f"cornu: {error}", file=sys.stderr)
        return 2


def dispatch(words: list[str]) -> int:
    """What the words ask for. Options come first; all that follows the program is the program's own."""
    era = None
    while words:
        word = words.pop(0)
        option, given, value = word.partition("=")
        if word in ("-h", "--help"):
            print(USAGE, end="")
            return 0
        elif word in ("-V", "--version"):
            print(f"cornu {version()}")
            return 0
        elif option == "--era":
            era = take_era(value if given else words.pop(0) if words else "")
        elif word == "-m":
            if not words:
                raise Misuse("-m: expected the name of a module")
            run.run_module(words[0], words[1:], era)
            return 0
        elif word.startswith("-"):
            raise Misuse(f"unknown option {word}; see cornu --help")
        elif word in COMMANDS:
            return COMMANDS[word](words)
        else:
            run.run_script(word, words, era)
            return 0
    raise Misuse("expected a program to run; see cornu --help")
