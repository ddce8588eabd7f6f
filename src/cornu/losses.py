"""Losses: a class around each function of `loss_functions`, which weighs its values and reduces them to a scalar."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import jax

from . import config, dtypes, graph, registry, scope
from .base import Configurable
from .eras import border
from .loss_functions import *  # noqa: F403  (whoever looks for a loss looks here)
from .loss_functions import FUNCTIONS, cosine_proximity
from .ops import numpy as ops
from .pairs import same_rank, spread

# ---- reduction ---------------------------------------------------------------------------------


def _mean(values, weights):
    return ops.mean(values)


REDUCTIONS = {
    "sum_over_batch_size": _mean,
    "mean": _mean,
    "mean_with_sample_weight": lambda values, weights: (
        _mean(values, weights) if weights is None else ops.divide_no_nan(ops.sum(values), ops.sum(weights))
    ),
    "sum": lambda values, weights: ops.sum(values),
    "none": lambda values, weights: values,
    None: lambda values, weights: values,
}


def reduce(values, sample_weight=None, mask=None, reduction: str | None = "sum_over_batch_size"):
    """Values of a loss, weighed and reduced; means with a mask are over what it lets through.

    Args:
        values: one for each sample, or each step of it.
        sample_weight: factors of the same shape; axes may be missing at its end.
        mask: what counts, likewise.
        reduction: a name in REDUCTIONS.

    Example:
        >>> float(reduce(ops.array([1.0, 3.0]), sample_weight=[1, 0]))
        0.5
    """
    weights = None
    if sample_weight is not None:
        weights = spread(ops.convert_to_tensor(sample_weight, values.dtype), values)
    if mask is not None:
        mask = ops.cast(mask, values.dtype)
        if REDUCTIONS[reduction] is _mean:
            mask = ops.divide_no_nan(mask, ops.mean(mask))
        mask = spread(mask, values, "the mask")
        weights = mask if weights is None else weights * mask
    return REDUCTIONS[reduction](values if weights is None else values * weights, weights)


# ---- objects -----------------------------------------------------------------------------------


class Loss(Configurable):
    """What training makes small: a subclass says in `call(y_true, y_pred)` how much each sample costs.

    Args:
        name: word for messages and files; made from the class if None.
        reduction: 'sum_over_batch_size' or 'mean' (mean of the weighted values), 'mean_with_sample_weight' (divided
            by the sum of the weights), 'sum', or 'none' / None (values as they are).
        dtype: float type to compute in, as a name or policy; the default float type if None.

    Raises ValueError for an unknown reduction, and when weights do not fit.

    Example:
        >>> class Distance(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.abs(y_true - y_pred), axis=-1)
        >>> float(Distance()([[1.0], [2.0]], [[1.0], [4.0]], sample_weight=[1, 2]))
        2.0
    """

    inherited = ("name", "reduction", "dtype")

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype=None):
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: `reduction` is one of {', '.join(map(repr, REDUCTIONS))}; got {reduction!r}"
            )
        self.name = name or graph.unique_name(border.snake(type(self).__name__))
        self.reduction = reduction
        self.dtype = dtypes.get_policy(dtype or config.floatx()).compute_dtype

    def call(self, y_true, y_pred):
        """One value for each sample (and step)."""
        raise NotImplementedError(f"{type(self).__name__} needs a `call(y_true, y_pred)` method")

    def unreduced(self, y_true, y_pred):
        """What `call` gives for anything array-like, floats in the loss's type; a mask may travel with it."""
        return self.call(self._convert(y_true), self._convert(y_pred))

    def _convert(self, x):
        if isinstance(x, Mapping):
            return {key: self._convert(each) for key, each in x.items()}
        if isinstance(x, list | tuple) and any(hasattr(leaf, "shape") for leaf in jax.tree.leaves(x)):
            return [self._convert(each) for each in x]
        x = ops.convert_to_tensor(x)
        return ops.cast(x, self.dtype) if dtypes.is_float(x.dtype) and x.dtype != self.dtype else x

    def __call__(self, y_true, y_pred, sample_weight=None):
        values = self.unreduced(y_true, y_pred)
        masks = [mask for x in (y_pred, values) if (mask := scope.mask_of(x)) is not None]
        mask = ops.logical_and(*masks) if len(masks) == 2 else next(iter(masks), None)
        return reduce(ops.convert_to_tensor(values, self.dtype), sample_weight, mask, self.reduction)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class LossFunctionWrapper(Loss):
    """A loss around a function `(y_true, y_pred, **options)`.

    Args:
        fn: the function, or its name.
        reduction, name, dtype: as in `Loss`.
        **options: handed to the function at every call; attributes of the loss.

    Example:
        >>> LossFunctionWrapper(huber, name="mine", delta=2.0).get_config()["delta"]
        2.0
    """

    common = ("reduction", "name", "dtype")
    takes_any = True  # options are the function's business

    def __init__(
        self,
        fn: Callable,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype=None,
        **options,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = get(fn)
        self.options = tuple(options)
        vars(self).update(options)

    def call(self, y_true, y_pred):
        options = {name: getattr(self, name) for name in self.options}
        if not any(isinstance(each, Mapping) for each in (y_true, y_pred)):
            y_true, y_pred = same_rank(*map(ops.convert_to_tensor, (y_true, y_pred)))
        return self.fn(y_true, y_pred, **options)


# ---- classes from functions --------------------------------------------------------------------

COMMON = {
    "reduction": "how the values become one: a name as in `losses.Loss`.",
    "name": "word for messages and files.",
    "dtype": "float type to compute in, as a name or policy; the default float type if None.",
}


def class_of(
    fn: Callable, name: str, base: type, order: str = "", module: str = __name__, /, **defaults
) -> type:
    """A subclass of `base` around a function.

    Args:
        fn: `(y_true, y_pred, **options)`, whose docstring says what the options are.
        name: of the class.
        base: its constructor takes the function, `base.common` and options.
        order: names of the constructor's arguments, in order; those of `base.common` follow if they are not named.
        module: where the class lives.
        **defaults: of arguments, where they are not those of the function; other names become class attributes.
    """
    names = order.split()
    names += [each for each in base.common if each not in names]
    known = {"reduction": "sum_over_batch_size", "name": fn.__name__, "dtype": None}
    known |= {each.name: each.default for each in inspect.signature(fn).parameters.values()}
    known |= {each: defaults.pop(each) for each in names if each in defaults}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(each, kind, default=known[each]) for each in names]
    signature = inspect.Signature([inspect.Parameter("self", kind), *parameters])

    def __init__(self, *args, **kwargs):
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        bound.arguments.pop("self")
        base.__init__(self, fn, **bound.arguments)

    __init__.__signature__ = signature
    __init__.__qualname__ = f"{name}.__init__"
    said = dict(re.findall(r"^ +(\w+): (.+)$", fn.__doc__, re.MULTILINE)) | COMMON
    arguments = "\n".join(f"        {each}: {said[each]}" for each in names)
    doc = f"""Class of `{fn.__name__}`: {fn.__doc__.strip().splitlines()[0]}

    Args:
{arguments}

    Example:
        >>> {name}(name="mine").name
        'mine'
    """
    return type(name, (base,), {"__init__": __init__, "__module__": module, "__doc__": doc, **defaults})


# class -> function, the order of the constructor's arguments where it has options
CLASSES = {
    "BinaryCrossentropy": ("binary_crossentropy", "from_logits label_smoothing axis"),
    "BinaryFocalCrossentropy": (
        "binary_focal_crossentropy",
        "apply_class_balancing alpha gamma from_logits label_smoothing axis",
    ),
    "CTC": ("ctc", ""),
    "CategoricalCrossentropy": ("categorical_crossentropy", "from_logits label_smoothing axis"),
    "CategoricalFocalCrossentropy": (
        "categorical_focal_crossentropy",
        "alpha gamma from_logits label_smoothing axis",
    ),
    "CategoricalGeneralizedCrossEntropy": ("categorical_generalized_cross_entropy", "q"),
    "CategoricalHinge": ("categorical_hinge", ""),
    "Circle": ("circle", "gamma margin remove_diagonal"),
    "CosineSimilarity": ("cosine_similarity", "axis"),
    "Dice": ("dice", "reduction name axis"),
    "Hinge": ("hinge", ""),
    "Huber": ("huber", "delta"),
    "KLDivergence": ("kl_divergence", ""),
    "LogCosh": ("log_cosh", ""),
    "MeanAbsoluteError": ("mean_absolute_error", ""),
    "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", ""),
    "MeanSquaredError": ("mean_squared_error", ""),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", ""),
    "Poisson": ("poisson", ""),
    "SparseCategoricalCrossentropy": (
        "sparse_categorical_crossentropy",
        "from_logits ignore_class reduction axis",
    ),
    "SquaredHinge": ("squared_hinge", ""),
    "Tversky": ("tversky", "alpha beta reduction name axis"),
}
CLASSES = {
    name: class_of(
        FUNCTIONS[fn], name, LossFunctionWrapper, order, **({"name": "huber_loss"} if fn == "huber" else {})
    )
    for name, (fn, order) in CLASSES.items()
}
globals().update(CLASSES)


# ---- names -------------------------------------------------------------------------------------

registry.family(
    "losses",
    {
        **FUNCTIONS,
        **CLASSES,
        "Loss": Loss,
        "LossFunctionWrapper": LossFunctionWrapper,
        "cosine": cosine_proximity,
    },
)


def get(identifier, custom_objects: Mapping[str, Any] | None = None) -> "Callable | Loss | None":
    """A loss from its name, configuration, class or function; None stays None.

    Raises UnknownName (a ValueError) for a name that is none, and TypeError for what cannot be a loss.

    Example:
        >>> get("mse") is mean_squared_error
        True
        >>> get({"class_name": "Huber", "config": {"delta": 2.0}}).delta
        2.0
    """
    return registry.get("losses", identifier, custom_objects)


def serialize(loss) -> "dict | str":
    """A loss as plain data."""
    return registry.serialize(loss)


def deserialize(name, custom_objects: Mapping[str, Any] | None = None) -> "Callable | Loss | None":
    """The loss that a name or a configuration describes."""
    return get(name, custom_objects)


def unreduced(loss) -> Callable:
    """A loss, or a function that serves as one, as `(y_true, y_pred) -> values` before weights and reduction.

    A user's function may give any shape, a scalar too. A mask may travel with the values (`scope.mask_of`).
    """
    return loss.unreduced if isinstance(loss, Loss) else loss


__all__ = sorted({*FUNCTIONS, *CLASSES, "Loss", "LossFunctionWrapper", "deserialize", "get", "serialize"})
