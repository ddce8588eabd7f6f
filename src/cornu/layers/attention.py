"""Attention of one head: every target looks at every source."""

from .. import random, registry
from ..ops import nn
from ..ops import numpy as ops
from .arguments import keep, share
from .layer import Layer

FAR = {"float16": 65504.0}  # what is taken off the scores of what is not looked at; 1e9 in other types


def causal_mask(targets: int, sources: int):
    """Booleans `(1, targets, sources)`: no target looks at a later source."""
    return ops.tril(ops.ones((1, targets, sources), dtype="bool"))


def attended(scores, values, mask=None, thin=lambda weights: weights):
    """`softmax(scores) @ values` where the mask holds, and the weights.

    Args:
        scores: `(batch, targets, sources)`.
        mask: booleans `(batch, sources)` or `(batch, targets, sources)`.
        thin: dropout of the weights.
    """
    if mask is not None:
        mask = ops.cast(mask, "bool")
        mask = mask[:, None] if mask.ndim == 2 else mask
        scores = ops.where(mask, scores, scores - FAR.get(str(scores.dtype), 1e9))
    weights = thin(nn.softmax(scores, axis=-1))
    return ops.matmul(weights, values), weights


@registry.member("layers")
class Attention(Layer):
    """`softmax(query @ key^T) @ value` (Luong et al., 2015).

    Called with `[query, value]` or `[query, value, key]`, of shapes `(batch, targets, n)`, `(batch, sources, m)` and
    `(batch, sources, n)`; also takes `mask=[query_mask, value_mask]`, `return_attention_scores`, `use_causal_mask`.

    Args:
        use_scale: whether a learned number multiplies the scores.
        score_mode: 'dot', or 'concat' for `weight * sum(tanh(scale * (query + key)))`.
        dropout: share of the weights that is dropped while training.
        seed: int, for the same draws every time.

    Example:
        >>> Attention()([np.ones((2, 4, 3), "float32"), np.ones((2, 5, 3), "float32")]).shape
        (2, 4, 3)
    """

    supports_masking = True
    scale = concat_score_weight = None

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: int | None = None, **kwargs
    ):  # fmt: skip
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"Attention: `score_mode` is 'dot' or 'concat'; got {score_mode!r}")
        keep(self, locals())
        if share(dropout, f"{type(self).__name__}: `dropout`"):
            self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape):
        if not isinstance(input_shape, list | tuple) or len(input_shape) not in (2, 3):
            raise ValueError(f"{self.name} takes [query, value] or [query, value, key]; got {input_shape}")
        if self.use_scale:
            shape, initializer = self.start(input_shape)
            self.scale = self.add_weight(shape, initializer, name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def start(self, input_shape) -> tuple:
        """Shape and initializer of `scale`."""
        return (), "ones"

    def scores(self, query, key):
        """How much each target is drawn to each source."""
        scale = 1 if self.scale is None else self.scale.value
        if self.score_mode == "dot":
            return ops.matmul(query, ops.swapaxes(key, -2, -1)) * scale
        return self.concat_score_weight * ops.sum(
            ops.tanh(scale * (query[:, :, None] + key[:, None])), axis=-1
        )

    def call(self, inputs, mask=None, training=False, return_attention_scores=False, use_causal_mask=False):
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = (mask[0], mask[1]) if mask else (None, None)
        scores = self.scores(query, key)
        if use_causal_mask:
            causal = causal_mask(*scores.shape[-2:])
            value_mask = causal if value_mask is None else ops.logical_and(value_mask[:, None], causal)
        thin = lambda weights: random.dropout(weights, self.dropout, seed=self.seed_generator)  # noqa: E731
        given = {"thin": thin} if training and self.dropout else {}
        outputs, weights = attended(scores, value, value_mask, **given)
        if query_mask is not None:
            outputs = ops.where(query_mask[..., None], outputs, ops.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask[0] if previous_mask else None


@registry.member("layers")
class AdditiveAttention(Attention):
    """`softmax(sum(scale * tanh(query + key))) @ value` (Bahdanau et al., 2015); called as `Attention`.

    Args:
        use_scale: whether the sum is weighted by a learned vector.
        dropout: share of the weights that is dropped while training.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def start(self, input_shape) -> tuple:
        return (input_shape[0][-1],), "glorot_uniform"

    def scores(self, query, key):
        scale = 1 if self.scale is None else self.scale.value
        return ops.sum(scale * ops.tanh(query[:, :, None] + key[:, None]), axis=-1)
