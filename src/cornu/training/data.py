"""What `fit`, `evaluate` and `predict` are fed: arrays held in memory, or batches that come one by one."""

import collections
import concurrent.futures
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, dtypes
from . import notes
from .in_file import NARROW, InFile, is_in_file, taker, whole

ENDLESS = 2**40  # so many batches are those of a dataset that is repeated for ever, as Grain's may be
RESIDENT_BYTES = 2**31  # arrays up to this size are kept on the device as a whole


def is_none(leaf) -> bool:
    return leaf is None


def leaves(tree) -> list:
    """The leaves of a structure, None among them."""
    return jax.tree.leaves(tree, is_leaf=is_none)


def is_text(x) -> bool:
    """Whether it is text, or a list of it."""
    return isinstance(x, str) or isinstance(x, list | tuple) and bool(x) and all(map(is_text, x))


def fed(x: Mapping) -> dict:
    """What of a dict can be fed: in eras 1 and 2 text may lie beside what a model has inputs for."""
    return {name: each for name, each in x.items() if config.era() == 3 or not is_text(each)}


def is_arrays(x) -> bool:
    """Whether `x` is an array or a structure of arrays, rather than something that yields batches."""
    if isinstance(x, Mapping):
        return all(map(is_arrays, fed(x).values()))
    if isinstance(x, list | tuple):
        return all(is_arrays(each) or isinstance(each, bool | int | float) or each is None for each in x)
    return hasattr(x, "shape") and hasattr(x, "dtype") or hasattr(x, "to_numpy")


def as_numpy(x, what: str):
    """An array-like as an array that a device can take; names what it was in an error."""
    if isinstance(x, jax.Array | InFile) or x is None:
        return x
    if is_in_file(x) and np.dtype(x.dtype).kind in "biuf" and len(x.shape):
        return InFile(x, jax.config.jax_enable_x64)
    if hasattr(x, "to_numpy"):
        x = x.to_numpy()
    elif hasattr(x, "detach"):
        x = x.detach().cpu().numpy()
    elif hasattr(x, "toarray"):
        x = x.toarray()
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{what}: the rows have different lengths, so they make no array") from error
    if array.dtype == object or array.dtype.kind in "USV":
        raise ValueError(
            f"{what} holds {array.dtype} data, not numbers. Ragged lists: see cornu.utils.pad_sequences; "
            "words and categories have to become numbers first."
        )
    narrow = NARROW.get(array.dtype.name)
    return array.astype(narrow) if narrow and not jax.config.jax_enable_x64 else array


def structure(x, what: str):
    """A structure of arrays; a list of plain numbers is one array."""
    if isinstance(x, Mapping):
        return {name: structure(each, f"{what}[{name!r}]") for name, each in fed(x).items()}
    if isinstance(x, list | tuple) and x and all(is_arrays(each) or each is None for each in x):
        deep = all(isinstance(each, list | tuple) for each in x)
        if not deep or any(hasattr(leaf, "shape") for leaf in leaves(list(x))):
            return type(x)(structure(each, f"{what}[{i}]") for i, each in enumerate(x))
    return as_numpy(x, what)


def length_of(data: dict[str, Any]) -> int:
    """The number of samples, the same in every array.

    Raises ValueError for no samples or for arrays that disagree.
    """
    sizes = {}
    for what, tree in data.items():
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            if not leaf.shape:
                raise ValueError(f"{what} is a single number; the first axis has to be the samples")
            sizes[what + jax.tree_util.keystr(path)] = leaf.shape[0]
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{what} has {size}" for what, size in sizes.items())
        raise ValueError(f"The arrays have different numbers of samples: {said}")
    size = next(iter(sizes.values()), 0)
    if not size:
        raise ValueError("The data is empty: there is no sample in it")
    return size


class Arrays:
    """Samples in memory, taken by row.

    Args:
        x, y, sample_weight: arrays or structures of them, samples first; None where there are none.
        batch_size: samples a step.
        shuffle: True, False, or 'batch' (the order of whole batches).
    """

    unsure = None  # what a backup cannot know of it

    def __init__(self, x, y=None, sample_weight=None, batch_size: int | None = None, shuffle=False):
        self.x, self.y = structure(x, "x"), structure(y, "y")
        self.sample_weight = structure(sample_weight, "sample_weight")
        given = {"x": self.x, "y": self.y, "sample_weight": self.sample_weight}
        self.size = length_of({what: tree for what, tree in given.items() if tree is not None})
        self.batch_size = 32 if batch_size is None else batch_size
        if not isinstance(self.batch_size, int | np.integer) or self.batch_size < 1:
            raise ValueError(f"batch_size is a positive int; got {batch_size!r}")
        self.shuffle = shuffle
        self._order = np.arange(self.size, dtype="int32")
        self._device = None

    @property
    def steps(self) -> int:
        return -(-self.size // self.batch_size)

    @property
    def parts(self) -> tuple:
        return self.x, self.y, self.sample_weight

    @property
    def resident(self) -> bool:
        """Whether the arrays are small enough to be kept on the device."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self.parts)) <= RESIDENT_BYTES

    def on_device(self) -> tuple:
        """The arrays on the device, put there once."""
        if self._device is None:
            self._device = jax.tree.map(lambda leaf: jnp.asarray(whole(leaf)), self.parts)
        return self._device

    def next_order(self, again: bool = False) -> np.ndarray:
        """The rows in the order of the next epoch: each shuffle goes on from the last. `again`: of this epoch."""
        if again:
            return self._order.copy()
        if self.shuffle == "batch":
            whole = self.size // self.batch_size * self.batch_size
            batches = self._order[:whole].reshape(-1, self.batch_size)
            np.random.shuffle(batches)
        elif self.shuffle:
            np.random.shuffle(self._order)
        return self._order.copy()

    def place(self) -> dict[str, Any]:
        """What `put` needs to go on from here."""
        order = self._order if self.shuffle else None
        return {"size": self.size, "batch_size": self.batch_size, "order": order}

    def misfit(self, place: dict[str, Any], within: bool) -> str | None:
        """Why a place is of other data, in words; `within` an epoch the batches have to be the same."""
        if place.get("size") != self.size:
            return f"there are {self.size} samples, and were {place.get('size', 'none, but batches')}"
        if within and place["batch_size"] != self.batch_size:
            return f"within an epoch batch_size stays {place['batch_size']}"
        return None

    def put(self, place: dict[str, Any]) -> None:
        """Go on from what `place` said."""
        if self.shuffle and place["order"] is not None:
            self._order = place["order"]

    def rows(self, rows) -> tuple:
        """The samples of some rows."""
        return jax.tree.map(lambda leaf: leaf[rows], self.parts)

    def batches(self, order: np.ndarray, first: int = 0) -> Iterator[tuple]:
        for start in range(first * self.batch_size, self.size, self.batch_size):
            yield self.rows(order[start : start + self.batch_size])

    def stacks(self, count: int, steps: int | None = None) -> Iterator[tuple[int, tuple]]:
        """`(how many, batches)` in the order of the rows: `count` along a first axis, then the rest one by one."""
        size, total = self.batch_size, self.steps if steps is None else min(steps, self.steps)
        several = min(total, self.size // size) // count if count > 1 else 0
        for i in range(several):
            rows = self.rows(slice(i * count * size, (i + 1) * count * size))
            yield count, jax.tree.map(lambda leaf: leaf.reshape(count, size, *leaf.shape[1:]), rows)
        for step in range(several * count, total):
            yield 1, self.rows(slice(step * size, (step + 1) * size))

    def split(self, fraction: float) -> tuple["Arrays", "Arrays"]:
        """The first part to train on, and the last `fraction` of the samples.

        Raises ValueError when one of the two would be empty.
        """
        at = int(self.size * (1 - fraction))
        if not 0 < fraction < 1 or not 0 < at < self.size:
            raise ValueError(
                f"validation_split={fraction} leaves {at} samples to train on and {self.size - at} to validate"
            )
        first, last = (jax.tree.map(taker(rows), self.parts) for rows in (slice(0, at), slice(at, None)))
        return Arrays(*first, self.batch_size, self.shuffle), Arrays(*last, self.batch_size)


def unpack(batch, where: str = "the data") -> tuple:
    """`(x, y, sample_weight)` from what a generator yields: x, (x,), (x, y) or (x, y, sample_weight)."""
    if isinstance(batch, list):
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        batch = (batch,)
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"{where} yields tuples of {len(batch)}; expected x, (x, y) or (x, y, sample_weight)"
        )
    names = ("x", "y", "sample_weight")
    made = [structure(each, name) for each, name in zip(batch, names, strict=False)]
    length_of({name: each for name, each in zip(names, made, strict=False) if each is not None})
    return (*made, None, None)[:3]


def planned(source, workers: int, ahead: int) -> Iterator:
    """Batches of an iterator that says what the next one will be (`plan`) before it is made (`make`).

    Made ahead by some threads, they are the same as made one after the other; what is not taken is put back.
    """
    if config.era() > 1:  # to which it is a Sequence, that begins with its first batch
        source.reset()
    waiting: collections.deque = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                while len(waiting) < max(workers, ahead):
                    plan = source.plan()
                    waiting.append((plan, pool.submit(source.make, plan)))
                yield waiting.popleft()[1].result()
        finally:
            for _, job in waiting:
                job.cancel()
            source.put_back(plan for plan, _ in waiting)


class Stream:
    """Batches that come one by one, from an iterable, a generator, a `Sequence` or an iterator that plans.

    Args:
        source: yields x, (x, y) or (x, y, sample_weight).
        steps: how many batches make an epoch; None: until it ends.
        shuffle: whether the batches of a Sequence come in random order.
        samples: an epoch ends with the batch that reaches so many samples.
        workers, ahead: threads that make a Sequence's batches, and how many batches they are ahead; by default
            what the Sequence itself says.
    """

    def __init__(
        self,
        source: Iterable,
        steps: int | None = None,
        shuffle: bool = False,
        samples: int | None = None,
        workers: int | None = None,
        ahead: int | None = None,
    ):
        self.source, self.shuffle, self.samples = source, shuffle, samples
        self.workers = workers or getattr(source, "workers", None) or 1
        self.ahead = ahead or getattr(source, "max_queue_size", None) or 10
        self.endless = isinstance(source, Iterator)
        counted = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self.indexed = not self.endless and counted and len(source) < ENDLESS
        self._iterator = source if self.endless else None
        if getattr(source, "plans", False):
            self._iterator = planned(source, self.workers, self.ahead)
        self.measured = steps is None and samples is None and hasattr(source, "__len__")
        self.steps = steps
        self.measure()
        self._first = []  # batches that `peek` has taken
        self._order: np.ndarray | None = None  # of a Sequence's batches in this epoch
        self._place: dict[str, Any] = {}  # where an iterable has to go on
        self.seen = 0  # samples in this epoch
        self._begun = False  # whether the source knows of the epoch whose first batch was taken

    def measure(self) -> None:
        """Ask the source for the number of its batches, which may change from epoch to epoch.

        Raises ValueError where there are none.
        """
        if self.measured:
            self.steps = len(self.source)
            if self.steps >= ENDLESS:
                raise ValueError(
                    f"{type(self.source).__name__} never ends: say how many batches make an epoch"
                )
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"The data is empty: {type(self.source).__name__} has {self.steps} batches")

    def peek(self) -> tuple:
        """The first batch, which comes again when the epoch begins."""
        if not self._first:
            self.begin_epoch()
            self._begun = True
            iterator = self._iterator if self.endless else iter(self._raw(1, 0))
            try:
                self._first = [next(iterator)]
            except StopIteration:
                raise ValueError("The data is empty: it ended before the first batch") from None
        batch = self._first[0]
        if not self.endless and not self.indexed:
            self._first = []
        return unpack(batch, type(self.source).__name__)

    def _raw(self, steps: int | None, start: int) -> Iterator:
        """The batches of an epoch, from the `start`-th on."""
        first, self._first = self._first, []
        if self.endless:
            return itertools.chain(first, self._iterator)
        if not self.indexed:
            self._iterator = iter(self.source)
            skipped = 0 if start and self._go_to_place() else start
            return itertools.islice(self._iterator, skipped, None) if skipped else self._iterator
        if start:
            first = []
        elif not first:
            self._order = np.arange(len(self.source))
            if self.shuffle:
                np.random.shuffle(self._order)
        again = self.samples or (steps and steps > len(self._order))
        order = itertools.cycle(self._order) if again else iter(self._order)
        return self._prefetched(itertools.islice(order, start + len(first), steps), first)

    def _prefetched(self, order: Iterator, first: list) -> Iterator:
        """What is there already, and batches made ahead by the Sequence's own number of workers."""
        ahead = max(self.workers, self.ahead)
        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            waiting = [pool.submit(self.source.__getitem__, int(i)) for i in itertools.islice(order, ahead)]
            try:
                yield from first
                while waiting:
                    yield waiting.pop(0).result()
                    waiting += [
                        pool.submit(self.source.__getitem__, int(i)) for i in itertools.islice(order, 1)
                    ]
            finally:
                for each in waiting:
                    each.cancel()

    @property
    def unsure(self) -> str | None:
        """What a backup cannot know of it, in words; None where it keeps all."""
        if self.indexed or notes.can_tell(self._iterator):
            return None
        if self.endless:
            return f"where a {type(self.source).__name__} is cannot be kept: it begins anew"
        return (
            f"whether the batches of a {type(self.source).__name__} come in the same order again is not known"
        )

    def place(self) -> dict[str, Any]:
        """What `put` needs to go on from here."""
        place = {"order": self._order, "seen": self.seen}
        if self.indexed:
            place["source"] = notes.read(self.source, small=True)
        elif notes.can_tell(self._iterator):
            place["iterator"] = self._iterator.get_state()
        return place

    def misfit(self, place: dict[str, Any], within: bool) -> str | None:
        """Why a place is of other data, in words; within an epoch the number of batches has to be the same."""
        if "seen" not in place:
            return f"it is a {type(self.source).__name__}, and was an array"
        before = 0 if place["order"] is None else len(place["order"])
        if within and self.indexed and before != len(self.source):
            return f"there are {len(self.source)} batches, and were {before}"
        return None

    def put(self, place: dict[str, Any]) -> None:
        """Go on from what `place` said."""
        self._order, self.seen, self._place = place["order"], place["seen"], place
        if not self.endless:
            self._first, self._begun = [], False
        if self.indexed and "source" in place:
            notes.write(self.source, place["source"])
        elif self.endless and self._go_to_place():
            self._first = []

    def _go_to_place(self) -> bool:
        """Put an iterator where it was; False where it cannot be put anywhere."""
        place, self._place = self._place, {}
        if "iterator" not in place or not notes.can_tell(self._iterator):
            return False
        self._iterator.set_state(place["iterator"])
        return True

    def batches(self, steps: int | None = None, start: int = 0) -> Iterator[tuple]:
        """The batches of one epoch, from the `start`-th on.

        Raises ValueError when it ends before `steps` batches came.
        """
        steps = steps or self.steps
        raw = self._raw(steps, start)
        self.seen = self.seen if start else 0
        try:
            for count in itertools.count(start):
                if (steps is not None and count >= steps) or (self.samples and self.seen >= self.samples):
                    return
                try:
                    batch = next(raw)
                except StopIteration:
                    if steps is None and count and not self.samples:
                        return
                    raise ValueError(
                        f"The data ended after {count} of {steps or 'more'} steps ({self.seen} samples). "
                        "Give fewer steps_per_epoch, or data that goes on."
                    ) from None
                batch = unpack(batch, type(self.source).__name__)
                self.seen += jax.tree.leaves(batch)[0].shape[0]
                yield batch
        finally:
            if hasattr(raw, "close") and not self.endless:
                raw.close()

    def stacks(self, count: int, steps: int | None = None) -> Iterator[tuple[int, tuple]]:
        """`(1, batch)`: batches that come one by one."""
        return ((1, batch) for batch in self.batches(steps))

    def begin_epoch(self) -> None:
        if not self._begun:
            getattr(self.source, "on_epoch_begin", lambda: None)()
        self._begun = False

    def end_epoch(self) -> None:
        getattr(self.source, "on_epoch_end", lambda: None)()


def weights_of_classes(y, class_weight: Mapping[int, float], name: str = "class_weight"):
    """One weight a sample from a weight a class: labels are ints, or the largest of one-hot rows.

    Raises ValueError for targets of more than two axes and, in the message, names classes without a weight.
    """
    y = np.asarray(y)
    if y.ndim > 2:
        raise ValueError(f"{name} needs targets of one label a sample; these have shape {y.shape}")
    labels = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    labels = labels.astype(int)
    missing = sorted(set(np.unique(labels).tolist()) - {int(key) for key in class_weight})
    if missing:
        raise ValueError(f"{name} has no weight for the classes {missing}, which are among the targets")
    table = np.ones(max(int(key) for key in class_weight) + 1, "float32")
    for key, weight in class_weight.items():
        table[int(key)] = weight
    return table[labels]


def adapt(x, y=None, sample_weight=None, batch_size=None, steps=None, shuffle=False) -> Arrays | Stream:
    """Whatever a user hands over, as `Arrays` or a `Stream`.

    Raises ValueError when targets are given beside something that yields its own.
    """
    if x is None:
        raise ValueError("There is no data: `x` is None")
    if isinstance(x, Arrays | Stream):
        return x
    given = isinstance(x, list | tuple) and not hasattr(x, "batch_size") or isinstance(x, Mapping)
    if hasattr(x, "toarray") or is_arrays(x) or given:
        if isinstance(x, list | tuple) and not len(x):
            raise ValueError("The data is empty: x has no sample")
        return Arrays(x, y, sample_weight, batch_size, shuffle)
    if not isinstance(x, Iterable) and not hasattr(x, "__getitem__"):
        raise TypeError(f"x is a {type(x).__name__}: expected arrays, a generator, a Sequence or an iterable")
    if y is not None or sample_weight is not None:
        raise ValueError(
            f"x is a {type(x).__name__} that yields batches: it has to yield targets and weights too"
        )
    return Stream(x, steps, shuffle)


def cast_like(x, dtype: str):
    """`x` in the type that an input declares, where it is another kind of number."""
    return x if dtypes.dtype_of(x) == dtype else jnp.asarray(x, jax.dtypes.canonicalize_dtype(dtype))
