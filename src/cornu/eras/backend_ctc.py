"""`keras.backend`: connectionist temporal classification (Graves et al. 2006); the last class means "no label".

Theano's version, the default of era 1, smooths probabilities p to `(1 - a) p + a / (2 n + 1)` for n labels, with
a = 1e-4, and adds up all time steps, so that the logarithm of their number T is missing from the cost.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import logsumexp

from .. import config, dtypes
from ..ops import ctc
from ..ops import numpy as ops
from ..ops.wrap import op
from .backend_table import entry, first

SMOOTHING = 1e-4


@op
def _vector(x):
    return dtypes.as_array(x).reshape(-1).astype("int32")


@entry
def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """`-log P(y_true | y_pred)` of each sample, `(batch, 1)`; on Theano after smoothing, and less by `log T`.

    Args:
        y_true: labels `(batch, longest)`.
        y_pred: probabilities `(batch, time, classes)`.
        input_length, label_length: `(batch, 1)`: how many steps and labels count.
    """
    steps, labels, blank = _vector(input_length), _vector(label_length), ops.shape(y_pred)[-1] - 1
    if config.backend() != "theano":
        return ops.expand_dims(ctc.ctc_loss(y_true, ops.log(y_pred + 1e-8), labels, steps, blank), 1)
    share = SMOOTHING / ops.cast(2 * labels + 1, y_pred.dtype)
    p = (1 - SMOOTHING) * y_pred + ops.reshape(share, (-1, 1, 1))
    return ops.expand_dims(ctc.ctc_loss(y_true, ops.log(p), labels, steps, blank) - _log_sums(p, steps), 1)


@op
def _log_sums(p, steps):
    """`log(T) + sum(log(sum(p)))` over the steps that count; the sums are what `ctc_loss` scales away."""
    counts = jnp.arange(p.shape[1]) < steps[:, None]
    return jnp.log(steps.astype(p.dtype)) + jnp.where(counts, jnp.log(p.sum(-1)), 0).sum(1)


@entry
def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1, merge_repeated=False):
    """The most likely labels: a list of `top_paths` arrays `(batch, longest)` padded with -1, and their scores.

    Inside calls they are as wide as `y_pred` is long, since compiled code has to know how wide they are.

    Args:
        y_pred: probabilities `(batch, time, classes)`.
        input_length: `(batch,)`: how many steps count.
        greedy: the best class of each step; its score `(batch, 1)` is minus the sum of their logarithms. Otherwise the
            best of `beam_width` prefixes, with log-probabilities `(batch, top_paths)`.
        merge_repeated: whether equal neighbours among the labels that a beam search found are joined, and its scores
            are those over the best class of each step, as in the TensorFlow of Keras 1.
    """
    log_p = ops.log(y_pred + 1e-8)
    strategy = "greedy" if greedy else "beam_search"
    paths, scores = ctc.ctc_decode(
        log_p, _vector(input_length), strategy, beam_width, 1 if greedy else top_paths, True, None
    )
    if merge_repeated and not greedy:
        paths, scores = _merged(paths), scores + _over_best(log_p, _vector(input_length))
    return [trimmed(paths[i]) for i in range(1 if greedy else top_paths)], scores


@op
def _over_best(log_p, steps):
    """`(batch, 1)`: minus the log-probability of the best class, summed over the steps that count."""
    counts = jnp.arange(log_p.shape[1]) < steps[:, None]
    return jnp.where(counts, logsumexp(log_p, -1) - log_p.max(-1), 0).sum(1, keepdims=True)


def settled(paths: np.ndarray) -> np.ndarray:
    """As wide as the longest path."""
    return paths[:, : int((paths >= 0).sum(1).max(initial=0))]


@op
def trimmed(paths):
    """Paths as wide as the longest, where it is known how long that is."""
    return paths if isinstance(paths, jax.core.Tracer) else settled(np.asarray(paths))


trimmed.settled = settled  # what `K.function` does with them when they are computed


@op
def _merged(paths):
    """Paths without labels equal to the one before, padded with -1."""
    repeats = jnp.pad(paths[..., 1:] == paths[..., :-1], [(0, 0)] * (paths.ndim - 1) + [(1, 0)])
    order = jnp.argsort(repeats, axis=-1, stable=True)
    return jnp.take_along_axis(jnp.where(repeats, -1, paths), order, -1)


@entry
@op
def ctc_label_dense_to_sparse(labels, label_lengths):
    """The labels with -1 in place of those beyond each sample's length; arrays here are dense."""
    labels = dtypes.as_array(labels)
    return jnp.where(jnp.arange(labels.shape[1]) < _vector(label_lengths)[:, None], labels, -1)


# ---- Theano's version, one sample at a time ----------------------------------------------------


@first
@op
def ctc_interleave_blanks(Y):  # noqa: N803 - as it was
    """Labels with -1, for the last class, before, between and after them."""
    labels = _vector(Y)
    return jnp.full(2 * labels.size + 1, -1, "int32").at[1::2].set(labels)


def _skips(states):
    """The states from which one may pass over a blank, as they are all different; the rest as an index out of range."""
    places = np.arange(max(len(states) - 3, 0) // 2) * 2 + 1
    return jnp.where(states[places] != states[places + 2], places, len(states)).astype("int32")


@first
def ctc_create_skip_idxs(Y):  # noqa: N803 - as it was
    """The places of labels in interleaved ones that differ from the next label; an array of numbers is needed."""
    places = np.asarray(_skips(dtypes.as_array(Y)))
    return places[places < len(Y)]


@first
@op
def ctc_update_log_p(skip_idxs, zeros, active, log_p_curr, log_p_prev):
    """One step forward: how many states can be reached, and `log P` of each; as in `zeros` for those that cannot."""
    count = log_p_curr.shape[0]
    states = jnp.arange(count)
    before = jnp.where(states < active, log_p_prev, -jnp.inf)
    stepped = jnp.concatenate([jnp.full(1, -jnp.inf, before.dtype), before[:-1]])
    usable = jnp.where(skip_idxs < active, skip_idxs, count)
    skipped = jnp.full_like(before, -jnp.inf).at[usable + 2].set(before[skip_idxs], mode="drop")
    furthest = jnp.max(jnp.where(skip_idxs < active, skip_idxs, -1), initial=-1) + 3
    reached = jnp.minimum(jnp.maximum(active + 1, furthest), count).astype("int32")
    paths = functools.reduce(jnp.logaddexp, (before, stepped, skipped))
    return reached, jnp.where(states < reached, log_p_curr + paths, zeros)


@first
@op
def ctc_path_probs(predict, Y, alpha=SMOOTHING):  # noqa: N803 - as it was
    """`log P` of all paths through each state at each step, `(time, states)`, and which states any path goes through.

    Args:
        predict: probabilities `(time, classes)`.
        Y: interleaved labels.
    """
    states = _vector(Y)
    emitted = jnp.log((1 - alpha) * dtypes.as_array(predict)[:, states] + alpha / states.size)
    zeros = jnp.zeros_like(emitted[0])

    def run(emitted, states):
        step = lambda carry, now: (ctc_update_log_p(_skips(states), zeros, carry[0], now, carry[1]),) * 2  # noqa: E731
        return lax.scan(step, (jnp.int32(1), zeros), emitted)[1]

    reached, forwards = run(emitted, states)
    reached_back, backwards = run(emitted[::-1, ::-1], states[::-1])
    places = jnp.arange(states.size)
    mask = (places < reached[:, None]) & (places < reached_back[:, None])[::-1, ::-1]
    return forwards + backwards[::-1, ::-1] - emitted, mask


@first
@op
def ctc_cost(predict, Y):  # noqa: N803 - as it was
    """The cost of one sample: probabilities `(time, classes)`, and interleaved labels."""
    log_p, mask = ctc_path_probs(predict, Y)
    return -logsumexp(jnp.where(mask, log_p, -jnp.inf))
