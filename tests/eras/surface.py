"""The table of Keras 1.2.2's names and signatures, `surface-1.2.2.txt`, read.

A module's name, then what is in it, then a blank line. A line is a class, a function or plain names; under a class,
further in, stand its methods and properties.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import cornu

KINDS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


class Entry:
    """A class, a method, a function or a plain name, with its old parameters."""

    def __init__(self, module: str, owner: str | None, text: str):
        self.module, self.owner = module, owner
        self.is_class = text.startswith("class ")
        self.name, given, self.text = re.fullmatch(r"(?:class )?(\w+)(\(?)(.*?)\)?", text, re.S).groups()
        self.signature = None
        if given:
            self.signature = inspect.signature(eval(f"lambda {self.text}: None", {"K": cornu.config}))

    @property
    def path(self) -> str:
        return ".".join(filter(None, (self.module, self.owner, self.name)))

    @property
    def holder(self):
        """The module, or the class of a method, as programs import it."""
        module = importlib.import_module(self.module)
        return getattr(module, self.owner) if self.owner else module

    def found(self):
        return getattr(self.holder, self.name)

    @property
    def parameters(self) -> dict:
        """Name -> default, without `**kwargs`."""
        given = self.signature.parameters.values() if self.signature else ()
        return {p.name: p.default for p in given if p.kind not in KINDS}


def entries() -> Iterator[Entry]:
    module = owner = None
    for line in Path(__file__).with_name("surface-1.2.2.txt").read_text("utf-8").splitlines():
        if not line:
            module = None
        elif module is None:
            module, owner = line, None
        else:
            inside = line.startswith("    ")
            texts = [line.strip()] if "(" in line else line.split()
            yield from (Entry(module, owner if inside else None, text) for text in texts)
            if not inside:
                owner = texts[0][6:].split("(")[0] if texts[0].startswith("class ") else None
