"""Layer: a plain object that builds itself when first called, and calls: on arrays, or on symbols."""

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from .. import config, dtypes, graph, registry, regularizers, scope, symbol
from ..eras import border, initializations
from ..eras.first_layers import FirstLayer
from ..eras.past import MaskRefused, PastLayer
from ..ops.wrap import noted
from ..symbol import Symbol
from ..variable import Variable, lend
from .spec import InputSpec, check_input
from .state import Book, Holder


class Signature:
    """What a `call` or `build` method can be given."""

    def __init__(self, method: Callable):
        self.signature = inspect.signature(method)
        kinds = inspect.Parameter
        parameters = list(self.signature.parameters.values())[1:]
        self.names = [p.name for p in parameters if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]
        self.open = any(p.kind is kinds.VAR_KEYWORD for p in parameters)
        self.places = [p.name for p in parameters if p.kind not in (kinds.KEYWORD_ONLY, kinds.VAR_KEYWORD)]
        self.first = self.names[0] if self.names else None
        training = self.signature.parameters.get("training")
        self.training = None if training is None or training.default is kinds.empty else training.default

    def named(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The arguments by the names of their parameters."""
        return {**dict(zip(self.places, args, strict=False)), **kwargs}


signature_of = functools.lru_cache(maxsize=None)(Signature)


def is_array(x) -> bool:
    return isinstance(x, jax.Array | np.ndarray | np.generic | Variable | Symbol)


class Layer(FirstLayer, PastLayer, Holder):
    """A piece of a network: its constructor, `build` and `call`.

    Args:
        activity_regularizer: adds a penalty on the outputs to the loss.
        trainable: whether `fit` changes the weights.
        dtype: a data type or policy, such as 'mixed_bfloat16'.
        name: unique word for messages and files; made from the class if None.
        input_shape: shape of one input, without the batch, for the first layer of a Sequential.
        batch_shape: the same with the batch size (None: any).
        batch_size: goes with `input_shape`.
        input_dtype: data type of the inputs of a first layer.
        weights: list of arrays for `set_weights` once the layer is built.
        autocast: whether float inputs are cast to the compute type.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(np.ones((2, 3), "float32")).shape
        (2, 3)
    """

    inherited = ("name", "trainable", "dtype")
    transient = ("input_shape", "batch_size", "weights")
    supports_masking = False
    is_input = False
    input_spec: InputSpec | Sequence[InputSpec] | None = None
    activity_regularizer = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("cornu."):
            for name in {"build", "call", "compute_mask"} & vars(cls).keys():
                setattr(cls, name, border.layer_method(vars(cls)[name]))
        if "build" in vars(cls):
            cls.build = _followed(cls.build)

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self._book = Book()
        self.name = None
        self.dtype_policy = dtypes.dtype_policy()
        self.autocast = True
        return self

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable: bool = True,
        dtype=None,
        name: str | None = None,
        input_shape: Sequence[int | None] | None = None,
        batch_shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        input_dtype=None,
        weights: Sequence | None = None,
        autocast: bool = True,
    ):
        if name is not None and (not isinstance(name, str) or ("/" in name and self._era == 3)):
            raise ValueError(f"{type(self).__name__}: `name` is a string without '/'; got {name!r}")
        self.name = name or graph.unique_name(*border.layer_name(type(self).__name__))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self.dtype_policy = dtypes.get_policy(dtype)
        self.autocast = autocast
        if batch_shape is None and input_shape is not None:
            batch_shape = (batch_size, *input_shape)
        self._book.batch_shape = None if batch_shape is None else tuple(batch_shape)
        self._book.input_dtype = input_dtype
        if weights is not None:
            self._book.initial_weights = weights

    # ---- what a subclass writes ----------------------------------------------------------------

    def build(self, input_shape) -> None:
        """Make the weights, knowing the shape of the input."""
        self.built = True

    def call(self, *args, **kwargs):
        """The computation, from arrays to arrays; in era 1, where a class has none, what came in."""
        if self._era == 1 and args:
            return args[0]
        raise NotImplementedError(f"{type(self).__name__} needs a `call` method")

    @border.layer_method
    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the outputs; by default that of the inputs."""
        return previous_mask if self.supports_masking else self._refuse_mask(previous_mask)

    # ---- calling -------------------------------------------------------------------------------

    def __call__(self, *args, **kwargs):
        self._check_ready()
        if len(args) == 2 and config.era() == 1 and signature_of(type(self).call).names[1:2] != ["states"]:
            args, kwargs = args[:1], {"mask": args[1], **kwargs}  # which was the second, whatever `call` says
        args, kwargs = noted((args, kwargs))
        if symbol.has_symbols((args, kwargs)):
            given = graph.arrays_for((args, kwargs))
            if given is None:
                return self._record(args, kwargs)
            args, kwargs = given
        args, kwargs = jax.tree.map(self._to_compute_dtype, (args, kwargs))
        self._ensure_built(args, kwargs)
        return self._run(args, kwargs)

    def _check_ready(self) -> None:
        if self.name is None:
            raise RuntimeError(
                f"{type(self).__name__}.__init__ never called `super().__init__()`: add that to the constructor"
            )

    def _to_compute_dtype(self, x):
        if isinstance(x, Variable):
            x = x.value
        if not isinstance(x, jax.Array | np.ndarray | np.generic):
            return x
        if self.autocast and x.dtype != self.compute_dtype and jax.numpy.issubdtype(x.dtype, np.floating):
            mask = scope.mask_of(x)
            x = jax.numpy.asarray(x, self.compute_dtype)
            scope.set_mask(x, mask)
            return x
        return x if isinstance(x, jax.Array) else dtypes.as_array(x)

    def _record(self, args: tuple, kwargs: dict):
        """Call on symbols: infer what comes out and remember the call."""
        self._ensure_built(args, kwargs)
        masks = [scope.mask_of(leaf) for leaf in jax.tree.leaves((args, kwargs))]

        def run(args, kwargs, masks):
            args, kwargs = jax.tree.map(self._to_compute_dtype, (args, kwargs))
            for leaf, mask in zip(jax.tree.leaves((args, kwargs)), masks, strict=True):
                if mask is not None:
                    scope.set_mask(leaf, mask)
            outputs = self._run(args, kwargs)
            return outputs, [scope.mask_of(leaf) for leaf in jax.tree.leaves(outputs)]

        try:
            outputs, masks = symbol.infer(run, args, kwargs, masks)
        except MaskRefused:
            raise
        except (TypeError, NotImplementedError):  # such as a batch size that is fixed in the code
            outputs, masks = self._declared_outputs(args), []
        node = graph.Node(self, args, kwargs, outputs)
        node.index = len(self._book.nodes)
        self._book.nodes.append(node)
        for source in node.inbound_layers:
            if isinstance(source, Layer):
                source._book.outbound.append(node)
        for leaf, mask in zip(jax.tree.leaves(outputs), masks, strict=False):
            leaf.name = f"{self.name}_output"
            scope.set_mask(leaf, mask)
        return outputs

    def _declared_outputs(self, args: tuple):
        """Symbols of the shape that the class itself states, where tracing its code fails."""
        for name in ("compute_output_shape", "get_output_shape_for"):
            stated = getattr(type(self), name, None)
            if stated and stated is not getattr(Layer, name, None):
                shape = stated(self, jax.tree.map(lambda leaf: leaf.shape, args[0]))
                return Symbol(shape, self.compute_dtype)
        raise  # noqa: PLE0704 - called while the error of the trace is being handled

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        if self.built:
            return check_input(self, args[0]) if self.input_spec is not None and args else None
        given = signature_of(type(self).call).named(args, kwargs)
        shapes = {
            name: jax.tree.map(lambda leaf: tuple(leaf.shape), value)
            for name, value in given.items()
            if (leaves := jax.tree.leaves(value)) and all(map(is_array, leaves))
        }
        if args and self.input_spec is not None:
            check_input(self, args[0])
        with scope.LOCK, scope.entered(compute_dtype=None):
            self._build(shapes)
        self._book.build_shapes = shapes

    def assert_input_compatibility(self, input) -> None:  # noqa: A002 - Keras 1's name
        """ValueError where `input`, a symbol or array or a list of them, does not fit `input_spec`."""
        if self.input_spec is not None:
            check_input(self, input)

    def _build(self, shapes: dict[str, Any]) -> None:
        """Call `build` with what its parameters ask for: one shape, or one a named argument of `call`."""
        wanted = signature_of(type(self).build)
        first = next(iter(shapes.values()), None)  # which a subclass of a layer may call something else
        by_name = {f"{name}_shape": shape for name, shape in shapes.items()}
        if wanted.open and not wanted.names:
            self.build(**by_name)
        elif by_name.keys() & set(wanted.names):
            by_name = {wanted.first: first, **by_name}
            self.build(**{name: by_name[name] for name in by_name if name in wanted.names or wanted.open})
        else:
            self.build(first)
        self.built = True
        if self.input_spec is not None and shapes:
            check_input(self, next(iter(shapes.values())))

    def _after_build(self) -> None:
        """What follows when `build` has made the weights, whoever called it."""
        self.built = True
        self._settle_past()
        if self._book.initial_weights is not None:
            self.set_weights(self._book.initial_weights)
            self._book.initial_weights = None

    def _run(self, args: tuple, kwargs: dict):
        """Call `call` with the learning phase, masks and compute type that hold here."""
        wanted = signature_of(type(self).call)
        named = wanted.named(args, kwargs)
        training = named.get("training")
        if training is None:
            training = scope.call.training if scope.call.training is not None else wanted.training
        if "training" in wanted.names:
            if len(args) <= wanted.names.index("training"):
                kwargs = {**kwargs, "training": bool(training) if training is not None else False}
        elif not wanted.open:
            kwargs = {name: value for name, value in kwargs.items() if name != "training"}
        mask, given = self._masks(wanted, named)
        if "mask" in kwargs and "mask" not in wanted.names and not wanted.open:
            kwargs = {name: value for name, value in kwargs.items() if name != "mask"}
        for name, value in given.items():
            if name in wanted.names and named.get(name) is None and len(args) <= wanted.names.index(name):
                kwargs = {**kwargs, name: value}
        if scope.call.depth == 0:
            scope.call.number += 1
        compute = self.compute_dtype if self.compute_dtype != self.variable_dtype else None
        frozen = scope.call.frozen or (self._era == 2 and not self.trainable)
        with scope.entered(
            training=training, compute_dtype=compute, depth=scope.call.depth + 1, frozen=frozen
        ):
            try:
                outputs = self.call(*args, **kwargs)
            except Exception as error:
                shapes = jax.tree.map(lambda leaf: getattr(leaf, "shape", leaf), args)
                error.add_note(f"in {type(self).__name__} layer {self.name!r}, called on shapes {shapes}")
                raise
            outputs = list(outputs) if self._era < 3 and type(outputs) is tuple else outputs
            if scope.call.watch is not None and not scope.call.probing:
                scope.call.watch(self, args, outputs)
            if self._book.updates and training and not frozen:
                self._carry_out_updates()
            self._pass_mask(next(iter(named.values()), None), outputs, mask, wanted)
            if self.activity_regularizer is not None:
                for leaf in jax.tree.leaves(outputs):
                    share = leaf.shape[0] if self._era == 3 and leaf.shape else 1
                    self.add_loss(self.activity_regularizer(leaf) / share)
        return outputs

    def _masks(self, wanted: Signature, named: dict) -> tuple[Any, dict[str, Any]]:
        """The mask of the first argument, and masks for the parameters of `call` that ask for them."""
        given = {}
        for name, value in named.items():
            leaves = jax.tree.leaves(value)
            found = [scope.mask_of(leaf) for leaf in leaves]
            if any(mask is not None for mask in found):
                single = len(leaves) == 1 and not isinstance(value, list | tuple | dict)
                given["mask" if name == wanted.first else f"{name}_mask"] = found[0] if single else found
                if name == wanted.first:
                    given[f"{name}_mask"] = given["mask"]
        mask = named.get("mask")
        return (given.get("mask") if mask is None else mask), given

    def _pass_mask(self, inputs, outputs, mask, wanted: Signature) -> None:
        own = type(self).compute_mask is not Layer.compute_mask
        masked = any(each is not None for each in jax.tree.leaves(mask, is_leaf=lambda leaf: leaf is None))
        if own or (self.supports_masking and masked):
            masks = self.compute_mask(inputs, mask)
            leaves = jax.tree.leaves(outputs)
            masks = list(masks) if isinstance(masks, list | tuple) else [masks] * len(leaves)
            for leaf, each in zip(leaves, masks, strict=False):
                scope.set_mask(leaf, each)
        elif masked:
            self._refuse_mask(mask)
            if "mask" not in wanted.names:
                warnings.warn(f"{self.name} does not support masking: the mask ends here", stacklevel=4)

    def compute_output_shape(self, *args, **kwargs):
        """The shape that comes out for a shape that goes in, by running `call` abstractly."""
        is_shape = lambda x: isinstance(x, list | tuple) and all(n is None or isinstance(n, int) for n in x)  # noqa: E731
        make = lambda shape: Symbol(shape, self.input_dtype)  # noqa: E731
        args = [jax.tree.map(make, each, is_leaf=is_shape) for each in args]
        kwargs = {name: jax.tree.map(make, each, is_leaf=is_shape) for name, each in kwargs.items()}
        kwargs = {name.removesuffix("_shape"): value for name, value in kwargs.items()}
        if list(kwargs) == ["input"]:
            args, kwargs = [*args, kwargs["input"]], {}
        self._ensure_built(args, kwargs)
        outputs = symbol.infer(lambda args, kwargs: self._run(args, kwargs), args, kwargs)
        return jax.tree.map(lambda leaf: leaf.shape, outputs)

    def stateless_call(
        self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs
    ):
        """The call as a pure function of the weights: `(outputs, new non-trainable values[, losses])`."""
        cells = self.trainable_variables + self.non_trainable_variables
        with lend(cells, [*trainable_variables, *non_trainable_variables]) as read:
            outputs = self(*args, **kwargs)
            losses = self.losses
            kept = read()[len(self.trainable_variables) :]
        self.clear_losses()
        return (outputs, kept, losses) if return_losses else (outputs, kept)

    # ---- where it stands in a graph ------------------------------------------------------------

    def _node(self, index: int = 0) -> graph.Node:
        nodes = self._book.nodes
        if not nodes:
            raise AttributeError(
                f"{self.name} has not been called on a symbol: it has no input or output yet"
            )
        if index >= len(nodes):
            raise ValueError(
                f"{self.name} was called on symbols {len(nodes)} times; there is no call {index}"
            )
        return nodes[index]

    def get_input_at(self, node_index: int = 0):
        """What the layer was called on the `node_index`-th time."""
        node = self._node(node_index)
        several = node.inputs if self._era < 3 and len(node.inputs) > 1 else None
        return several or (node.args[0] if node.args else node.outputs)

    def get_output_at(self, node_index: int = 0):
        """What came out the `node_index`-th time."""
        return self._node(node_index).outputs

    def _only(self, what: str):
        if len(self._book.nodes) > 1:
            raise AttributeError(
                f"{self.name} was called on symbols {len(self._book.nodes)} times: `{what}` is not one thing. "
                f"Use get_{what}_at(index)."
            )
        return getattr(self, f"get_{what}_at")(0)

    input = property(lambda self: self._only("input"))
    output = property(lambda self: self._only("output"))
    input_shape = property(lambda self: self._only("input_shape"))
    output_shape = property(lambda self: self._only("output_shape"))
    inbound_nodes = property(lambda self: self._book.nodes)

    def __getattr__(self, name: str):
        """Attributes by the names they once had: `layer.W` is `layer.kernel`, or that of a recurrent layer's cell."""
        owner, cell = self, vars(self).get("cell")
        if hasattr(cell, "__dict__") and not any(today in vars(self) for today in border.attribute(name)):
            owner = cell
        try:
            found = border.old_attribute(owner, name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None
        return initializations.maker(found) if name in ("init", "inner_init") else found

    # ---- as data -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make another like this one, in plain data."""
        made = {**super().get_config(), "dtype": registry.serialize(self.dtype_policy)}
        for key, value in (
            ("activity_regularizer", self.activity_regularizer),
            ("batch_shape", self._book.batch_shape),
            ("input_dtype", self._book.input_dtype),
        ):
            made.pop(key, None)
            if value is not None:
                made[key] = registry.serialize(value)
        return made

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes it was built with."""
        shapes = self._book.build_shapes
        if not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": {f"{name}_shape": shape for name, shape in shapes.items()}}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes that `get_build_config` returned."""
        config = config.get("shapes_dict", config)
        shapes = {name.removesuffix("_shape"): _shapes(shape) for name, shape in config.items()}
        if shapes and not self.built:
            with scope.entered(compute_dtype=None):
                self._build(shapes)
            self._book.build_shapes = shapes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _followed(build: Callable) -> Callable:
    """A `build` that, where it is an object's own and not that of a class above, is followed by what has to follow."""

    @functools.wraps(build)
    def wrapper(self, *args, **kwargs):
        result = build(self, *args, **kwargs)
        if type(self).build is wrapper:
            self._after_build()
        return result

    return wrapper


def _shapes(value):
    """Shapes as tuples, where JSON made lists of them."""
    if isinstance(value, list | tuple):
        made = [_shapes(each) for each in value]
        return tuple(made) if all(n is None or isinstance(n, int) for n in made) else made
    if isinstance(value, dict):
        return {name: _shapes(each) for name, each in value.items()}
    return value
