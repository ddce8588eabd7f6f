"""Images, texts and sequences made ready for a network."""

import importlib

from . import sequence, text

__all__ = ["image", "sequence", "text"]


def __getattr__(name: str):
    if name == "image":  # imported when it is asked for
        return importlib.import_module(f"{__name__}.image")
    raise AttributeError(f"cornu.preprocessing has no {name!r}")
