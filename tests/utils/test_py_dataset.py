"""Data that is made a batch at a time."""

import itertools

import numpy as np
import pytest

import cornu


class Batches(cornu.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.full((2, 1), index, "float32"), np.full((2, 1), index, "float32")


class WithoutSuper(Batches):
    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self):
        self.epochs += 1


class Endless(cornu.utils.PyDataset):
    num_batches = None

    def __getitem__(self, index):
        return np.full((2, 1), index, "float32"), np.zeros((2, 1), "float32")


def model():
    made = cornu.Sequential([cornu.layers.Dense(1, input_shape=(1,))])
    made.compile("sgd", "mse")
    return made


def test_batches_by_number():
    made = Batches(workers=2, max_queue_size=4)
    assert [int(x[0, 0]) for x, y in made] == [0, 1, 2] and made.num_batches == 3
    assert (made.workers, made.use_multiprocessing, made.max_queue_size) == (2, False, 4)


def test_the_constructor_may_be_left_out():
    made = WithoutSuper()
    assert (made.workers, made.use_multiprocessing, made.max_queue_size) == (1, False, 10)
    model().fit(made, epochs=2, verbose=0)
    assert made.epochs == 2


def test_no_end():
    assert [int(x[0, 0]) for x, y in itertools.islice(Endless(), 4)] == [0, 1, 2, 3]
    history = model().fit(Endless(), steps_per_epoch=5, epochs=1, verbose=0)
    assert history.params["steps"] == 5


def test_what_a_subclass_has_to_write():
    with pytest.raises(NotImplementedError, match="Batch needs `__len__`"):
        type("Batch", (cornu.utils.PyDataset,), {})().num_batches  # noqa: B018
    with pytest.raises(NotImplementedError, match="needs `__getitem__"):
        cornu.utils.PyDataset()[0]


def test_the_old_name():
    assert cornu.utils.Sequence is cornu.utils.PyDataset


class Numbers(cornu.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.factor, self.made = 1, 0

    def __len__(self):
        return 12

    def __getitem__(self, index):
        self.made += 1
        return index * self.factor

    def on_epoch_end(self):
        self.factor *= 5


def test_enqueuer_keeps_the_order():
    batches = cornu.utils.OrderedEnqueuer(Numbers())
    batches.start(workers=3, max_queue_size=4)
    found = list(itertools.islice(batches.get(), 24))
    assert found == list(range(12)) + [5 * n for n in range(12)]
    batches.stop()
    assert not batches.is_running()


def test_enqueuer_shuffles_and_stops():
    numbers = Numbers()
    batches = cornu.utils.OrderedEnqueuer(numbers, shuffle=True)
    batches.start(2, 3)
    made = batches.get()
    found = [next(made) for _ in range(12)]
    assert found != sorted(found) == list(range(12))
    batches.stop()
    assert len(list(made)) <= 3 and numbers.made <= 16


def test_an_epoch_of_an_enqueuer_can_be_ended_before_the_next():
    class Shrinking(Numbers):
        length = 4

        def __len__(self):
            return self.length

        def on_epoch_end(self):
            self.length -= 1

    numbers = Shrinking()
    batches = cornu.utils.OrderedEnqueuer(numbers)
    batches.start(2)
    made = batches.get()
    found = [next(made) for _ in range(3)]
    batches.join_end_of_epoch()
    assert len(numbers) == 4  # one is not taken yet
    found.append(next(made))
    batches.join_end_of_epoch()
    assert len(numbers) == 3
    assert [*found, *itertools.islice(made, 4)] == [0, 1, 2, 3, 0, 1, 2, 0]
    assert len(numbers) == 2
    batches.stop()


def test_enqueuer_raises_what_a_batch_raises():
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("gone")

    batches = cornu.utils.OrderedEnqueuer(Broken())
    batches.start()
    with pytest.raises(KeyError, match="gone"):
        next(batches.get())
    batches.stop()
