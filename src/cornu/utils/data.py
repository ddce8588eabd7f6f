"""Data that is made a batch at a time."""

import itertools
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
