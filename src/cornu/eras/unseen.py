"""Names that Keras 1 and 2 did not show in their documents, and that programs imported all the same."""

from collections.abc import Sequence

import jax
import numpy as np

from .. import registry
from ..layers import conv, merge, pool
from ..layers.activation import Activation
from ..layers.core import Input
from .past import listed

__all__ = ["is_all_none", "multi_gpu_model", "transpose_shape"]

_Conv = conv._Convolution
_Pooling1D = _Pooling2D = _Pooling3D = pool._Pooling
_GlobalPooling1D = _GlobalPooling2D = _GlobalPooling3D = pool._GlobalPooling


class _Merge(merge._Merge):
    """A layer of a list of inputs: `_merge_function(inputs)` is what it computes.

    Example:
        >>> class Half(_Merge):
        ...     def _merge_function(self, inputs):
        ...         return (inputs[0] + inputs[1]) / 2
        >>> Half()([np.ones((1, 2)), np.zeros((1, 2))]).tolist()
        [[0.5, 0.5]]
    """

    def _merge_function(self, inputs):
        raise NotImplementedError(f"{type(self).__name__} needs a `_merge_function(inputs)` method")

    def call(self, inputs):
        return self._merge_function(inputs)

    def compute_output_shape(self, input_shape: Sequence) -> tuple:
        """That of one next to the other; asked where the code is written for one batch size."""
        free = lambda n: 0 if n is None else n  # noqa: E731
        made = np.broadcast_shapes(*(tuple(map(free, shape)) for shape in input_shape))
        return tuple(n or None for n in made)


def _standardize_args(inputs, initial_state, constants, num_constants: int | None) -> tuple:
    """`(inputs, initial_state, constants)` of a recurrent layer, that may have come in one list.

    Example:
        >>> _standardize_args(["x", "h", "c"], None, None, 1)
        ('x', ['h'], ['c'])
    """
    if isinstance(inputs, list | tuple):
        inputs, *more = inputs
        count = len(more) - (num_constants or 0)
        initial_state, constants = more[:count] or initial_state, more[count:] or constants
    return inputs, listed(initial_state) or None, listed(constants) or None


def is_all_none(x) -> bool:
    """Whether something, or all that is in a list, is None."""
    return all(each is None for each in (x if isinstance(x, list | tuple) else [x]))


def transpose_shape(shape: Sequence, target_format: str, spatial_axes: Sequence[int]) -> tuple:
    """A shape with its channels last brought into a data format; of a kernel too, with other `spatial_axes`.

    Raises ValueError for another format.

    Example:
        >>> transpose_shape((16, 128, 128, 32), "channels_first", spatial_axes=(1, 2))
        (16, 32, 128, 128)
    """
    if target_format not in ("channels_first", "channels_last"):
        raise ValueError(f"`target_format` is 'channels_first' or 'channels_last'; got {target_format!r}")
    made = tuple(shape)
    if target_format == "channels_first":
        made = (*shape[: spatial_axes[0]], shape[-1], *(shape[axis] for axis in spatial_axes))
    return made


def multi_gpu_model(model, gpus=None, cpu_merge: bool = True, cpu_relocation: bool = False):
    """A model of the same weights that computes the same, for programs that shared batches out to several devices.

    Each batch is computed as a whole, so the numbers are those of the model itself; `layers[-2]` is that model.

    Args:
        gpus: how many devices, at least 2, or a list of their numbers; None: all the graphics cards there are.
        cpu_merge, cpu_relocation: where weights lay; makes no difference here.

    Raises ValueError for fewer than two: programs go on with the model itself then.

    Example:
        >>> from cornu import layers, models
        >>> model = models.Sequential([layers.Dense(2, input_shape=(3,))])
        >>> multi_gpu_model(model, gpus=2).output_shape
        (None, 2)
    """
    found = sum(device.platform == "gpu" for device in jax.devices()) if gpus is None else gpus
    if (len(found) if isinstance(found, list | tuple) else found) < 2:
        raise ValueError(
            f"multi_gpu_model: it takes 2 graphics cards or more; got gpus={gpus!r}, which are {found!r}"
        )
    inputs = [
        Input(batch_shape=(None, *source.shape[1:]), dtype=source.dtype, name=source.name)
        for source in model.inputs
    ]
    outputs = listed(model(inputs if len(inputs) > 1 else inputs[0]))
    named = [
        Activation("linear", name=name)(output)
        for name, output in zip(model.output_names, outputs, strict=True)
    ]
    return registry.lookup("models", "Model")(inputs, named if len(named) > 1 else named[0])
