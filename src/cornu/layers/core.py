"""The layers everything else is built around: inputs, Dense, Embedding, masks, and functions as layers."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import config, dtypes, graph, random, registry, scope
from ..eras import border
from ..eras.on_symbols import OnSymbols
from ..ops import numpy as ops
from ..ops.wrap import noted
from ..symbol import Symbol, is_symbol
from . import code
from .arguments import keep, positive, share, weight
from .layer import Layer
from .spec import InputSpec


def _shape(shape, what: str) -> tuple:
    """A shape as a tuple; ValueError says how to write one."""
    if isinstance(shape, int | np.integer):
        raise ValueError(f"{what} is a tuple, also where it has one size: write {what}=({shape},)")
    shape = tuple(shape)
    if not all(n is None or isinstance(n, int | np.integer) and n >= 0 for n in shape):
        raise ValueError(f"{what}: expected whole numbers and None; got {shape}")
    return tuple(None if n is None else int(n) for n in shape)


@registry.member("layers")
class InputLayer(Layer):
    """Where data enters a model.

    Args:
        shape: tuple, the shape of one sample (None: any size).
        batch_size: int or None, for any.
        dtype: name of a data type.
        sparse: whether sparse arrays are meant; they are made dense.
        batch_shape: tuple, `shape` with the batch size before it, instead of those two.
        input_tensor: a symbol that goes in where nothing is fed; its shape and dtype are taken over.
        optional: whether None may be given.

    Raises ValueError when the shape is missing or said twice.
    """

    is_input = True

    def __init__(
        self, shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype=None,
        sparse: bool | None = None, ragged: bool | None = None, batch_shape: Sequence[int | None] | None = None,
        input_tensor: Symbol | None = None, optional: bool = False, name: str | None = None,
    ):  # fmt: skip
        if ragged:
            raise ValueError("InputLayer: there are no ragged arrays here; pad the rows and use a mask")
        if input_tensor is not None:
            input_tensor = noted(input_tensor)
            if not is_symbol(input_tensor):
                raise ValueError(f"InputLayer: `input_tensor` is a symbol; got {type(input_tensor).__name__}")
            if shape is None and batch_shape is None:
                batch_shape = input_tensor.shape
            dtype = dtype or input_tensor.dtype
        if (shape is None) == (batch_shape is None):
            raise ValueError(
                "InputLayer: give either `shape` (of one sample) or `batch_shape` (with the batch size)"
            )
        if batch_shape is None:
            batch_shape = (batch_size, *_shape(shape, "shape"))
        elif batch_size is not None and batch_shape[0] != batch_size:
            raise ValueError(
                f"InputLayer: batch_size={batch_size} and batch_shape={tuple(batch_shape)} disagree"
            )
        dtype = dtypes.standardize_dtype(dtype)
        super().__init__(dtype=dtype, name=name, batch_shape=_shape(batch_shape, "batch_shape"))
        self.batch_shape, self.sparse, self.optional = self._book.batch_shape, bool(sparse), optional
        self.built = True
        made = Symbol(self.batch_shape, dtype, self.sparse, name=self.name)
        if input_tensor is not None:
            scope.set_mask(made, scope.mask_of(input_tensor))
        given = () if input_tensor is None else (input_tensor,)
        self._book.nodes.append(graph.Node(self, given, {}, made))

    def call(self, tensor):
        """The tensor that it was made for; what is fed to a model stands in for it."""
        return tensor

    def get_config(self) -> dict:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def entering(tensors: Sequence, inputs: Sequence[Symbol] | None) -> list[Symbol]:
    """Symbols of `Input`s in the place of a model's: those given, or of new ones that stand for symbols and cells.

    Raises ValueError for another number than there are inputs.
    """
    count = len(inputs or tensors[:1])
    if tensors and len(tensors) != count:
        raise ValueError(f"The model has {count} inputs; there are {len(tensors)} `input_tensors`")
    entered = lambda x: getattr(getattr(getattr(x, "node", None), "operation", None), "is_input", False)  # noqa: E731
    return [x if entered(x) else InputLayer(input_tensor=x).output for x in tensors]


@border.method("Input")
def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype=None, sparse: bool | None = None,
    ragged: bool | None = None, batch_shape: Sequence[int | None] | None = None, name: str | None = None,
    tensor: Symbol | None = None, optional: bool = False,
) -> Symbol:  # fmt: skip
    """The symbol of data to come, to call layers on.

    Args:
        shape: tuple, the shape of one sample (None: any size).
        batch_size, dtype, sparse, batch_shape, name, optional: as in `InputLayer`.
        tensor: a symbol that goes in where nothing is fed; its shape and dtype are taken over.

    Example:
        >>> x = Input((32,))
        >>> Dense(3)(x).shape
        (None, 3)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output


@registry.member("layers")
class Dense(Layer):
    """Fully connected: `activation(x @ kernel + bias)`, over the last axis of `x`.

    Args:
        units: int, size of the last axis of the outputs.
        activation: name or function; none if None.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: what the weights are held to.

    Example:
        >>> Dense(5, activation="relu")(np.ones((2, 3), "float32")).shape
        (2, 5)
    """

    supports_masking = True

    def __init__(
        self, units: int, activation=None, use_bias: bool = True, kernel_initializer="glorot_uniform",
        bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        keep(self, locals())
        positive(units, "Dense: `units`")
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        self.kernel = weight(self, "kernel", (input_shape[-1], self.units))
        self.bias = weight(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs):
        outputs = ops.matmul(inputs, self.kernel)
        return self.activation(outputs if self.bias is None else ops.add(outputs, self.bias))


@registry.member("layers")
class Embedding(Layer):
    """Rows of a table, looked up by number: `(...)` whole numbers become `(..., output_dim)`.

    Args:
        input_dim: int, rows of the table: one more than the largest number.
        output_dim: int, length of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: as in `Dense`.
        mask_zero: whether 0 means "nothing here": the outputs carry a mask.
        weights: the table to begin with, an array or a list of one.
        dropout: of Keras 1; share of the rows that are dropped while training, whole.
        input_length: of Keras 1 and 2; the length of the sequences, or a size of each axis but the batch's.

    Raises ValueError for sequences of another length than `input_length`.

    Example:
        >>> Embedding(10, 4)(np.array([[1, 2, 3]])).shape
        (1, 3, 4)
    """

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer="uniform", embeddings_regularizer=None,
        embeddings_constraint=None, mask_zero: bool = False, weights=None, dropout: float = 0.0,
        input_length: int | Sequence[int | None] | None = None, **kwargs,
    ):  # fmt: skip
        if input_length is not None:
            input_length = (
                (input_length,) if isinstance(input_length, int | np.integer) else tuple(input_length)
            )
            if "batch_shape" not in kwargs and kwargs.get("input_shape") in (None, (None,)):
                kwargs["input_shape"] = input_length
        weights = weights if weights is None or isinstance(weights, list | tuple) else [weights]
        super().__init__(**{"autocast": False, **kwargs}, weights=weights)
        keep(self, locals())
        positive(input_dim, "Embedding: `input_dim`")
        positive(output_dim, "Embedding: `output_dim`")
        self.supports_masking = mask_zero
        if share(dropout or 0.0, "Embedding: `dropout`"):
            self.seed_generator = random.SeedGenerator()

    def build(self, input_shape=None):
        if self.input_length and input_shape:
            self.input_spec = InputSpec(shape=(None, *self.input_length))
        self.embeddings = weight(self, "embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs, training=False):
        table = self.embeddings
        if training and self.dropout:
            table = random.dropout(table, self.dropout, (None, 1), self.seed_generator)
        return ops.take(table, ops.cast(inputs, "int32"), axis=0)

    def get_config(self) -> dict:
        made = super().get_config()
        del made["input_length"]
        if not self.dropout:  # no word of later versions
            del made["dropout"]
        return made

    def compute_mask(self, inputs, previous_mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None


@registry.member("layers")
class Masking(Layer):
    """Masks the time steps in which every feature is `mask_value`, and sets them to zero.

    Args:
        mask_value: number that fills the steps to skip. Inputs `(batch, time, ...)`.

    Example:
        >>> Masking()(np.zeros((1, 2, 3), "float32")).shape
        (1, 2, 3)
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs, previous_mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        said = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(said, inputs, ops.zeros_like(inputs))


@registry.member("layers")
class Identity(Layer):
    """What comes in goes out."""

    supports_masking = True

    def call(self, inputs):
        return inputs


@registry.member("layers")
class Lambda(OnSymbols, Layer):
    """Any function of arrays as a layer.

    Args:
        function: takes the inputs; gets `mask` and `training` too where it has such parameters.
        output_shape: shape of one output sample, or a function of the input's shape; needed only where the
            shape does not come from running the function.
        mask: mask of the outputs, or a function `(inputs, mask)` of it.
        arguments: dict of further keyword arguments of the function.

    Example:
        >>> Lambda(lambda x: x**2)(np.array([[3.0]], "float32")).tolist()
        [[9.0]]
    """

    def __init__(
        self, function: Callable, output_shape=None, mask=None, arguments: Mapping | None = None, **kwargs
    ):
        # before era 3 layers took any type as it came
        super().__init__(**{"autocast": config.era() == 3, **kwargs})
        if not callable(function):
            raise ValueError(
                f"Lambda: `function` is a function, or the name of one of yours; got {function!r:.200}"
            )
        self.function, self.mask, self.arguments = function, mask, dict(arguments or {})
        self.stated_shape = output_shape
        self.supports_masking = mask is not None
        self.asks = {"mask", "training"} & set(code.parameters(function))

    def call(self, inputs, mask=None, training=None):
        given = {"mask": mask, "training": training}
        given = {name: given[name] for name in self.asks}
        return self._by_graph(self.function, inputs, **self.arguments, **given)

    def compute_mask(self, inputs, previous_mask=None):
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape):
        if callable(self.stated_shape):
            return self.stated_shape(input_shape)
        if self.stated_shape is None:
            return super().compute_output_shape(input_shape)
        first = input_shape[0] if isinstance(input_shape, list) else input_shape
        return (first[0], *self.stated_shape)

    def get_config(self) -> dict:
        made = {**super().get_config(), "function": code.dump(self.function)}
        made["arguments"] = registry.serialize(self.arguments)
        made["output_shape"], made["mask"] = code.dump(self.stated_shape), code.dump(self.mask)
        return {name: value for name, value in made.items() if value is not None}

    @classmethod
    def from_config(
        cls, config: dict, custom_objects: Mapping | None = None, safe_mode: bool | None = None
    ) -> "Lambda":
        """Another layer like that one; a function saved as code is refused unless `safe_mode` is False."""
        safe = scope.call.safe if safe_mode is None else safe_mode is not False
        with registry.custom_object_scope(custom_objects), scope.entered(safe=safe):
            return cls(**{name: code.load(value) for name, value in code.modern(config).items()})
