"""What may come in: checks of files and configurations before anything is made of them.

A file that someone else made is held to what Keras writes. Whatever it declares (sizes, depths, numbers of things) is
compared with what is there before memory is taken for it. `safe_mode=False` says that its maker is trusted.
"""

import contextlib
import errno
import json
import math
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import numpy as np

from . import scope

RATIO = 200  # how many times its file's size what comes out of it may have
FLOOR = 64 << 20  # bytes that may come out of any file
MEMBERS = 10_000  # of an archive
TEXT = 256 << 20  # bytes of a configuration
YAML = 4 << 20  # the same in YAML, which is slower to read
DEPTH = 100  # of a configuration
CONTAINERS = 1_000_000  # lists and dictionaries in it
ALIASED = 100_000  # the same in YAML, where one may stand in many places
OBJECTS = 50_000  # layers, initializers and the like in it
NAME = 1_000  # characters of a name
ROOTS = ("", "builtins", "cornu", "keras", "tensorflow", "tf_keras")  # where files say that our classes lie
NAMES = ("class_name", "module", "name", "registered_name")
SLACK = 1 << 20  # numbers that weights may have beyond what their file holds
HEADROOM = 8  # drawing weights takes up to four times their memory, and there is more to hold than weights

TRUST = (
    "If you trust who made the file, load it with safe_mode=False "
    "(weights alone: after saving.enable_unsafe_deserialization())."
)


class UnsafeFile(ValueError):
    """A file or configuration that is damaged, or asks for what no model needs."""


def enable_unsafe_deserialization() -> None:
    """Trust what this thread, and those that begin later, read from now on where no `safe_mode` says otherwise."""
    scope.Call.safe = scope.call.safe = False


def refuse(what: str) -> None:
    """Raise UnsafeFile, unless who made the file is trusted."""
    if scope.call.safe:
        raise UnsafeFile(f"{what}. {TRUST}")


def imports_nothing(config: Mapping[str, Any]) -> None:
    """Raise UnsafeFile for the description of a class or function that would have to be imported."""
    module, registered = str(config.get("module") or ""), str(config.get("registered_name") or "")
    if module.split(".")[0] not in ROOTS or ">" in registered:
        name = config["config"] if config["class_name"] == "function" else config["class_name"]
        raise UnsafeFile(
            f"{f'{module}.{name}'.strip('.')!r} is none of the library's, and nothing is imported for a file. "
            "If it is your own, give it through `custom_objects` or register it."
        )


def array(config: Mapping[str, Any]) -> np.ndarray | list:
    """The array that a configuration describes; of text, a list."""
    value, dtype = config["value"], np.dtype(config["dtype"])
    if dtype.kind in "US":
        return value
    if dtype.kind not in "biufcV" or dtype.itemsize > 16:  # V: of ml_dtypes
        raise UnsafeFile(f"The configuration has an array of {config['dtype']!r}, which are no numbers")
    return np.array(value, dtype)


def names_no_file(cls: type, config: Mapping[str, Any]) -> None:
    """Raise UnsafeFile where an argument that may name a file or URL does, unless the configuration is trusted."""
    for name in cls.outside:
        if isinstance(config.get(name), str):
            refuse(
                f"{cls.__name__}: the configuration names a file, {name}={config[name]!r}; none is opened for it"
            )


def bound(size: int, stored: int, what: str) -> None:
    """Raise UnsafeFile where `size` bytes are to come out of `stored` ones, which is too much."""
    if size > max(FLOOR, RATIO * stored):
        refuse(f"The file declares {what}, {size:,} bytes, but has only {stored:,} itself")


# ---- archives ----------------------------------------------------------------------------------


@contextlib.contextmanager
def opened_archive(file: str | os.PathLike | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip archive, open for reading, whose members were checked.

    Raises UnsafeFile for members that lead elsewhere, are no files, come twice, or are too large.
    """
    with _told_of_zip():
        archive = zipfile.ZipFile(file)
    with archive:
        if scope.call.safe:
            _check_members(archive)
        yield archive


@contextlib.contextmanager
def _told_of_zip() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        if getattr(error, "errno", None) not in OF_CONTENT:
            raise
        raise UnsafeFile(f"The archive is damaged: {error}. Get it anew from where it came") from None


def _check_members(archive: zipfile.ZipFile) -> None:
    members, names = archive.infolist(), set()
    if len(members) > MEMBERS:
        refuse(f"The archive has {len(members):,} members, and {MEMBERS:,} at most are read")
    size = archive.fp.seek(0, os.SEEK_END)
    bound(sum(member.file_size for member in members), size, "members of the archive")
    for member in members:
        name, mode = member.filename, member.external_attr >> 16
        bound(member.file_size, member.compress_size, f"the member {name[:NAME]!r}")
        parts = name.replace("\\", "/").split("/")
        if member.orig_filename != name or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            refuse(f"The archive has a member {member.orig_filename[:NAME]!r}, which leads out of it")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            refuse(f"The archive has a member {name[:NAME]!r} that is a link or device, no file")
        if name in names:
            refuse(f"The archive has two members {name[:NAME]!r}")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            refuse(
                f"The archive's member {name[:NAME]!r} is encrypted, or compressed in another way than Keras does"
            )
        names.add(name)


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """What is in a member of an archive.

    Raises UnsafeFile where it is not there or damaged.
    """
    if name not in archive.namelist():
        there = ", ".join(archive.namelist()[:5])
        raise UnsafeFile(f"This is no whole .keras archive: it has no {name} (it has {there})")
    with _told_of_zip():
        return archive.read(name)


# ---- configurations ----------------------------------------------------------------------------


def parsed(text: str | bytes) -> Any:
    """What JSON says, within bounds.

    Raises UnsafeFile for what is no JSON, or larger or deeper than a configuration is.
    """
    if len(text) > TEXT:
        refuse(f"The configuration has {len(text):,} characters, and {TEXT:,} at most are read")
    try:
        text = text.decode("utf8") if isinstance(text, bytes) else text
        if text.count("[") + text.count("{") > CONTAINERS:
            refuse(f"The configuration has more than {CONTAINERS:,} lists and dictionaries")
        return checked(json.loads(text))
    except RecursionError:
        raise UnsafeFile(f"The configuration is nested deeper than {DEPTH} levels") from None
    except UnsafeFile:
        raise
    except ValueError as error:  # of letters, of numbers, of JSON itself
        raise UnsafeFile(f"This is no JSON: {error}") from None


def checked(description: Any, most: int = CONTAINERS) -> Any:
    """A configuration as it is, if it stays within bounds, `most` lists and dictionaries among them.

    Raises UnsafeFile for one that is too deep, too large, or has names that are none.
    """
    if not scope.call.safe:
        return description
    stack, containers, objects = [iter((description,))], 0, 0
    while stack:
        value = next(stack[-1], stack)
        if value is stack:
            stack.pop()
        elif isinstance(value, Mapping):
            objects += "class_name" in value
            words = [*value, *(value[name] for name in NAMES if isinstance(value.get(name), str))]
            if any(len(word) > NAME for word in words if isinstance(word, str)):
                refuse(f"The configuration has a name of more than {NAME:,} characters")
            stack.append(iter(value.values()))
            containers += 1
        elif isinstance(value, list | tuple):
            stack.append(iter(value))
            containers += 1
        if len(stack) > DEPTH:
            refuse(f"The configuration is nested deeper than {DEPTH} levels")
        if containers > most or objects > OBJECTS:
            refuse(f"The configuration has more than {OBJECTS:,} objects, or {most:,} lists and dictionaries")
    return description


# ---- memory and state --------------------------------------------------------------------------


class Room:
    """How many numbers the weights of what is being loaded may still have.

    Args:
        numbers: how many.
        reason: what says so, for the message.
    """

    def __init__(self, numbers: int, reason: str):
        self.left, self.reason = numbers, reason

    @classmethod
    def of_file(cls, numbers: int) -> "Room":
        """For a model whose weights lie in a file of so many numbers; old layouts may have fewer than today's."""
        return cls(4 * numbers + SLACK, f"the file has {numbers:,} numbers for all of them")

    @classmethod
    def of_machine(cls) -> "Room":
        """For a model without weights."""
        memory = memory_here()
        return cls(memory // HEADROOM // 4, f"this process may use {memory >> 20:,} MiB of memory")

    def take(self, shape: Iterable[int], name: str | None) -> None:
        """Raise UnsafeFile where a weight of that shape does not fit."""
        self.left -= abs(math.prod(shape))
        if self.left < 0:
            refuse(f"The configuration asks for a weight {name!r} of shape {tuple(shape)}, but {self.reason}")


def memory_here() -> int:
    """Bytes of memory that this process may use."""
    found = [1 << 40]
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(ImportError, OSError):
        import resource  # is not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        found += [limit] if limit != resource.RLIM_INFINITY else []
    with contextlib.suppress(ValueError, OSError), open("/sys/fs/cgroup/memory.max") as file:
        found.append(int(file.read()))
    return min(found)


@contextlib.contextmanager
def unchanged(cells: Iterable) -> Iterator[None]:
    """Give cells back what they held where something fails for the length of a `with`."""
    before = [(cell, cell._value) for cell in cells]
    try:
        yield
    except BaseException:
        for cell, value in before:
            cell._value = value
        raise


OF_CONTENT = (None, errno.EINVAL)  # an OSError's numbers that say nothing of the disk; EINVAL: no such place
AS_THEY_ARE = (ValueError, ImportError, NotImplementedError, Warning)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Say of what cannot be read what it was, whatever the error was by which that came out."""
    try:
        yield
    except UnicodeError as error:
        raise UnsafeFile(f"{what} is damaged: its text is none ({error})") from error
    except AS_THEY_ARE:
        raise
    except OSError as error:
        if error.errno not in OF_CONTENT:
            raise
        raise UnsafeFile(f"{what} could not be read: {error}") from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:NAME]
        raise UnsafeFile(f"{what} is damaged or not what it seems ({reason})") from error
