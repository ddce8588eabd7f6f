"""Files that TensorBoard reads: events as protocol buffers, in records with checksums.

Sources: TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and `lib/io/record_writer`.
"""

import functools
import io
import os
import socket
import struct
import time

import numpy as np

from ..writing import explained

# ---- records: length, checksum of the length, bytes, checksum of the bytes -----------------------

POLYNOMIAL = 0x82F63B78  # of CRC-32C, reflected


@functools.cache
def _table() -> list[int]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (POLYNOMIAL if row & 1 else 0)
        rows.append(row)
    return rows


def crc32c(data: bytes) -> int:
    """The CRC-32C checksum (RFC 3720).

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """Bytes as one record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


# ---- protocol buffers: fields by number ----------------------------------------------------------


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def message(fields: dict) -> bytes:
    """A message of fields by number: ints, floats (double), np.float32, text, bytes (messages too); None is left out.

    A list of floats is packed.
    """
    made = b""
    for number, value in fields.items():
        if isinstance(value, list):
            value = struct.pack(f"<{len(value)}d", *value)
        if isinstance(value, np.float32):
            made += _varint(number << 3 | 5) + struct.pack("<f", value)
        elif isinstance(value, float):
            made += _varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            made += _varint(number << 3) + _varint(value)
        elif value is not None:
            data = value.encode() if isinstance(value, str) else value
            made += _varint(number << 3 | 2) + _varint(len(data)) + data
    return made


def scalar(tag: str, value: float) -> bytes:
    """A summary of one number."""
    return message({1: tag, 2: np.float32(value)})


def histogram(tag: str, values: np.ndarray, bins: int = 30) -> bytes:
    """A summary of how often which values are."""
    values = np.asarray(values, "float64").ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        values = np.zeros(1)
    counts, edges = np.histogram(values, bins)
    said = [float(values.min()), float(values.max()), float(values.size), float(values.sum())]
    fields = dict(
        enumerate([*said, float((values**2).sum()), edges[1:].tolist(), counts.astype(float).tolist()], 1)
    )
    return message({1: tag, 5: message(fields)})


def image(tag: str, pixels: np.ndarray) -> bytes:
    """A summary of one picture `(rows, columns)`, the smallest value black and the largest white."""
    from PIL import Image  # imported here, since few need it

    low, high = float(np.min(pixels)), float(np.max(pixels))
    grey = ((np.asarray(pixels) - low) * (255 / ((high - low) or 1))).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    rows, columns = grey.shape
    return message({1: tag, 4: message({1: rows, 2: columns, 3: 1, 4: file.getvalue()})})


def text(tag: str, plugin: str, content: str) -> bytes:
    """A summary of one text for a plugin of TensorBoard."""
    strings = 7  # the number of the data type
    metadata = message({1: message({1: plugin, 2: b"1"})})
    return message({1: tag, 8: message({1: strings, 2: b"", 8: content}), 9: metadata})


# ---- files ---------------------------------------------------------------------------------------


class EventFile:
    """A new file of events in a folder, which is made if it is not there.

    Args:
        folder: path.
    """

    count = 0  # of this process, so that names differ

    def __init__(self, folder: str | os.PathLike):
        EventFile.count += 1
        name = (
            f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{EventFile.count}"
        )
        self.path = os.path.join(folder, name)
        with explained(self.path):
            os.makedirs(folder, exist_ok=True)
            self._file = open(self.path, "wb")
        self._write({3: "brain.Event:2"})

    def _write(self, fields: dict) -> None:
        with explained(self.path):
            self._file.write(record(message({1: time.time(), **fields})))

    def add(self, step: int, *summaries: bytes) -> None:
        """Write summaries of one step."""
        for each in summaries:
            self._write({2: int(step), 5: message({1: each})})

    def flush(self) -> None:
        with explained(self.path):
            self._file.flush()

    def close(self) -> None:
        self._file.close()
