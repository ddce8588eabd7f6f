"""For the tests of layers: data, and a trial of all that a layer is asked to do."""

import contextlib
import functools
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, graph, registry
from ..eras import border
from ..layers.core import Input
from ..model import Model
from ..models import model_from_json
from ..sequential import Sequential

__all__ = ["get_test_data", "keras_test", "layer_test", "tf_file_io_proxy"]

Pair = tuple[np.ndarray, np.ndarray]


@border.method("get_test_data")
def get_test_data(
    num_train: int = 1000, num_test: int = 500, input_shape: Sequence[int] = (10,),
    output_shape: Sequence[int] = (2,), classification: bool = True, num_classes: int = 2,
) -> tuple[Pair, Pair]:  # fmt: skip
    """Data that can be learnt, `(x_train, y_train), (x_test, y_test)`: numbers about the label, with deviation 0.7.

    Args:
        num_train, num_test: how many samples.
        input_shape: of one sample.
        output_shape: of one target, where these are numbers.
        classification: whether targets are labels from 0 on, rather than numbers about the same mean as the sample.
        num_classes: how many labels.
    """
    count = num_train + num_test
    means = np.random.randint(0, num_classes, count) if classification else np.random.random(count)

    def about(shape: Sequence[int]) -> np.ndarray:
        return np.random.normal(means.reshape(-1, *[1] * len(shape)), 0.7, (count, *shape))

    x, y = about(tuple(input_shape)), means if classification else about(tuple(output_shape))
    return (x[:num_train], y[:num_train]), (x[num_train:], y[num_train:])


def layer_test(
    layer_cls: type, kwargs: Mapping[str, Any] | None = None, input_shape: Sequence[int | None] | None = None,
    input_dtype: str | None = None, input_data: np.ndarray | None = None, expected_output=None,
    expected_output_dtype: str | None = None, fixed_batch_size: bool = False,
) -> np.ndarray:  # fmt: skip
    """Make a layer, call it on a symbol, predict, train, and go through its configuration, in models of both kinds.

    Args:
        layer_cls: its class.
        kwargs: its arguments.
        input_shape: of the data, batch included; None stands for 1 to 3.
        input_dtype: of the data.
        input_data: the data; random numbers from 0 to 10 if None.
        expected_output: what has to come out, to a part in a thousand.
        expected_output_dtype: what type that has; that of the input if None.
        fixed_batch_size: whether the size of the batch is known beforehand.

    Returns what came out.
    Raises AssertionError where a shape, a type or a number is another one.
    """
    kwargs = dict(kwargs or {})
    if input_data is None:
        assert input_shape, "layer_test needs input_shape or input_data"
        sizes = [np.random.randint(1, 4) if size is None else size for size in input_shape]
        input_data = (10 * np.random.random(sizes)).astype(input_dtype or config.floatx())
    with registry.custom_object_scope({layer_cls.__name__: layer_cls}):
        return _tried(
            layer_cls, kwargs, tuple(input_shape or input_data.shape), input_dtype, input_data, expected_output,
            expected_output_dtype, fixed_batch_size,
        )  # fmt: skip


def _tried(layer_cls, kwargs, shape, input_dtype, input_data, expected_output, expected_output_dtype, fixed):
    dtype = input_dtype or (config.floatx() if input_data.dtype.kind == "f" else input_data.dtype.name)
    layer = layer_cls(**kwargs)
    layer.set_weights(layer.get_weights())

    x = Input(batch_shape=shape, dtype=dtype) if fixed else Input(shape=shape[1:], dtype=dtype)
    y = layer(x)
    assert y.dtype == (expected_output_dtype or dtype), f"{layer.name} returns {y.dtype}"
    model = Model(x, y)
    model.compile("rmsprop", "mse")
    output = _predicted(model, input_data, layer.compute_output_shape(shape), expected_output)
    model.train_on_batch(input_data, np.zeros_like(output))

    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert np.allclose(again.predict(input_data), model.predict(input_data), rtol=1e-3, atol=1e-5)

    with graph.fresh_names():
        stack = Sequential([Input(batch_shape=shape, dtype=dtype), layer_cls.from_config(layer.get_config())])
    stack.compile("rmsprop", "mse")
    _predicted(stack, input_data, layer.compute_output_shape(shape), expected_output)
    model_from_json(stack.to_json())
    return output


def _predicted(model, data: np.ndarray, shape: tuple, expected) -> np.ndarray:
    output = model.predict(data)
    for wanted, size in zip(shape, output.shape, strict=True):
        assert wanted in (None, size), f"{model.name} returns the shape {output.shape}, not {shape}"
    if expected is not None:
        np.testing.assert_allclose(output, expected, rtol=1e-3)
    return output


def keras_test(func: Callable) -> Callable:
    """Decorator: a test after which layer names are counted anew."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        result = func(*args, **kwargs)
        graph.reset_names()
        return result

    return wrapper


class _Store:
    """A folder in the place of a store of files far away."""

    def __init__(self, folder: str):
        self.folder = pathlib.Path(folder)

    def get_filepath(self, filename: str) -> str:
        """The path of a file of that name in the store."""
        return str(self.folder / pathlib.Path(filename).name)

    def file_exists(self, filepath: str) -> bool:
        """Whether there is such a file."""
        return pathlib.Path(filepath).exists()

    def assert_exists(self, filepath: str) -> None:
        """AssertionError where there is none."""
        assert self.file_exists(filepath), f"{filepath} is not there"

    def delete_file(self, filepath: str) -> None:
        """Remove it."""
        pathlib.Path(filepath).unlink()


@contextlib.contextmanager
def tf_file_io_proxy(file_io_module: str) -> Iterator[_Store]:
    """For the length of a `with`, where Keras 2.3's tests keep what they would put into Google's cloud.

    Args:
        file_io_module: TensorFlow's module for such files, which there is none of here.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield _Store(folder)
