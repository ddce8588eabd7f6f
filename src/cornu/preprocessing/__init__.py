"""Texts and sequences made ready for a network."""

from . import sequence, text

__all__ = ["sequence", "text"]
