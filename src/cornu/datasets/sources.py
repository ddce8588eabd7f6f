"""Where the files of datasets are, and how they get here."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from ..utils import files

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
AMAZON = "https://s3.amazonaws.com/"


class Source(NamedTuple):
    """A file of a dataset: its name in the cache, its URL, and its hash."""

    file: str
    origin: str
    hash: str | None = None


def fetch(sources: Sequence[Source], path: str | os.PathLike | None = None, origin: str | None = None) -> str:
    """The path of a dataset's file: one that is there already, or the first that can be downloaded.

    Args:
        sources: files with the same data.
        path: name of the file in the cache, or the path of one elsewhere.
        origin: URL to download from instead; the hash of what is there is not known, nor checked.

    Raises OSError where no source can be reached.
    """
    path = os.fspath(path) if path else None
    if path and os.path.dirname(path):
        return path
    if origin:
        return files.get_file(fname=path or os.path.basename(origin), origin=origin)
    first, *others = sources
    sources = [first._replace(file=path or first.file), *others]
    for source in sources:
        if there := files.cached(source.file, source.hash):
            return there
    for source in sources:
        try:
            return files.get_file(fname=source.file, origin=source.origin, file_hash=source.hash)
        except OSError as error:
            print(error)
            failed = error
    raise failed
