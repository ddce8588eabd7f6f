"""Functions of `keras.engine` in Keras 1 and 2 that programs imported: about graphs, and about data for `fit`."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from .. import config
from ..ops import numpy as ops
from ..ops.wrap import op
from ..saving import era_weights, hdf5, objects
from ..symbol import Symbol
from ..training.data import weights_of_classes
from ..training.losses import check_target, name_of, per_output, weighted
from . import border
from .past import listed

__all__ = [
    "GeneratorEnqueuer",
    "batch_shuffle",
    "check_array_length_consistency",
    "check_array_lengths",
    "check_loss_and_target_compatibility",
    "collect_metrics",
    "get_source_inputs",
    "make_batches",
    "object_list_uid",
    "preprocess_weights_for_loading",
    "slice_X",
    "standardize_class_weights",
    "standardize_input_data",
    "standardize_sample_or_class_weights",
    "standardize_sample_weights",
    "standardize_weights",
    "to_list",
    "weighted_masked_objective",
    "weighted_objective",
]

# ---- graphs ------------------------------------------------------------------------------------


def to_list(x) -> list:
    """A list as it is, anything else alone in one."""
    return x if isinstance(x, list) else [x]


def object_list_uid(object_list) -> str:
    """A word that stands for just these objects, in this order."""
    return ", ".join(str(abs(id(each))) for each in to_list(object_list))


def get_source_inputs(tensor: Symbol, layer=None, node_index: int | None = None) -> list[Symbol]:
    """The symbols of the `Input`s that a symbol comes from.

    Args:
        tensor: the symbol.
        layer, node_index: the call that made it, where another than its own is meant.
    """
    outputs = tensor if layer is None else layer.get_output_at(node_index or 0)
    met, stack, found = set(), listed(outputs), []
    while stack:
        symbol = stack.pop()
        if id(symbol) in met:
            continue
        met.add(id(symbol))
        if symbol.node is None or getattr(symbol.node.operation, "is_input", False):
            found.append(symbol)
        else:
            stack += reversed(symbol.node.inputs)
    return found


# ---- weights in files --------------------------------------------------------------------------


def preprocess_weights_for_loading(
    layer, weights: Sequence, original_keras_version: str | None = None, original_backend: str | None = None,
    reshape: bool = False,
) -> list:  # fmt: skip
    """The arrays that a file holds for a layer or model, as it has them today.

    Args:
        layer: built.
        weights: the arrays.
        original_keras_version, original_backend: what wrote them: '1' means the layouts of Keras 1, and 'theano'
            that kernels are flipped.
        reshape: whether arrays of another shape, but as many numbers, are taken for those of the layer.
    """
    era = objects.era_of({"keras_version": original_keras_version}, 3)
    made = era_weights.understood(layer, weights, era, original_backend == "theano")
    if reshape:
        pairs = zip(layer.weights, made, strict=True)
        made = [hdf5.fitted(array, cell.shape) for cell, array in pairs]
    return list(made)


# ---- data --------------------------------------------------------------------------------------


def standardize_input_data(
    data, names: Sequence[str], shapes: Sequence[tuple] | None = None, check_batch_axis: bool = True,
    exception_prefix: str = "",
) -> list[np.ndarray]:  # fmt: skip
    """Arrays in the order of `names`, those of one axis with a second of size 1.

    Args:
        data: an array, a list of them, or a dict by name.
        names: what they are called.
        shapes: the shape that each must have, None in it for any size; None for what is not checked.
        check_batch_axis: whether the first axis counts.
        exception_prefix: begins the messages.

    Raises ValueError for missing names, another number of arrays, and other shapes.
    """
    if isinstance(data, Mapping):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(f"No data for {', '.join(missing)}; there is some for {', '.join(data)}")
        data = [data[name] for name in names]
    elif not isinstance(data, list):
        data = [data]
    if len(data) != len(names):
        raise ValueError(f"{exception_prefix}: {len(names)} arrays are needed; got {len(data)}")
    arrays = [array[:, None] if np.ndim(array) == 1 else array for array in map(np.asarray, data)]
    for name, array, shape in zip(names, arrays, shapes or itertools.repeat(None), strict=False):
        pairs = list(zip(shape or (), array.shape, strict=False))[0 if check_batch_axis else 1 :]
        if shape and (len(shape) != array.ndim or any(want not in (None, got) for want, got in pairs)):
            raise ValueError(
                f"{exception_prefix}: {name} needs shape {tuple(shape)}; got one of {array.shape}"
            )
    return arrays


def standardize_sample_or_class_weights(x_weight, output_names: Sequence[str], weight_type: str) -> list:
    """What was given for each output: one for the only one, a list in order, or a dict by name; else None."""
    several = (
        isinstance(x_weight, list | tuple)
        or isinstance(x_weight, Mapping)
        and set(x_weight) <= {*output_names}
    )
    if x_weight is None or not len(x_weight):
        return [None] * len(output_names)
    if len(output_names) == 1 and not (several and len(x_weight) == 1):
        return [x_weight]
    return per_output(x_weight, output_names, weight_type)


def standardize_class_weights(class_weight, output_names: Sequence[str]) -> list:
    """The class weights of each output."""
    return standardize_sample_or_class_weights(class_weight, output_names, "class_weight")


def standardize_sample_weights(sample_weight, output_names: Sequence[str]) -> list:
    """The sample weights of each output."""
    return standardize_sample_or_class_weights(sample_weight, output_names, "sample_weight")


def standardize_weights(y, sample_weight=None, class_weight=None, sample_weight_mode=None) -> np.ndarray:
    """A weight a sample: those given, else those of its class, else 1; a weight a sample and step if 'temporal'.

    Raises ValueError for weights that do not go with the targets.
    """
    temporal = sample_weight_mode == "temporal"
    if sample_weight_mode not in (None, "temporal"):
        raise ValueError(f"sample_weight_mode is None or 'temporal'; got {sample_weight_mode!r}")
    if temporal and np.ndim(y) < 3:
        raise ValueError(f"Weights a time step need targets with a time axis; these have shape {np.shape(y)}")
    shape = np.shape(y)[: 2 if temporal else 1]
    if sample_weight is not None:
        if np.shape(sample_weight) != shape:
            raise ValueError(
                f"Targets of shape {np.shape(y)} take weights of shape {shape}; got {np.shape(sample_weight)}"
            )
        both = class_weight is not None and config.era() == 2  # in era 1 the sample's own weight wins
        return sample_weight * weights_of_classes(y, class_weight) if both else sample_weight
    return np.ones(shape) if class_weight is None else weights_of_classes(y, class_weight)


def check_array_lengths(inputs: Sequence, targets: Sequence, weights: Sequence) -> None:
    """ValueError where not all arrays have as many samples."""
    kinds = {"inputs": inputs, "targets": targets, "weights": weights}
    sizes = {kind: {len(array) for array in arrays if array is not None} for kind, arrays in kinds.items()}
    if len(set().union(*sizes.values())) > 1:
        said = ", ".join(f"{kind} {sorted(found)}" for kind, found in sizes.items() if found)
        raise ValueError(f"All arrays need as many samples; there are {said}")


def check_array_length_consistency(inputs, targets, weights=None) -> None:
    """The same, where what is missing has no samples."""
    kinds = {"inputs": inputs, "targets": targets, "weights": weights}
    sizes = {
        kind: {0 if array is None else len(array) for array in ([None] if arrays is None else arrays)}
        for kind, arrays in kinds.items()
    }
    if len(set().union(*sizes.values())) > 1:
        said = ", ".join(f"{kind} {sorted(found)}" for kind, found in sizes.items() if found)
        raise ValueError(f"All arrays need as many samples; there are {said}")


def check_loss_and_target_compatibility(targets: Sequence, losses: Sequence, output_shapes: Sequence) -> None:
    """ValueError where targets cannot belong to outputs of such shapes under such losses."""
    for number, (target, loss, shape) in enumerate(zip(targets, losses, output_shapes, strict=True), 1):
        if target is not None and loss is not None:
            check_target(f"output_{number}", name_of(loss), target, Symbol(shape))


def collect_metrics(metrics, output_names: Sequence[str]) -> list[list]:
    """The metrics of each output: of a list all at each, of a dict those by its name."""
    if not metrics:
        return [[] for _ in output_names]
    if not isinstance(metrics, list | dict):
        raise TypeError(f"metrics is a list, or a dict by output; got {metrics!r}")
    return [listed(each) for each in per_output(metrics, output_names, "metrics", repeat=True)]


def batch_shuffle(index_array: np.ndarray, batch_size: int) -> np.ndarray:
    """The indices with whole batches in random order, by NumPy's generator; the rest stays at the end."""
    whole = len(index_array) // batch_size * batch_size
    batches = index_array[:whole].reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.append(batches.reshape(-1), index_array[whole:])


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """Where batches begin and end, `(start, stop)`; the last may be smaller.

    Example:
        >>> make_batches(5, 2)
        [(0, 2), (2, 4), (4, 5)]
    """
    return [(start, min(size, start + batch_size)) for start in range(0, size, batch_size)]


def slice_X(X, start=None, stop: int | None = None):  # noqa: N802, N803 - Keras's names
    """Samples of an array, or of each in a list: from `start` to `stop`, or those numbered in `start`.

    Example:
        >>> slice_X([np.arange(4), np.arange(4)], 1, 3)
        [array([1, 2]), array([1, 2])]
    """
    numbered = hasattr(start, "__len__")
    rows = (start.tolist() if hasattr(start, "tolist") else start) if numbered else slice(start, stop)
    return [x[rows] for x in X] if isinstance(X, list) else X[rows]


@op
def _weighted(values, weights, mask):
    return weighted(values, weights, mask, era=1)


def weighted_objective(fn: Callable) -> Callable:
    """A loss `(y_true, y_pred)` as one of `(y_true, y_pred, weights, mask=None)` that is a scalar."""

    def objective(y_true, y_pred, weights, mask=None):
        return _weighted(fn(y_true, y_pred), weights, mask)

    return objective


def weighted_masked_objective(fn: Callable | None) -> Callable | None:
    """The same as Keras 2 had it: where a mask leaves nothing the loss is 0, and symbols may be given."""
    if fn is None:
        return None

    def objective(y_true, y_pred, weights, mask=None):
        values = fn(y_true, y_pred)
        if mask is not None:
            mask = ops.cast(mask, config.floatx())
            values = values * mask / (ops.mean(mask) + config.epsilon())
        if weights is not None:
            values = ops.mean(values, axis=tuple(range(ops.ndim(weights), ops.ndim(values))))
            values = values * weights / ops.mean(ops.cast(ops.not_equal(weights, 0), config.floatx()))
        return ops.mean(values)

    return objective


class GeneratorEnqueuer:
    """Threads that take from a generator ahead of need, into `queue`.

    Args:
        generator: an iterator; it is asked by one thread at a time.
        use_multiprocessing: accepted (Keras 1: `pickle_safe`); threads are used in any case.
        wait_time, random_seed: accepted.
    """

    @border.method("GeneratorEnqueuer")
    def __init__(
        self, generator: Iterator, use_multiprocessing: bool = False, wait_time: float | None = None,
        random_seed: int | None = None,
    ):  # fmt: skip
        self.generator, self._error = generator, None
        self.queue: queue.Queue | None = None
        self._lock, self._stop, self._threads = threading.Lock(), threading.Event(), []

    @border.method("GeneratorEnqueuer.start")
    def start(self, workers: int = 1, max_queue_size: int = 10, wait_time: float = 0.05) -> None:
        """Start threads that keep up to `max_queue_size` items, looking every `wait_time` seconds."""
        self.queue = queue.Queue(max_queue_size)
        self._stop.clear()
        self._threads = [
            threading.Thread(target=self._work, args=(wait_time,), daemon=True) for _ in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, wait_time: float) -> None:
        while not self._stop.is_set():
            try:
                with self._lock:
                    item = next(self.generator, self) if self._error is None else self
            except Exception as error:  # for whoever takes
                self._error, item = error, self
            if item is self:  # it ended
                return
            while not self._stop.is_set():
                try:
                    self.queue.put(item, timeout=wait_time)
                    break
                except queue.Full:
                    continue

    def get(self) -> Iterator:
        """The items, as they come; what making one raises is raised here."""
        while self.queue is not None:
            try:
                yield self.queue.get(timeout=0.05)
            except queue.Empty:
                if self._error is not None:
                    raise self._error from None
                if not self.is_running() and self.queue.empty():
                    return

    def is_running(self) -> bool:
        """Whether more may come."""
        return not self._stop.is_set() and any(thread.is_alive() for thread in self._threads)

    def stop(self, timeout: float | None = None) -> None:
        """End the threads, waiting for each at most `timeout` seconds, and forget what is queued."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout)
        self._threads, self.queue = [], None
