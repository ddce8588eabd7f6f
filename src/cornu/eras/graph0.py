"""What put networks together before layers were called on tensors: the layer `Merge` of Keras 0 and 1."""

import functools
import operator
from collections.abc import Callable, Mapping, Sequence

import jax

from .. import config, registry
from ..layers import code
from ..layers.layer import Layer
from ..layers.merge import batch_dot
from ..ops import numpy as ops
from ..saving import objects
from ..symbol import Symbol
from .on_symbols import OnSymbols


def cosine(inputs: Sequence, axes):
    """Cosine of the angles between the rows of two arrays, with an axis of size 1 after the batch."""
    first, second = inputs
    lengths = ops.sqrt(batch_dot(first, first, axes) * batch_dot(second, second, axes))
    return ops.expand_dims(batch_dot(first, second, axes) / ops.maximum(lengths, config.epsilon()), 1)


MODES: dict[str, Callable] = {  # `mode` of a Merge layer -> what it does with the inputs
    "sum": lambda inputs, layer: functools.reduce(operator.add, inputs),
    "mul": lambda inputs, layer: functools.reduce(operator.mul, inputs),
    "ave": lambda inputs, layer: functools.reduce(operator.add, inputs) / len(inputs),
    "max": lambda inputs, layer: functools.reduce(ops.maximum, inputs),
    "concat": lambda inputs, layer: ops.concatenate(inputs, axis=layer.concat_axis),
    "dot": lambda inputs, layer: batch_dot(*inputs, layer.dot_axes),
    "cos": lambda inputs, layer: cosine(inputs, layer.dot_axes),
}
PAIRS = ("dot", "cos")


def _output(branch: Layer, call: int, index: int) -> Symbol:
    """What a layer or model that is merged puts out.

    Raises ValueError for one that has not been called, and does not know the shape of its input.
    """
    graph_of_its_own = getattr(branch, "nodes", None) is not None and not call
    if not graph_of_its_own and not branch.inbound_nodes:
        raise ValueError(
            f"Merge: {branch.name} does not know the shape of its input yet. Give `input_shape` or `input_dim` to its "
            "first layer, or call it on an Input."
        )
    return jax.tree.leaves(branch.output if graph_of_its_own else branch.get_output_at(call))[index]


def _axis(axis) -> int:
    """An axis, also in a list of one, as up to Keras 0.3; ValueError for several."""
    if isinstance(axis, int):
        return axis
    axes = list(axis)
    if len(axes) != 1:
        raise ValueError(f"Merge: `dot_axes` has one axis of each input; got {axes} for one of them")
    return axes[0]


@registry.member("layers")
class Merge(OnSymbols, Layer):
    """Several inputs into one, as Keras 0 and 1 wrote it.

    Args:
        layers: list of layers or models whose outputs are merged at once; None: the layer is called on tensors.
        mode: 'sum', 'mul', 'ave', 'max', 'concat', 'dot', 'cos', or a function of the list of inputs.
        concat_axis: int, for 'concat'.
        dot_axes: int or pair, the axes that 'dot' and 'cos' sum over.
        output_shape: shape of an output sample, or a function of the input shapes; needed only where the shape does
            not come from running a function.
        output_mask: mask of the outputs, or a function of the list of masks.
        arguments: dict of further keyword arguments of a function.
        node_indices, tensor_indices: which call of each layer, and which of its outputs, is meant.

    Raises ValueError for another mode and for inputs that do not go together.
    """

    supports_masking = True
    _output_mask = property(lambda self: self.stated_mask)

    def __init__(
        self, layers: Sequence | None = None, mode: str | Callable = "sum", concat_axis: int = -1, dot_axes=-1,
        output_shape=None, output_mask=None, arguments: Mapping | None = None,
        node_indices: Sequence[int] | None = None, tensor_indices: Sequence[int] | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        if not callable(mode) and mode not in MODES:
            raise ValueError(f"Merge: `mode` is one of {', '.join(MODES)}, or a function; got {mode!r}")
        self.mode, self.concat_axis, self.stated_mask = mode, concat_axis, output_mask
        self.dot_axes = dot_axes if isinstance(dot_axes, int) else tuple(map(_axis, dot_axes))
        self.stated_shape, self.arguments = output_shape, dict(arguments or {})
        self.branches = list(layers or [])
        if self.branches:
            calls = node_indices or [0] * len(self.branches)
            which = tensor_indices or [0] * len(self.branches)
            self([_output(*each) for each in zip(self.branches, calls, which, strict=True)])

    def build(self, input_shape):
        if not isinstance(input_shape, list | tuple) or len(input_shape) < 2:
            raise ValueError(f"Merge takes a list of at least two inputs; got {input_shape}")
        if callable(self.mode) or self.mode == "concat":
            return
        if self.mode in PAIRS:
            if len(input_shape) != 2:
                raise ValueError(f"Merge with mode={self.mode!r} takes two inputs; got {len(input_shape)}")
        elif len({tuple(shape) for shape in input_shape}) > 1:
            raise ValueError(
                f"Merge with mode={self.mode!r} takes inputs of one shape; got {list(input_shape)}"
            )

    def call(self, inputs, mask=None):
        if not callable(self.mode):
            return MODES[self.mode](inputs, self)
        given = {"mask": mask} if "mask" in code.parameters(self.mode) else {}
        return self._by_graph(self.mode, inputs, **self.arguments, **given)

    def compute_mask(self, inputs, previous_mask=None):
        if self.stated_mask is not None:
            return self.stated_mask(previous_mask) if callable(self.stated_mask) else self.stated_mask
        masks = [mask for mask in previous_mask or () if mask is not None]
        if not masks or callable(self.mode) or self.mode in PAIRS:
            return None
        if self.mode != "concat":
            return functools.reduce(ops.logical_and, masks)
        full = []
        for x, mask in zip(inputs, previous_mask, strict=True):
            mask = True if mask is None else mask if mask.ndim == x.ndim else mask[..., None]
            full.append(ops.logical_and(mask, ops.ones_like(x, dtype="bool")))
        return ops.all(ops.concatenate(full, axis=self.concat_axis), axis=-1)

    def compute_output_shape(self, input_shape):
        if callable(self.stated_shape):
            return self.stated_shape(input_shape)
        if self.stated_shape is None:
            return super().compute_output_shape(input_shape)
        return (input_shape[0][0], *self.stated_shape)

    def get_config(self) -> dict:
        said = {
            "mode": self.mode,
            "concat_axis": self.concat_axis,
            "dot_axes": self.dot_axes,
            "output_shape": self.stated_shape,
            "output_mask": self.stated_mask,
            "arguments": self.arguments,
        }
        return {"name": self.name, **{name: code.dump(value) for name, value in said.items()}}

    @classmethod
    def from_config(cls, config: dict) -> "Merge":
        """Another layer like that one, from what Keras 1 wrote too."""
        said = dict(config)
        if said.get("layers"):  # a Sequential begins with it
            said["layers"] = [objects.layer_from(head) for head in said["layers"]]
        for name in ("mode", "output_shape", "output_mask"):
            kind = said.pop(f"{name}_type", "raw")
            if kind == "lambda":
                raise ValueError(
                    f"Merge: the `{name}` of this file is Python code of another version of Python. "
                    "Give the function a name and pass it through `custom_objects`."
                )
            if kind == "function":
                said[name] = registry.lookup("layers", said[name])
        said["arguments"] = said.get("arguments") or {}
        known = lambda value: isinstance(value, str) and value in MODES  # noqa: E731
        return cls(**{name: value if known(value) else code.load(value) for name, value in said.items()})


def LambdaMerge(  # noqa: N802 - a class, up to Keras 0.3
    layers: Sequence, function: Callable, output_shape=None, arguments: Mapping | None = None
) -> Merge:
    """`Merge(layers, mode=function)`, as up to Keras 0.3."""
    return Merge(layers, function, output_shape=output_shape, arguments=arguments)


class MaskedLayer(Layer):
    """What layers that hand their mask on were made of, up to Keras 0.3."""

    supports_masking = True


def merge(
    inputs: Sequence, mode: str | Callable = "sum", concat_axis: int = -1, dot_axes=-1, output_shape=None,
    output_mask=None, arguments: Mapping | None = None, name: str | None = None,
):  # fmt: skip
    """`Merge(mode=mode, ...)(inputs)`, as Keras 1 wrote it; arguments as in `Merge`.

    Example:
        >>> merge([Input((3,)), Input((3,))], mode="concat").shape
        (None, 6)
    """
    return Merge(None, mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name=name)(
        list(inputs)
    )
