"""Writing files so that nothing is ever half there: the old file stays until the new one is whole and on the disk."""

import contextlib
import os
import pathlib
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
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
                made_whole(file)
            os.chmod(part, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~umask())
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        settle(path.parent)


@contextlib.contextmanager
def replacing_folder(path, known: Collection[str]) -> Iterator[pathlib.Path]:
    """A new folder that takes the place of `path` once all its files are whole and on the disk.

    Args:
        known: names that the folder there may have in it; whatever else it has is not lost for them.

    Raises OSError, with the old folder as it was and nothing new beside it, where that fails. Between two renamings
    the old one lies beside its place, with the ending `.old`.
    """
    path = pathlib.Path(os.path.realpath(path))
    with explained(path):
        if not path.parent.is_dir():
            raise FileNotFoundError(f"the folder {path.parent} is not there")
        there = path.exists()
        if there and not path.is_dir():
            raise NotADirectoryError("a file has that name")
        strange = sorted({each.name for each in path.iterdir()} - {*known}) if there else []
        if strange:
            raise FileExistsError(
                f"the folder has other things in it, such as {strange[0]}, which would be lost"
            )
        part = pathlib.Path(tempfile.mkdtemp(PART, f".{path.name[:64]}.", path.parent))
        old = part.with_suffix(".old")
        try:
            yield part
            for each in part.rglob("*"):
                if each.is_dir():
                    settle(each)
                else:
                    with open(each, "rb+") as file:
                        os.fsync(file.fileno())
            os.chmod(part, stat.S_IMODE(path.stat().st_mode) if there else 0o777 & ~umask())
            settle(part)
            if there:
                os.rename(path, old)
            os.rename(part, path)
        except BaseException:
            if old.exists() and not path.exists():
                os.rename(old, path)
            shutil.rmtree(part, ignore_errors=True)
            raise
        settle(path.parent)
        shutil.rmtree(old, ignore_errors=True)


def made_whole(file: IO[bytes]) -> None:
    """See to it that what was written into a file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


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
