"""Attention of several heads at once."""

import copy
import string
from collections.abc import Sequence

from .. import activations, registry, regularizers
from ..ops import attention, nn
from ..ops import numpy as ops
from .activation import masked_softmax
from .arguments import build_for, keep, positive, share
from .attention import causal_mask
from .einsum import EinsumDense
from .layer import Layer
from .regularization import Dropout


def window_mask(targets: int, sources: int, width: int):
    """Booleans `(1, targets, sources)`: each target looks at most `width - 1` places to either side."""
    distance = ops.arange(targets)[:, None] - ops.arange(sources)[None]
    return (ops.abs(distance) < width)[None]


def attention_equations(rank: int, axes: Sequence[int]) -> tuple[str, str]:
    """Equations 'keys, queries -> scores' and 'scores, values -> outputs'.

    Args:
        rank: how many axes queries have; the last two are heads and features.
        axes: those along which is looked.
    """
    targets = string.ascii_lowercase[:rank]
    fresh = iter(string.ascii_lowercase[rank:])
    sources = "".join(next(fresh) if axis in axes else letter for axis, letter in enumerate(targets))
    others = "".join(letter for axis, letter in enumerate(targets) if axis not in axes and axis != rank - 1)
    scores = others + "".join(targets[axis] for axis in axes) + "".join(sources[axis] for axis in axes)
    outputs, values = targets[:-1] + "Z", sources[:-1] + "Z"
    return f"{sources},{targets}->{scores}", f"{scores},{values}->{outputs}"


class _Heads(Layer):
    """What layers of several heads share: projections, masks, and the sum over sources."""

    supports_masking = True

    def settle(self, given: dict, *counts: str) -> None:
        who = type(self).__name__
        for name in counts:
            positive(given[name], f"{who}: `{name}`")
        if given["sliding_window"] is not None:
            positive(given["sliding_window"], f"{who}: `sliding_window`")
        share(given["dropout"], f"{who}: `dropout`")
        if given["flash_attention"] and given["dropout"]:
            raise ValueError(f"{who}: `flash_attention` knows no dropout; set `dropout` to 0")
        keep(self, given)

    def dense(
        self, equation: str, output_shape: Sequence[int | None], bias: str, name: str, shape, activation=None
    ):
        """A projection of its own, built for inputs of `shape`."""
        said = {f"{on}_{part}": getattr(self, f"{on}_{part}")
                for on in ("kernel", "bias") for part in ("initializer", "regularizer", "constraint")}  # fmt: skip
        said = {key: copy.copy(value) for key, value in said.items()}
        made = EinsumDense(
            equation, output_shape, activation, bias if self.use_bias else None, **said,
            activity_regularizer=self.projected_regularizer, dtype=self.dtype_policy, name=name,
        )  # fmt: skip
        build_for(made, tuple(shape))
        return made

    @property
    def projected_regularizer(self):
        return self.activity_regularizer

    def attention_mask(self, query, value, masks: Sequence, mask, causal: bool):
        """All masks in one, `(batch, targets, sources)`; None if there is none."""
        query_mask, value_mask, key_mask = masks
        lengths = query.shape[1], value.shape[1]
        found = [None if query_mask is None else ops.cast(query_mask, "bool")[..., :, None]]
        found += [
            None if each is None else ops.cast(each, "bool")[..., None, :] for each in (value_mask, key_mask)
        ]
        found += [causal_mask(*lengths) if causal else None]
        found += [window_mask(*lengths, self.sliding_window) if self.sliding_window else None]
        found += [None if mask is None else ops.cast(mask, "bool")]
        whole = None
        for each in found:
            if each is not None:
                whole = each if whole is None else ops.logical_and(whole, each)
        return whole

    def attend(self, query, key, value, mask, axes: Sequence[int], size: int, training: bool, explicit: bool):
        """What the heads give, and their weights if `explicit`: `(batch, ..., heads, features)`."""
        if mask is not None:
            scores_rank = query.ndim - 1 + len(axes)
            mask = ops.reshape(mask, _with_heads(mask.shape, scores_rank, 2 * len(axes)))
        rate, scale = self.dropout if training else 0.0, size**-0.5
        if query.ndim == 4 and query.shape[-1] == value.shape[-1] and not explicit:
            if not rate:
                return nn.dot_product_attention(
                    query, key, value, mask=mask, scale=scale, flash_attention=self.flash_attention
                ), None
            if rate < 1:
                seed = self._dropout_layer.seed_generator
                return attention.thinned_attention(query, key, value, mask, scale, rate, seed), None
        if self.flash_attention:
            raise ValueError(f"{self.name}: `flash_attention` does not give the scores")
        score, combine = attention_equations(query.ndim, axes)
        scores = ops.einsum(score, key, query * scale)
        weights = masked_softmax(scores, tuple(range(scores.ndim - len(axes), scores.ndim)), mask)
        return ops.einsum(combine, self._dropout_layer(weights), value), weights

    def finish(self, dense, outputs, gate, weights, return_scores: bool):
        outputs = dense(outputs if gate is None else outputs * gate)
        return (outputs, weights) if return_scores else outputs


def _with_heads(shape: tuple, rank: int, looked: int) -> tuple:
    """A mask's shape with axes of size 1 for the heads, before its last `looked` axes."""
    split = len(shape) - looked
    return (*shape[:split], *(1,) * (rank - len(shape)), *shape[split:])


@registry.member("layers")
class MultiHeadAttention(_Heads):
    """`concat(softmax(Q_i K_i^T / sqrt(key_dim)) V_i) W`, projections Q, K, V for each head (Vaswani et al., 2017).

    Called with `query (batch, targets, n)`, `value (batch, sources, m)` and `key` (`value` if None); also takes
    `attention_mask (batch, targets, sources)`, `return_attention_scores` and `use_causal_mask`.

    Args:
        num_heads: int, how many heads.
        key_dim, value_dim: ints, features of queries and keys, and of values, in each head.
        dropout: share of the weights that is dropped while training.
        use_bias: whether the projections have a bias.
        output_shape: features of the outputs; those of the query if None.
        attention_axes: axes along which is looked; all between batch and features if None.
        sliding_window: int, how near a source must be to be seen, itself counted.
        flash_attention: whether the fused kernel is demanded; chosen by JAX if None.
        `kernel_*`, `bias_*`, activity_regularizer: of the projections.
        use_gate: whether a projection of the query, through a sigmoid, multiplies what the heads give.
        seed: int, for the same draws every time.

    Example:
        >>> x = np.ones((2, 5, 8), "float32")
        >>> MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        (2, 5, 8)
    """

    def __init__(
        self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
        output_shape=None, attention_axes=None, sliding_window: int | None = None,
        flash_attention: bool | None = None, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, use_gate: bool = False, seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        value_dim = value_dim or key_dim
        given = dict(locals())
        self._shape = (
            (output_shape,) if isinstance(output_shape, int) else output_shape and tuple(output_shape)
        )
        del given["output_shape"], given["activity_regularizer"]  # the latter is for the projections alone
        self.settle(given, "num_heads", "key_dim", "value_dim")
        self._activity_regularizer = regularizers.get(activity_regularizer)

    @property
    def projected_regularizer(self):
        return self._activity_regularizer

    # the attributes' names are those of Keras's files, private ones included
    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = key_shape or value_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{self.name}: value {value_shape} and key {key_shape} must agree but for the last axis"
            )
        heads = self.num_heads
        self.query_dense = self.dense(*_into(query_shape, heads, self.key_dim), "query", query_shape)
        self.key_dense = self.dense(*_into(key_shape, heads, self.key_dim), "key", key_shape)
        if self.use_gate:
            self._gate_dense = self.dense(
                *_into(query_shape, heads, self.value_dim), "gate", query_shape, activations.sigmoid
            )
        self.value_dense = self.dense(*_into(value_shape, heads, self.value_dim), "value", value_shape)
        rank = len(query_shape) + 1
        axes = self.attention_axes
        axes = (axes,) if isinstance(axes, int) else axes
        self.looked = tuple(range(1, rank - 2)) if axes is None else tuple(axis % (rank - 1) for axis in axes)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        out = self._shape or (query_shape[-1],)
        self.output_dense = self.dense(
            *_out_of(query_shape, out), "attention_output", (*query_shape[:-1], heads, self.value_dim)
        )

    def call(
        self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, training=False, use_causal_mask=False,
    ):  # fmt: skip
        key = value if key is None else key
        mask = self.attention_mask(
            query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask
        )
        gate = self._gate_dense(query) if self.use_gate else None
        heads = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        outputs, weights = self.attend(
            *heads, mask, self.looked, self.key_dim, training, return_attention_scores
        )
        return self.finish(self.output_dense, outputs, gate, weights, return_attention_scores)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "output_shape": self._shape,
            "activity_regularizer": registry.serialize(self._activity_regularizer),
        }


def _into(shape: Sequence, heads: int, size: int):
    """Equation, output shape and bias axes of a projection `(..., n)` to `(..., heads, size)`."""
    free = string.ascii_lowercase[: len(shape) - 1]
    return f"{free}X,XYZ->{free}YZ", (*(None,) * (len(free) - 1), heads, size), "YZ"


def _out_of(shape: Sequence, outputs: Sequence[int]):
    """The same for `(..., heads, size)` to `(..., *outputs)`."""
    free = string.ascii_lowercase[: len(shape) - 1]
    new = string.ascii_uppercase[: len(outputs)]
    return f"{free}YZ,YZ{new}->{free}{new}", (*(None,) * (len(free) - 1), *outputs), new


class GroupedQueryAttention(_Heads):
    """Attention in which several heads of queries share one head of keys and values (Ainslie et al., 2023).

    Called as `MultiHeadAttention`.

    Args:
        head_dim: int, features in each head.
        num_query_heads: int, a multiple of `num_key_value_heads`.
        num_key_value_heads: int.
        dropout, use_bias, sliding_window, flash_attention, ...: as in `MultiHeadAttention`.

    Example:
        >>> x = np.ones((2, 5, 8), "float32")
        >>> GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)(x, x).shape
        (2, 5, 8)
    """

    def __init__(
        self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
        use_bias: bool = True, sliding_window: int | None = None, flash_attention: bool | None = None,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, use_gate: bool = False,
        seed: int | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settle(locals(), "head_dim", "num_query_heads", "num_key_value_heads")
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"GroupedQueryAttention: {num_query_heads} query heads cannot share {num_key_value_heads} key heads"
            )

    def build(self, query_shape, value_shape, key_shape=None):
        queries, keys, size = self.num_query_heads, self.num_key_value_heads, self.head_dim
        self._query_dense = self.dense(*_into(query_shape, queries, size), "query", query_shape)
        self._key_dense = self.dense(*_into(value_shape, keys, size), "key", key_shape or value_shape)
        if self.use_gate:
            self._gate_dense = self.dense(
                *_into(query_shape, queries, size), "gate", query_shape, activations.sigmoid
            )
        self._value_dense = self.dense(*_into(value_shape, keys, size), "value", value_shape)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        self._output_dense = self.dense(
            *_out_of(query_shape, (query_shape[-1],)), "attention_output", (*query_shape[:-1], queries, size)
        )

    def call(
        self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, training=False, use_causal_mask=False,
    ):  # fmt: skip
        key = value if key is None else key
        mask = self.attention_mask(
            query, value, (query_mask, value_mask, key_mask), attention_mask, use_causal_mask
        )
        gate = self._gate_dense(query) if self.use_gate else None
        repeats = self.num_query_heads // self.num_key_value_heads
        heads = (
            self._query_dense(query),
            ops.repeat(self._key_dense(key), repeats, axis=2),
            ops.repeat(self._value_dense(value), repeats, axis=2),
        )
        outputs, weights = self.attend(*heads, mask, (1,), self.head_dim, training, return_attention_scores)
        return self.finish(self._output_dense, outputs, gate, weights, return_attention_scores)


GroupQueryAttention = GroupedQueryAttention  # what Keras shows under one name, it calls by the other
registry.family("layers", {"GroupQueryAttention": GroupQueryAttention})
