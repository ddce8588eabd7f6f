"""HDF5 files as Keras writes them, read without the HDF5 library.

What comes from somewhere is parsed here, in Python, with every address, size and count held against the file: nothing
in it can crash the process, and what could lead out of it (links, external storage, virtual datasets, plugins) is not
understood at all. Groups, datasets and attributes answer as h5py's do. Source: HDF5 File Format Specification 3.0.
"""

import contextlib
import functools
import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from .. import safety, scope

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1  # the address of what was never written
NAME = 1024  # bytes of a name, at most
RANK = 32
READINGS = 16  # how often all that is in a file may be read

# kinds of messages in an object's header
DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL = 1, 2, 3, 6, 7
LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE = 8, 11, 12, 16, 17

# bits from, bits in all, where exponent and mantissa begin and how long they are, bias; by bytes
FLOATS = {2: (0, 16, 10, 5, 0, 10, 15), 4: (0, 32, 23, 8, 0, 23, 127), 8: (0, 64, 52, 11, 0, 52, 1023)}
TEXT = np.dtype([("length", "<u4"), ("heap", "<u8"), ("index", "<u4")])  # where a string of any length lies


def damaged(what: str) -> safety.UnsafeFile:
    return safety.UnsafeFile(f"The HDF5 file is damaged: {what}. Get it anew from where it came")


def foreign(what: str) -> safety.UnsafeFile:
    return safety.UnsafeFile(f"The HDF5 file has {what}, which Keras never writes. {safety.TRUST}")


def take(data: bytes, at: int, form: str) -> tuple:
    """Numbers from bytes, in little-endian order."""
    try:
        return struct.unpack_from(f"<{form}", data, at)
    except struct.error:
        raise damaged("a part of it ends too early") from None


class Source:
    """The bytes of a file."""

    def __init__(self, file: IO[bytes]):
        self.file, self.size = file, file.seek(0, os.SEEK_END)
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.items: dict[int, Item] = {}  # those that were met
        self.spent = 0

    def spend(self, size: int) -> None:
        """Count bytes of arrays that are read; the same ones again and again are no model."""
        self.spent += size
        if self.spent > max(READINGS * self.size, 4 * safety.FLOOR):
            raise foreign("the same arrays in very many places")

    def read(self, at: int, size: int) -> bytes:
        if at + size > self.size:
            raise damaged(f"it has {self.size:,} bytes and needs {at + size:,}")
        self.file.seek(at)
        return self.file.read(size)

    def fields(self, at: int, form: str) -> tuple:
        return take(self.read(at, struct.calcsize(f"<{form}")), 0, form)

    def expect(self, at: int, word: bytes) -> None:
        if self.read(at, 4) != word:
            raise damaged(f"{word.decode()} should stand at {at:,}")

    def messages(self, address: int) -> list[tuple[int, bytes]]:
        """(kind, body) of everything in an object's header."""
        version, _, count, _, length = self.fields(address, "BBHII")
        if version != 1:
            raise foreign("objects of another version of HDF5")
        blocks, found, total = [(address + 16, length)], [], 0
        for at, length in blocks:  # which grows on the way
            total += length
            if total > self.size:
                raise damaged("a header leads back to itself")
            data, position = self.read(at, length), 0
            while position + 8 <= length and len(found) < count:
                kind, size, flags = take(data, position, "HHB")
                body = data[position + 8 : position + 8 + size]
                if len(body) < size:
                    raise damaged("a header ends too early")
                if flags & 2:
                    raise foreign("parts that objects share")
                if kind == CONTINUATION:
                    blocks.append(take(body, 0, "QQ"))
                found.append((kind, body))
                position += 8 + size
        return found

    def leaves(self, root: int, kind: int, key: int) -> Iterator[tuple[bytes, int]]:
        """(key, address) for everything in a tree, in order; a key has that many bytes."""
        stack: list[tuple[bytes, int, int | None]] = [(b"", root, None)]
        visited = 0
        while stack:
            before, address, level = stack.pop()
            if level == -1:
                yield before, address
                continue
            self.expect(address, b"TREE")
            its_kind, its_level, count = self.fields(address + 4, "BBH")
            visited += 24
            if its_kind != kind or visited > self.size or level not in (None, its_level):
                raise damaged("a tree is not one")
            data, step = self.read(address + 24, count * (key + 8)), key + 8
            entries = [(data[i * step : i * step + key], data[i * step + key :][:8]) for i in range(count)]
            stack += [
                (key, int.from_bytes(child, "little"), its_level - 1) for key, child in reversed(entries)
            ]

    def texts(self, places: np.ndarray) -> list[str]:
        """The strings that lie at places of type TEXT."""
        if sum(int(length) for length, _, _ in places) > self.size:
            raise damaged("its strings are longer than the file")
        return [self._text(*map(int, place)) for place in places]

    def _text(self, length: int, heap: int, index: int) -> str:
        if not length:
            return ""
        if heap not in self.heaps:
            self.heaps[heap] = dict(self._objects(heap))
        at, size = self.heaps[heap].get(index, (0, 0))
        if length > size:
            raise damaged("a string is not there")
        return self.read(at, length).decode("utf8", "replace")

    def _objects(self, heap: int) -> Iterator[tuple[int, tuple[int, int]]]:
        self.expect(heap, b"GCOL")
        at, end = heap + 16, heap + self.fields(heap + 8, "Q")[0]
        while at + 16 <= min(end, self.size):
            index, _, _, size = self.fields(at, "HHIQ")
            if not index:  # what is left is free
                return
            yield index, (at + 16, size)
            at += 16 + -(-size // 8) * 8


# ---- what messages say -------------------------------------------------------------------------


def shape_of(body: bytes) -> tuple[int, ...]:
    version, rank, _, kind = take(body, 0, "BBBB")
    if version not in (1, 2) or rank > RANK:
        raise damaged("an array has no shape that can be meant")
    if version == 2 and kind == 2:
        return (0,)  # none at all
    return take(body, 8 if version == 1 else 4, f"{rank}Q")


def type_of(body: bytes) -> np.dtype:
    first, low, _, _, size = take(body, 0, "BBBBI")
    kind, order = first & 15, ">" if low & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8) and take(body, 8, "HH") == (0, 8 * size):
        return np.dtype(f"{order}{'i' if low & 8 else 'u'}{size}")
    if kind == 1 and size in FLOATS and not low & 64 and take(body, 8, "HHBBBBI") == FLOATS[size]:
        return np.dtype(f"{order}f{size}")
    if kind in (3, 5) and 0 < size <= safety.FLOOR:
        return np.dtype(f"{'S' if kind == 3 else 'V'}{size}")
    if kind == 8 and size == 1 and low == 2:  # what h5py makes of booleans
        return np.dtype("bool")
    if kind == 9 and low & 15 == 1 and size == TEXT.itemsize:
        return TEXT
    raise foreign("values that are no numbers and no text, such as objects or references")


def attribute(body: bytes) -> tuple[str, np.dtype, tuple[int, ...], bytes]:
    """Name, type, shape and bytes of an attribute."""
    version, flags, *sizes = take(body, 0, "BBHHH")
    if version not in (1, 2, 3) or (flags & 3 and version > 1):
        raise foreign("attributes that share their type")
    at, parts = 9 if version == 3 else 8, []
    for size in sizes:
        parts.append(body[at : at + size])
        at += -(-size // 8) * 8 if version == 1 else size
    name, dtype, shape = (
        parts[0].rstrip(b"\0").decode("utf8", "replace"),
        type_of(parts[1]),
        shape_of(parts[2]),
    )
    size = math.prod(shape) * dtype.itemsize
    if len(body) < at + size:
        raise damaged(f"the attribute {name!r} ends too early")
    return name, dtype, shape, body[at : at + size]


class Filter:
    """What chunks went through before they were stored."""

    DEFLATE, SHUFFLE, CHECKSUM = 1, 2, 3

    def __init__(self, body: bytes):
        version, count = take(body, 0, "BB")
        at, self.steps = 8 if version == 1 else 2, []
        for _ in range(count):
            number, length, _, values = take(body, at, "HHHH")
            if version == 2 and number < 256:  # which have no name
                length, values, at = 0, take(body, at + 4, "H")[0], at - 2
            if number not in (self.DEFLATE, self.SHUFFLE, self.CHECKSUM):
                raise foreign(f"data behind HDF5's filter {number}")
            at += 8 + (-(-length // 8) * 8 if version == 1 else length) + 4 * values
            at += 4 * (values % 2) if version == 1 else 0
            self.steps.append(number)

    def undo(self, data: bytes, skipped: int, size: int, itemsize: int) -> bytes:
        """The bytes of a chunk of `size`, which was stored as `data`."""
        for place, step in reversed(list(enumerate(self.steps))):
            if skipped >> place & 1:
                continue
            if step == self.CHECKSUM:
                data = data[:-4]
            elif step == self.DEFLATE:
                try:
                    data = zlib.decompressobj().decompress(data, size + 4)
                except zlib.error as error:
                    raise damaged(f"compressed data: {error}") from None
            elif len(data) % itemsize == 0:
                data = np.frombuffer(data, "u1").reshape(itemsize, -1).T.tobytes()
        return data


# ---- what is in a file -------------------------------------------------------------------------


class Item:
    """A group or dataset."""

    def __init__(self, source: Source, address: int, messages: list[tuple[int, bytes]]):
        self._source, self._address, self._messages = source, address, messages

    def _one(self, kind: int) -> bytes:
        found = [body for its, body in self._messages if its == kind]
        if len(found) != 1:
            raise damaged(f"an object has {len(found)} messages of kind {kind}, not one")
        return found[0]

    @functools.cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes by name: arrays, NumPy's scalars, or strings."""
        found = {}
        for kind, body in self._messages:
            if kind == ATTRIBUTE:
                name, dtype, shape, data = attribute(body)
                if name in found:
                    raise damaged(f"it has two attributes {name!r}")
                found[name] = self._value(np.frombuffer(data, dtype).reshape(shape))
        return found

    def _value(self, array: np.ndarray):
        if array.dtype == TEXT:
            texts = self._source.texts(array.ravel())
            return np.array(texts, object).reshape(array.shape) if array.shape else texts[0]
        return array.copy() if array.shape else array[()]


class Dataset(Item):
    """An array, which is read when it is asked for."""

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self._one(DATASPACE))

    @functools.cached_property
    def dtype(self) -> np.dtype:
        return type_of(self._one(DATATYPE))

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key):
        value = self._value(self._read())
        return value[key] if self.shape else value

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self._value(self._read()), dtype)

    def _read(self) -> np.ndarray:
        if any(kind == EXTERNAL for kind, _ in self._messages):
            raise foreign("an array that lies in another file")
        if not self.size:
            return np.zeros(self.shape, self.dtype)
        layout, size = self._one(LAYOUT), self.size * self.dtype.itemsize
        version, kind = take(layout, 0, "BB")
        if version != 3 or kind > 2:
            raise foreign("an array that is put together from others, or laid out by another version of HDF5")
        safety.bound(size, self._source.size, f"an array of shape {self.shape}")
        self._source.spend(size)
        if kind == 2:
            return self._chunks(layout)
        address, stored = take(layout, 2, "QQ") if kind == 1 else (None, take(layout, 2, "H")[0])
        if address == UNDEFINED or stored < size:
            raise damaged(f"an array of shape {self.shape} has no data for all of it")
        data = layout[4 : 4 + size] if address is None else self._source.read(address, size)
        if len(data) < size:
            raise damaged("an array ends too early")
        return np.frombuffer(data, self.dtype).reshape(self.shape)

    def _chunks(self, layout: bytes) -> np.ndarray:
        rank, root = take(layout, 2, "BQ")
        *chunk, itemsize = take(layout, 11, f"{rank}I")
        size = math.prod(chunk) * itemsize
        if len(chunk) != self.ndim or itemsize != self.dtype.itemsize or not size:
            raise damaged("an array and its chunks do not fit")
        safety.bound(size, self._source.size, f"a chunk of shape {tuple(chunk)}")
        filters = [Filter(body) for kind, body in self._messages if kind == FILTERS]
        made, met = np.zeros(self.shape, self.dtype), set()
        for key, address in self._source.leaves(root, 1, 8 + 8 * rank) if root != UNDEFINED else ():
            stored, skipped, *begin = take(key, 0, f"II{self.ndim}Q")
            data = self._source.read(address, stored)
            for each in filters:
                data = each.undo(data, skipped, size, itemsize)
            places = tuple(slice(a, a + n) for a, n in zip(begin, chunk, strict=True))
            if len(data) != size or any(
                a % n or a >= m for a, n, m in zip(begin, chunk, self.shape, strict=True)
            ):
                raise damaged("a chunk does not fit its array")
            target, met = made[places], {*met, tuple(begin)}
            target[...] = np.frombuffer(data, self.dtype).reshape(chunk)[tuple(map(slice, target.shape))]
        if len(met) != math.prod(-(-m // n) for m, n in zip(self.shape, chunk, strict=True)):
            raise damaged(f"an array of shape {self.shape} has no data for all of it")
        return made


class Group(Item, Mapping):
    """Groups and datasets by name; a name may be a path."""

    @functools.cached_property
    def _members(self) -> dict[str, int]:
        tree, heap = take(self._one(SYMBOL_TABLE), 0, "QQ")
        self._source.expect(heap, b"HEAP")
        size, _, start = self._source.fields(heap + 8, "QQQ")
        names, found = self._source.read(start, size), {}
        for _, node in self._source.leaves(tree, 0, 8):
            self._source.expect(node, b"SNOD")
            data = self._source.read(node, 8 + 40 * self._source.fields(node + 6, "H")[0])
            for at in range(8, len(data), 40):
                offset, address, cache = take(data, at, "QQI")
                if cache == 2:
                    raise foreign("a link in the place of data")
                name, ended, _ = names[offset : offset + NAME].partition(b"\0")
                if not name or not ended or name.decode("utf8", "replace") in found:
                    raise damaged("a group has no proper names")
                found[name.decode("utf8", "replace")] = address
        return found

    def __getitem__(self, path: str):
        item: Item = self
        for part in str(path).strip("/").split("/"):
            if not isinstance(item, Group) or part not in item._members:
                raise KeyError(f"{path!r} is not in the file")
            item = _item(self._source, item._members[part])
        return item

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __eq__(self, other) -> bool:
        return self is other

    __hash__ = object.__hash__

    def numbers(self) -> int:
        """How many numbers all arrays below have, each counted once.

        Raises UnsafeFile where a group is in two places: whoever followed that might never come to an end.
        """
        met: dict[int, int] = {self._address: 0}
        stack: list[Group] = [self]
        while stack:
            group = stack.pop()
            for address in group._members.values():
                item = _item(self._source, address)
                if isinstance(item, Group):
                    if address in met:
                        raise foreign("a group in two places")
                    stack.append(item)
                met[address] = item.size if isinstance(item, Dataset) else 0
        return sum(met.values())


def _item(source: Source, address: int) -> Group | Dataset:
    if address not in source.items:
        source.items[address] = _made(source, address)
    return source.items[address]


def _made(source: Source, address: int) -> Group | Dataset:
    messages = source.messages(address)
    kinds = {kind for kind, _ in messages}
    if kinds & {LINK, LINK_INFO}:
        beyond = any(
            kind == LINK and body[1:2] and body[1] & 8 and body[2:3] == b"@" for kind, body in messages
        )
        raise foreign("a link to another file" if beyond else "links, or groups of another version of HDF5")
    if SYMBOL_TABLE in kinds:
        return Group(source, address, messages)
    if LAYOUT in kinds:
        return Dataset(source, address, messages)
    raise foreign("an object that is no group and no array")


class File(Group):
    """An HDF5 file, open for reading.

    Args:
        file: its path, or an open binary file.

    Raises UnsafeFile for one that is damaged, or is not what Keras writes.
    """

    def __init__(self, file: str | os.PathLike | IO[bytes]):
        self._opened = open(file, "rb") if isinstance(file, str | os.PathLike) else None
        try:
            source = Source(self._opened or file)
            if source.read(0, min(8, source.size)) != SIGNATURE:
                raise damaged("it does not begin as one")
            version, _, _, _, _, offsets, lengths = source.fields(8, "7B")
            if version > 1:
                raise foreign("the form of another version of HDF5")
            at = 24 if version == 0 else 28
            base, _, end, _, _, root = source.fields(at, "6Q")
            if (offsets, lengths, base) != (8, 8, 0):
                raise foreign("addresses of another size")
            if end > source.size:
                raise damaged(f"it has {source.size:,} of {end:,} bytes")
            super().__init__(source, root, source.messages(root))
            if not isinstance(_item(source, root), Group):
                raise damaged("it begins with an array")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._opened:
            self._opened.close()

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *error) -> None:
        self.close()


@contextlib.contextmanager
def opened(file: str | os.PathLike | IO[bytes]) -> Iterator[Any]:
    """A file of weights, open for reading; by the HDF5 library where its maker is trusted.

    A model that is made meanwhile has room for the weights that the file holds.
    """
    if not scope.call.safe:
        import h5py  # imported here, since it takes a tenth of a second

        with h5py.File(file, "r") as h5:
            yield h5
        return
    with File(file) as h5, scope.entered(room=safety.Room.of_file(h5.numbers())):
        yield h5


def is_hdf5(file: str | os.PathLike | IO[bytes]) -> bool:
    """Whether a file begins as an HDF5 file does; a folder is none."""
    if not isinstance(file, str | os.PathLike):
        file.seek(0)
        return file.read(8) == SIGNATURE
    if os.path.isdir(file):
        return False
    with open(file, "rb") as opened:
        return opened.read(8) == SIGNATURE
