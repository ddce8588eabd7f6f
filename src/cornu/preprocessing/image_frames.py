"""Batches of images whose files, targets and weights stand in the columns of a table, such as a pandas DataFrame."""

import os
import warnings
from collections.abc import Sequence

import numpy as np

from .image_folders import FORMATS, FileIterator, check_words, range_of

CLASSES = ("binary", "categorical", "sparse")  # class modes whose targets are the names of classes
CLASS_MODES = (*CLASSES, "input", "multi_output", "raw", None)
NAMES = {
    "binary": str,
    "sparse": str,
    "categorical": (str, list, tuple),
}  # what names a row's class, or classes


class DataFrameIterator(FileIterator):
    """Batches of images from the files that a table names.

    Args:
        dataframe: a pandas DataFrame, or anything whose columns are `dataframe[name]`.
        directory: what the paths begin from; the paths as they are if None.
        image_data_generator: what transforms the images.
        x_col: the column of paths.
        y_col: the column of targets, or a list of columns for 'raw' and 'multi_output'.
        weight_col: the column of sample weights, or None.
        target_size, color_mode, batch_size, shuffle, seed, data_format, interpolation: as of a `DirectoryIterator`.
        classes: the classes that count, labelled in the order of the alphabet; all that occur if None.
        class_mode: targets: 'categorical' (0 and 1 for each class; a row may name several), 'binary' and 'sparse'
            (labels), 'raw' (the numbers in the columns), 'multi_output' (a list, of each column), 'input' (the images),
            None (none).
        save_to_dir, save_prefix, save_format: where the images that were made are saved, to look at them.
        subset: 'training' or 'validation', of the generator's `validation_split`; the first rows are for validation.
        dtype: of the images; the global float type if None.
        validate_filenames: whether rows are left out whose file does not exist or has not the ending of an image.

    Attributes:
        class_indices: dict from names of classes to labels.
        classes: the label of each image, or a list of labels.
        filenames, filepaths: the paths as they stand in the table, and with the directory.
        sample_weight: the weights, or None.

    Raises ValueError for words that mean nothing here, TypeError for columns of the wrong kind.
    """

    def __init__(
        self,
        dataframe,
        directory=None,
        image_data_generator=None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
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
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: str | None = None,
        validate_filenames: bool = True,
    ):
        check_words(color_mode, class_mode, CLASS_MODES, subset)
        self.directory, self.class_mode, self.subset = os.fspath(directory or ""), class_mode, subset
        names = list(dataframe[x_col])
        if not all(isinstance(name, str) for name in names):
            raise TypeError(f"the column x_col={x_col!r} holds paths, all of them strings")
        weights = None if weight_col is None else np.asarray(dataframe[weight_col])
        if weights is not None and not np.issubdtype(weights.dtype, np.number):
            raise TypeError(f"the column weight_col={weight_col!r} holds numbers; these are {weights.dtype}")
        labels = self._labels(dataframe, y_col, classes)
        rows = [row for row, name in enumerate(names) if not validate_filenames or self._is_image(name)]
        if len(rows) < len(names):
            warnings.warn(
                f"{len(names) - len(rows)} of the {len(names)} paths in x_col={x_col!r} lead to no image and are left "
                f"out, such as {next(name for name in names if not self._is_image(name))!r}",
                stacklevel=3,
            )
        if labels is not None:
            self._count(labels, rows, classes)
            rows = [row for row in rows if self._of(labels[row])]
        rows = range_of(subset, getattr(image_data_generator, "validation_split", 0))(rows)
        self.filenames = [names[row] for row in rows]
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.sample_weight = None if weights is None else weights[rows]
        if labels is not None:
            found = [self._of(labels[row]) for row in rows]
            self.classes = [
                each if isinstance(labels[row], list | tuple) else each[0]
                for row, each in zip(rows, found, strict=True)
            ]
        self._targets = self._columns(dataframe, y_col, rows)
        belonging = "" if labels is None else f" belonging to {self.num_classes} classes"
        print(
            f"Found {len(rows)} {'' if validate_filenames else 'non-'}validated image filenames{belonging}."
        )
        saved = save_to_dir, save_prefix, save_format
        super().__init__(
            len(rows), batch_size, shuffle, seed, image_data_generator, data_format, saved, dtype,
            target_size=target_size, color_mode=color_mode, interpolation=interpolation,
        )  # fmt: skip

    # ---- columns -----------------------------------------------------------------------------------

    def _is_image(self, name: str) -> bool:
        path = os.path.join(self.directory, name)
        return path.lower().endswith(tuple(f".{each}" for each in FORMATS[3])) and os.path.isfile(path)

    def _labels(self, dataframe, y_col, classes) -> list | None:
        """The names of each row's class; None where targets are something else."""
        if self.class_mode not in CLASSES:
            if self.class_mode == "multi_output" and not isinstance(y_col, list | tuple):
                raise TypeError(f"class_mode='multi_output' needs a list of columns as y_col; got {y_col!r}")
            if classes:
                warnings.warn(f"class_mode={self.class_mode!r} takes no notice of `classes`", stacklevel=4)
            return None
        labels = list(dataframe[y_col])
        if wrong := [each for each in labels if not isinstance(each, NAMES[self.class_mode])]:
            raise TypeError(
                f"class_mode={self.class_mode!r} needs names of classes in the column {y_col!r}, strings"
                f"{' or lists of them' if self.class_mode == 'categorical' else ''}; {wrong[0]!r} is none. "
                "For numbers use class_mode='raw'."
            )
        if self.class_mode == "binary" and len(kinds := {*(classes or labels)}) != 2:
            raise ValueError(f"class_mode='binary' needs 2 classes; there are {len(kinds)}")
        return labels

    def _count(self, labels: list, rows: list[int], classes: Sequence[str] | None) -> None:
        """Number the classes."""
        found = {name for row in rows for name in _listed(labels[row])}
        self.class_indices = {name: label for label, name in enumerate(sorted({*(classes or found)}))}
        self.num_classes = len(self.class_indices)

    def _of(self, names) -> list[int]:
        """The labels of a row, of the classes that count."""
        return [self.class_indices[name] for name in _listed(names) if name in self.class_indices]

    def _columns(self, dataframe, y_col, rows: list[int]):
        """The targets that stand in the table as they are."""
        if self.class_mode == "multi_output":
            return [np.array(list(dataframe[name]))[rows] for name in y_col]
        if self.class_mode != "raw":
            return None
        if isinstance(y_col, str):
            return np.asarray(dataframe[y_col])[rows]
        return np.stack([np.asarray(dataframe[name]) for name in y_col], axis=-1)[rows]

    @property
    def labels(self):
        """The targets: labels, or what stands in the columns."""
        return self.classes if self.class_mode in CLASSES else self._targets

    # ---- batches -----------------------------------------------------------------------------------

    def _batch(self, images: np.ndarray, rows: np.ndarray):
        if self.class_mode is None:
            return images
        targets = getattr(self, f"_{self.class_mode}")(images, rows)
        return (
            (images, targets) if self.sample_weight is None else (images, targets, self.sample_weight[rows])
        )

    def _input(self, images, rows):
        return images.copy()

    def _sparse(self, images, rows):
        return np.array([self.classes[row] for row in rows], self.dtype)

    _binary = _sparse

    def _categorical(self, images, rows):
        targets = np.zeros((len(rows), self.num_classes), self.dtype)
        for target, row in zip(targets, rows, strict=True):
            target[self.classes[row]] = 1
        return targets

    def _raw(self, images, rows):
        return self._targets[rows]

    def _multi_output(self, images, rows):
        return [each[rows] for each in self._targets]


def _listed(names) -> Sequence:
    return names if isinstance(names, list | tuple) else [names]
