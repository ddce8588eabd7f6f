"""Batches of images, one after the other or by number, and always the same by seed: iterators, and that over arrays.

What is random about a batch is drawn under a lock when the batch is planned; making it then takes no random number, so
that threads make the same batches, in the same order, as a single one does.
"""

import math
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import config
from ..base import Configurable
from ..eras import border
from ..utils import image
from ..utils.data import PyDataset

SUBSETS = ("training", "validation")
CACHED = 1 << 17  # numbers that images have which are made together
HASHES = 10**4  # numbers in the names of saved images are below this


class Plan(NamedTuple):
    """A batch that has not been made yet."""

    rows: np.ndarray  # numbers of its samples
    numbers: Sequence[int]  # what its samples are called in the names of saved images
    draws: list | None  # what is random about each sample
    hashes: Sequence[int]  # random numbers for these names


class Iterator(PyDataset, Configurable):
    """Batches of the samples 0...n-1, without end. Thread-safe.

    A subclass writes `_get_batches_of_transformed_samples(index_array)`. As batches by number, `iterator[i]`, they are
    those of one epoch, until `on_epoch_end`. With a seed, batch number t of all draws from `RandomState(seed + t)`;
    without one, from `numpy.random`.

    Args:
        n: how many samples there are.
        batch_size: samples a batch.
        shuffle: whether they come in another order each epoch.
        seed: int, or None.
        kwargs: `workers` and `max_queue_size`, as for a `PyDataset`.

    Example:
        >>> class Numbers(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array
        >>> batches = Numbers(5, batch_size=2, shuffle=False, seed=None)
        >>> [next(batches).tolist() for _ in range(4)]
        [[0, 1], [2, 3], [4], [0, 1]]
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs):
        super().__init__(**kwargs)
        if int(batch_size) < 1:
            raise ValueError(f"batch_size is a positive int; got {batch_size!r}")
        self.n, self.batch_size, self.shuffle, self.seed = n, int(batch_size), shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None  # the order of this epoch
        self.index_generator = self._flow_index()
        self._planned: list[Plan] = []  # for batches that nobody took
        self._epoch, self._orders = 0, {}  # of batches by number

    # ---- one after the other -----------------------------------------------------------------------

    def reset(self) -> None:
        """Begin an epoch with the next batch."""
        self.batch_index = 0
        self._planned.clear()

    def _random(self, number: int):
        return np.random if self.seed is None else np.random.RandomState(self.seed + number)

    def _order(self, random) -> np.ndarray:
        return random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _advance(self) -> tuple[np.ndarray, int, Any]:
        """The samples of the next batch, the place of the first one, and where its random numbers come from."""
        if not self.n:
            raise ValueError(f"{type(self).__name__} has no sample to make a batch of")
        random = self._random(self.total_batches_seen)
        if self.batch_index == 0:
            self.index_array = self._order(random)
        first = self.batch_index * self.batch_size % self.n
        rows = self.index_array[first : first + self.batch_size]
        # Keras 1 noticed the end of an epoch, and shuffled, only if its last batch was a smaller one
        at_end = first + self.batch_size - (self._era == 1) >= self.n
        self.batch_index = 0 if at_end else self.batch_index + 1
        self.total_batches_seen += 1
        return rows, first, random

    def _flow_index(self):
        """The samples of each batch, for subclasses that have a `next` of their own; in era 1 with place and size."""
        while True:
            rows, first, random = self._advance()
            self._seed_numpy(random)
            yield (rows, first, len(rows)) if self._era == 1 else rows

    @staticmethod
    def _seed_numpy(random) -> None:
        if random is not np.random:  # a subclass's own code draws from there
            np.random.set_state(random.get_state())

    def plan(self) -> Plan:
        """Say what the next batch will be; `make` makes it."""
        with self.lock:
            if self._planned:
                return self._planned.pop(0)
            rows, first, random = self._advance()
            return self._planned_batch(rows, first, random)

    def put_back(self, plans: Iterable[Plan]) -> None:
        """Plans that will be the next ones after all."""
        with self.lock:
            self._planned[:0] = plans

    def _planned_batch(self, rows: np.ndarray, first: int, random) -> Plan:
        self._seed_numpy(random)
        return Plan(rows, (), None, ())

    def make(self, plan: Plan):
        """The batch that `plan` said."""
        return self._get_batches_of_transformed_samples(plan.rows)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray):
        raise NotImplementedError(
            f"{type(self).__name__} needs `_get_batches_of_transformed_samples(index_array)`"
        )

    def next(self):
        """The next batch."""
        return self.make(self.plan())

    @property
    def plans(self) -> bool:
        """Whether its batches may be planned and made apart: a subclass may have its own way to the next one."""
        return type(self).next is Iterator.next and type(self).__next__ is Iterator.__next__

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    # ---- by number ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int):
        if not 0 <= idx < len(self):
            raise ValueError(f"{type(self).__name__} has the batches 0 to {len(self) - 1}; there is no {idx}")
        with self.lock:
            before = self._epoch * len(self)
            random = self._random(before + idx)
            if idx == 0 and self.seed is not None or self._epoch not in self._orders:
                self._orders = {self._epoch: self._order(random if idx == 0 else self._random(before))}
            self.index_array = self._orders[self._epoch]
            first = idx * self.batch_size
            rows = self.index_array[first : first + self.batch_size]
            plan = self._planned_batch(rows, first, random)
        return self.make(plan)

    def on_epoch_end(self) -> None:
        """Let batches by number be those of the next epoch."""
        with self.lock:
            self._epoch += 1

    def __getattr__(self, name: str):
        """Attributes by the names they once had."""
        return border.old_attribute(self, name)


class ImageIterator(Iterator):
    """What iterators over images share: the generator's transforms, and saving what they made.

    Args:
        n, batch_size, shuffle, seed: as of an `Iterator`.
        generator: an `ImageDataGenerator`, or None for images as they are.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        saved: folder, prefix and format of files that show what is made; no folder, no files.
        dtype: of the images; the global float type if None.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        generator,
        data_format: str | None,
        saved: tuple[str | None, str, str],
        dtype: str | None,
    ):
        super().__init__(n, batch_size, shuffle, seed)
        self.image_data_generator = generator
        self.data_format = config.standardize_data_format(data_format)
        self.save_to_dir, self.save_prefix, self.save_format = saved
        self.dtype = dtype or config.floatx()

    def _planned_batch(self, rows: np.ndarray, first: int, random) -> Plan:
        if not self._makes_as_here():
            return super()._planned_batch(rows, first, random)
        generator, draws = self.image_data_generator, None
        if self._draws_ahead():
            draws = [generator.draw(self.image_shape, random) for _ in rows] if generator else None
        else:
            self._seed_numpy(random)
        hashes = [random.randint(HASHES) for _ in rows] if self.save_to_dir else ()
        numbers = range(first, first + len(rows)) if self._era == 1 else rows
        return Plan(rows, numbers, draws, hashes)

    def _makes_as_here(self) -> bool:
        """Whether no subclass makes batches in another way."""
        made = type(self)._get_batches_of_transformed_samples
        return made is ImageIterator._get_batches_of_transformed_samples

    def _draws_ahead(self) -> bool:
        """Whether all that is random can be drawn before anything is made; a user's generator may not allow that."""
        return self.image_data_generator is None or getattr(self.image_data_generator, "draws_ahead", False)

    @property
    def plans(self) -> bool:
        """Whether its batches may be planned and made apart."""
        return super().plans and self._makes_as_here() and self._draws_ahead()

    def make(self, plan: Plan):
        if not self._makes_as_here():
            return super().make(plan)
        images = self._made(plan.rows, plan.draws)
        for made, number, hash_ in zip(images, plan.numbers, plan.hashes, strict=False):
            name = f"{self.save_prefix}_{number}_{hash_}.{self.save_format}"
            image.array_to_img(made, data_format=self.data_format).save(os.path.join(self.save_to_dir, name))
        return self._batch(images, plan.rows)

    def _made(self, rows: np.ndarray, draws: list | None) -> np.ndarray:
        """The images of a batch, some at a time, so that they are still in a core's cache when they are changed."""
        some = max(CACHED // math.prod(self.image_shape), 1)
        if len(rows) <= some:
            return self._transformed(self._images(rows), draws)
        batch = np.empty((len(rows), *self.image_shape), self.dtype)
        for first in range(0, len(rows), some):
            part = slice(first, first + some)
            batch[part] = self._transformed(self._images(rows[part]), draws and draws[part])
        return batch

    def _transformed(self, images: np.ndarray, draws: list | None) -> np.ndarray:
        generator = self.image_data_generator
        if generator is None:
            return images
        if draws is not None:
            return generator.prepare(images, draws)
        return np.stack([generator.standardize(generator.random_transform(each)) for each in images])

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray):
        return self.make(self._planned_batch(np.asarray(index_array), 0, np.random))

    def _images(self, rows: np.ndarray) -> np.ndarray:
        """The images of these samples, in an array of their own."""
        raise NotImplementedError

    def _batch(self, images: np.ndarray, rows: np.ndarray):
        """What the batch is, once its images are made."""
        raise NotImplementedError


class NumpyArrayIterator(ImageIterator):
    """Batches of images from an array: x, `(x, y)` or `(x, y, sample_weight)`.

    Args:
        x: images `(n, height, width, channels)`, or a pair of these and an array, or a list of arrays, that go beside
            them as they are.
        y: targets, or None.
        image_data_generator: what transforms the images.
        batch_size, shuffle, seed: as of an `Iterator`.
        sample_weight: a weight for each image, or None.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        save_to_dir, save_prefix, save_format: where the images that were made are saved, to look at them.
        subset: 'training' or 'validation', of the generator's `validation_split`.
        ignore_class_split: whether the classes of the two subsets may differ.
        dtype: of the images; the global float type if None.

    Raises ValueError for arrays that do not fit one another or are no images.
    """

    def __init__(
        self,
        x,
        y,
        image_data_generator,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight=None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: str | None = None,
    ):
        beside = ()
        if isinstance(x, list | tuple) and np.ndim(x[0]) > 3:
            x, beside = x[0], x[1] if isinstance(x[1], list) else [x[1]]
        parts = {"x": x, "y": y, "sample_weight": sample_weight}
        parts |= {f"x[{i}]": each for i, each in enumerate(beside, 1)}
        parts = {name: np.asarray(each) for name, each in parts.items() if each is not None}
        sizes = {name: len(each) if each.ndim else 0 for name, each in parts.items()}
        if len({*sizes.values()}) > 1:
            said = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise ValueError(
                "All of the arrays in `x` (images tensor) and `y` (labels) have to have the same length, and weights "
                f"too: {said}"
            )
        if subset is not None:
            parts = _part(parts, subset, image_data_generator.validation_split, ignore_class_split)
        self.x, self.y, self.sample_weight = (parts.pop(name, None) for name in ("x", "y", "sample_weight"))
        self.x_misc = list(parts.values())
        saved = save_to_dir, save_prefix, save_format
        super().__init__(
            len(self.x), batch_size, shuffle, seed, image_data_generator, data_format, saved, dtype
        )
        check_images("flow", self.x, self.data_format)
        self.image_shape = self.x.shape[1:]

    def _images(self, rows: np.ndarray) -> np.ndarray:
        return self.x[rows].astype(self.dtype, copy=False)

    def _batch(self, images: np.ndarray, rows: np.ndarray):
        given = [images, *(each[rows] for each in self.x_misc)] if self.x_misc else images
        beside = [each[rows] for each in (self.y, self.sample_weight) if each is not None]
        return (given, *beside) if self.y is not None else given


def check_images(what: str, x: np.ndarray, data_format: str) -> None:
    """Raise ValueError for what is no array of images."""
    if x.ndim != 4:
        raise ValueError(f"{what}: images are an array of 4 axes; this one has the shape {x.shape}")
    axis = 3 if data_format == "channels_last" else 1
    if x.shape[axis] not in (1, 3, 4):
        raise ValueError(
            f"{what}: images have 1, 3 or 4 channels on axis {axis} ({data_format}); {x.shape} has "
            f"{x.shape[axis]}. If channels are elsewhere, give data_format."
        )


def _part(parts: Mapping[str, np.ndarray], subset: str, fraction: float, any_classes: bool) -> dict:
    """The first part of arrays for validation, or the rest for training."""
    if subset not in SUBSETS:
        raise ValueError(f"subset is one of {', '.join(SUBSETS)}; got {subset!r}")
    at = int(len(parts["x"]) * fraction)
    y = parts.get("y")
    if y is not None and not any_classes and not np.array_equal(np.unique(y[:at]), np.unique(y[at:])):
        raise ValueError(
            "The classes in the part for validation are not those in the rest; if the samples are sorted by "
            "class, shuffle them first"
        )
    taken = slice(None, at) if subset == "validation" else slice(at, None)
    return {name: each[taken] for name, each in parts.items()}
