"""Batches of images from files: of those in a directory, which has a folder for each class."""

import os
from collections.abc import Sequence

import numpy as np

from .. import config
from ..utils import image
from .image_iterators import SUBSETS, ImageIterator

FORMATS = {1: ("png", "jpg", "jpeg", "bmp")} | dict.fromkeys(
    (2, 3), ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
)
# class mode -> targets of a batch, from the labels of its images, the number of classes, the images and a float type
CLASS_MODES = {
    "binary": lambda labels, classes, images, dtype: labels.astype(dtype),
    "categorical": lambda labels, classes, images, dtype: np.eye(classes, dtype=dtype)[labels],
    "input": lambda labels, classes, images, dtype: images.copy(),
    "sparse": lambda labels, classes, images, dtype: labels if config.era() == 1 else labels.astype(dtype),
    None: None,
}


class FileIterator(ImageIterator):
    """What iterators over image files share: a subclass has `filepaths` and `_batch`.

    Args:
        n, of_images: how many files, and the arguments that an `ImageIterator` takes beside that.
        target_size: `(height, width)` that all are resized to.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        interpolation, keep_aspect_ratio: of the resizing, as in `load_img`.
    """

    filepaths: Sequence[str]

    def __init__(
        self,
        n: int,
        *of_images,
        target_size: tuple[int, int],
        color_mode: str,
        interpolation: str,
        keep_aspect_ratio: bool = False,
    ):
        self.samples, self.target_size, self.color_mode = n, tuple(target_size), color_mode
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        super().__init__(n, *of_images)
        channels = image.CHANNELS[color_mode]
        last = self.data_format == "channels_last"
        self.image_shape = (*self.target_size, channels) if last else (channels, *self.target_size)

    def _images(self, rows: np.ndarray) -> np.ndarray:
        made = np.empty((len(rows), *self.image_shape), self.dtype)
        paths = self.filepaths
        for target, row in zip(made, rows, strict=True):
            loaded = image.load_img(
                paths[row],
                color_mode=self.color_mode,
                target_size=self.target_size,
                interpolation=self.interpolation,
                keep_aspect_ratio=self.keep_aspect_ratio,
            )
            target[...] = image.img_to_array(loaded, data_format=self.data_format, dtype=self.dtype)
        return made


class DirectoryIterator(FileIterator):
    """Batches of images from the files in a directory, which has a folder for each class.

    Args:
        directory: path.
        image_data_generator: what transforms the images.
        target_size: `(height, width)` that all are resized to.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        classes: names of folders in the order of their labels; all folders, sorted, if None.
        class_mode: targets: 'categorical' (one-hot), 'binary' and 'sparse' (labels), 'input' (the images), None (none).
        batch_size, shuffle, seed: as of an `Iterator`.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        save_to_dir, save_prefix, save_format: where the images that were made are saved, to look at them.
        follow_links: whether links to folders inside those of the classes are followed.
        subset: 'training' or 'validation', of the generator's `validation_split`.
        interpolation, keep_aspect_ratio: of the resizing, as in `load_img`.
        dtype: of the images; the global float type if None.

    Attributes:
        class_indices: dict from names of classes to labels.
        classes: the label of each image.
        filenames: the path of each image within the directory.

    Raises ValueError for words that mean nothing here and for classes that have no folder.
    """

    def __init__(
        self,
        directory,
        image_data_generator,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = None,
    ):
        check_words(color_mode, class_mode, CLASS_MODES, subset)
        self.directory = os.fspath(directory)
        folders = sorted(each.name for each in os.scandir(directory) if each.is_dir())
        names = list(classes or folders)
        if missing := sorted({*names} - {*folders}):
            raise ValueError(f"{self.directory} has no folder for the classes {', '.join(missing)}")
        self.class_indices = {name: label for label, name in enumerate(names)}
        split = range_of(subset, getattr(image_data_generator, "validation_split", 0))
        labelled = [
            (file, label)
            for name, label in self.class_indices.items()
            for file in split(_files(self.directory, name, FORMATS[config.era()], follow_links))
        ]
        self.filenames = [file for file, _ in labelled]
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.classes = np.array([label for _, label in labelled], "int32")
        self.num_classes, self.class_mode, self.subset = len(names), class_mode, subset
        print(f"Found {len(labelled)} images belonging to {self.num_classes} classes.")
        saved = save_to_dir, save_prefix, save_format
        super().__init__(
            len(labelled), batch_size, shuffle, seed, image_data_generator, data_format, saved, dtype,
            target_size=target_size, color_mode=color_mode, interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
        )  # fmt: skip

    @property
    def labels(self) -> np.ndarray:
        """The label of each image."""
        return self.classes

    def _batch(self, images: np.ndarray, rows: np.ndarray):
        if self.class_mode is None:
            return images
        targets = CLASS_MODES[self.class_mode](self.classes[rows], self.num_classes, images, self.dtype)
        return images, targets


def check_words(color_mode: str, class_mode: str | None, modes, subset: str | None) -> None:
    """ValueError for words that mean nothing."""
    for name, value, known in (
        ("color_mode", color_mode, image.MODES),
        ("class_mode", class_mode, modes),
        ("subset", subset, (*SUBSETS, None)),
    ):
        if value not in known:
            raise ValueError(f"{name} is one of {', '.join(map(str, known))}; got {value!r}")


def _files(directory: str, folder: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """The paths, within the directory, of all images in a folder and below."""
    endings = tuple(f".{each}" for each in formats)
    walked = sorted(os.walk(os.path.join(directory, folder), followlinks=follow_links))
    return [
        os.path.relpath(os.path.join(place, name), directory)
        for place, _, names in walked
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]


def range_of(subset: str | None, fraction: float):
    """What takes a subset of a list, of the files of a class for one: the first ones are for validation."""

    def take(files: list) -> list:
        at = int(fraction * len(files))
        return {None: files, "validation": files[:at], "training": files[at:]}[subset]

    return take
