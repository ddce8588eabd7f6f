"""A model's files in a folder, as `.keras` archives have them: Keras 3's `save(zipped=False)`."""

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator

from .. import safety, scope
from ..writing import replacing_folder

CONFIG, METADATA, WEIGHTS, PICKLED = "config.json", "metadata.json", "model.weights.h5", "model.weights.npz"
ASSETS = "assets"  # the folder of what layers keep in files of their own
KNOWN = (CONFIG, METADATA, WEIGHTS, PICKLED, ASSETS)


class Folder:
    """The files in a folder, read and written as members of an archive are.

    Raises UnsafeFile for links, devices and the like.
    """

    def __init__(self, path: os.PathLike):
        self.path = pathlib.Path(path)
        self._names: list[str] = []
        for folder, below, files in os.walk(self.path):
            inside = pathlib.Path(folder)
            for name in [*below, *files]:
                mode = (inside / name).lstat().st_mode
                if scope.call.safe and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    safety.refuse(f"{inside / name} is a link or device, no file")
            self._names += [(inside / name).relative_to(self.path).as_posix() for name in files]
            if len(self._names) > safety.MEMBERS:
                safety.refuse(f"{self.path} has more than {safety.MEMBERS:,} files")

    def namelist(self) -> list[str]:
        return self._names

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def writestr(self, name: str, data: str | bytes) -> None:
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)


def is_model(path: pathlib.Path) -> bool:
    """Whether a folder has a model in it."""
    return path.is_dir() and (path / CONFIG).is_file()


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[Folder]:
    """A folder to write a model's files into, which takes the place of `path` when it is whole."""
    with replacing_folder(path, KNOWN) as part:
        yield Folder(part)
