"""Data that is made a batch at a time."""

import collections
import concurrent.futures
import itertools
import random
from collections.abc import Iterator


class PyDataset:
    """Batches by number; `fit` asks for them ahead, with some threads.

    A subclass writes `__getitem__` and `__len__` (or `num_batches`, where None says there is no end).

    Args:
        workers: threads that make batches.
        use_multiprocessing: accepted; threads make the batches in any case.
        max_queue_size: batches that may wait.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         return np.array([index]), np.array([index**2])
        >>> [int(y[0]) for x, y in Squares(workers=2)]
        [0, 1, 4]
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers, self.use_multiprocessing = workers, use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int):
        """The batch of that number: x, (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError(f"{type(self).__name__} needs `__getitem__(index)`, which makes a batch")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} needs `__len__`: how many batches there are")

    def __iter__(self) -> Iterator:
        batches = self.num_batches
        return map(self.__getitem__, itertools.count() if batches is None else range(batches))

    def on_epoch_begin(self) -> None:
        """An epoch begins."""

    def on_epoch_end(self) -> None:
        """An epoch is over: the time to shuffle."""


Sequence = PyDataset


class OrderedEnqueuer:
    """Threads that make the batches of a `Sequence` ahead of need, epoch after epoch, in order.

    Args:
        sequence: whose batches are made; it is told when an epoch is over.
        use_multiprocessing: accepted; threads make the batches in any case.
        shuffle: whether they come in another order each epoch.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         return index**2
        >>> batches = OrderedEnqueuer(Squares())
        >>> batches.start(workers=2)
        >>> list(itertools.islice(batches.get(), 5))
        [0, 1, 4, 0, 1]
        >>> batches.stop()
    """

    def __init__(self, sequence, use_multiprocessing: bool = False, shuffle: bool = False):
        self.sequence, self.use_multiprocessing, self.shuffle = sequence, use_multiprocessing, shuffle
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._ahead = 10
        self._over = False  # all batches of an epoch were taken, and the sequence was not told

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Start threads that keep up to `max_queue_size` batches ready."""
        self._pool = concurrent.futures.ThreadPoolExecutor(max(workers, 1))
        self._ahead = max(max_queue_size, 1)

    def is_running(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._pool is not None

    def stop(self, timeout: float | None = None) -> None:
        """End the threads; batches that are being made are waited for, whatever `timeout` says."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def get(self) -> Iterator:
        """The batches, without end; what making one raises is raised here."""
        while self.is_running():
            order = list(range(len(self.sequence)))
            if self.shuffle:
                random.shuffle(order)
            waiting: collections.deque = collections.deque()
            while order or waiting:
                while order and len(waiting) < self._ahead:
                    waiting.append(self._pool.submit(self.sequence.__getitem__, order.pop(0)))
                batch = waiting.popleft().result()
                self._over = not order and not waiting
                yield batch
                if not self.is_running():
                    return
            self.join_end_of_epoch()

    def join_end_of_epoch(self) -> None:
        """Tell the sequence that an epoch is over where all its batches were taken: else it hears so with the next."""
        if self._over:
            self._over = False
            getattr(self.sequence, "on_epoch_end", lambda: None)()
