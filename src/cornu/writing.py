"""Writing files so that nothing is ever half there: the old file stays until the new one is whole and on the disk."""

import contextlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator
from typing import IO

PART = ".part"  # ending of a file that is still being written


@contextlib.contextmanager
def explained(path) -> Iterator[None]:
    """Let an error of the system within a `with` say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        said = kind(f"{path} could not be written: {error.strerror or error}")
        said.errno = error.errno
        raise said from error


@contextlib.contextmanager
def replacing(path) -> Iterator[IO[bytes]]:
    """A new file, to read and write, that takes the place of `path` once it is whole and on the disk.

    A link stays, and what it points to is replaced. Permissions stay as they were.
    Raises OSError, with the old file as it was and nothing new beside it, where that fails.

    Example:
        >>> with replacing("notes.txt") as file:
        ...     _ = file.write(b"all or nothing")
    """
    path = pathlib.Path(os.path.realpath(path))
    with explained(path):
        if not path.parent.is_dir():
            raise FileNotFoundError(f"the folder {path.parent} is not there")
        if path.is_dir():
            raise IsADirectoryError("a folder has that name")
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError("a file of that name is there and may not be changed")
        handle, part = tempfile.mkstemp(PART, f".{path.name[:64]}.", path.parent)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(part, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~umask())
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        settle(path.parent)


def settle(folder: pathlib.Path) -> None:
    """See to it that the names in a folder are on the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def umask() -> int:
    """What new files are not permitted."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
