"""The files of CIFAR-10 and CIFAR-100. (Krizhevsky 2009)"""

import os

import numpy as np

from .. import config
from ..utils import files
from . import readers

URL = "https://www.cs.toronto.edu/~kriz/"
SIDE = 32


def load_batch(fpath: str, label_key: str = "labels") -> tuple[np.ndarray, list]:
    """The images `(n, 3, 32, 32)` of bytes in a file, and their labels, which are under this word."""
    data = {key.decode(): value for key, value in readers.read_pickle(fpath, encoding="bytes").items()}
    return data["data"].reshape(-1, 3, SIDE, SIDE), data[label_key]


def load(name: str, archive: str, file_hash: str, origin: str | None, parts: dict[str, list], label_key: str):
    """`(x_train, y_train), (x_test, y_test)` from an archive with a folder of files.

    Args:
        name: of the folder.
        archive: name of the file to download.
        file_hash: of that file.
        origin: URL of another archive of the same format, with any hash.
        parts: the files for 'train' and for 'test'.
        label_key: under what word the labels are.
    """
    before = config.era() < 3  # archives were unpacked beside themselves
    folder = files.get_file(
        fname=name if before else f"{name}-target",
        origin=origin or URL + archive,
        untar=before,
        extract=not before,
        file_hash=None if origin else file_hash,
    )
    folder = folder if before else os.path.join(folder, name)
    return tuple(
        _joined([load_batch(os.path.join(folder, file), label_key) for file in parts[part]])
        for part in ("train", "test")
    )


def _joined(batches: list[tuple[np.ndarray, list]]) -> tuple[np.ndarray, np.ndarray]:
    x = np.concatenate([images for images, _ in batches])
    y = np.concatenate([np.asarray(labels, "uint8") for _, labels in batches])
    last = config.image_data_format() == "channels_last"
    return (x.transpose(0, 2, 3, 1) if last else x), y.reshape(-1, 1)
