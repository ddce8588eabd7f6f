"""Connectionist temporal classification (Graves et al. 2006): the loss and two ways of decoding."""

import jax
import jax.numpy as jnp
from jax import lax
from jax import nn as jnn

from ..dtypes import as_array
from .wrap import op

__all__ = ["ctc_decode", "ctc_loss"]

NEVER = -1e5  # logarithm of no chance, finite so that gradients stay finite


def _log_softmax(output):
    return jnn.log_softmax(output.astype(jnp.promote_types(output.dtype, "float32")))


@op
def ctc_loss(target, output, target_length, output_length, mask_index: int = 0):
    """`-log P(target | output)`, summed over all alignments; one number a sample.

    Args:
        target: ints `(batch, labels)`.
        output: logits `(batch, time, classes)`.
        target_length, output_length: ints `(batch,)`: how many labels and steps count.
        mask_index: the class that stands for "no label" (blank).

    Raises ValueError when ranks or batch sizes do not go together.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.ctc_loss([[1]], ops.zeros((1, 2, 2)), [1], [2])[0]), 4)  # 3 of 4 paths read "1"
        0.2877
    """
    target, output = as_array(target).astype("int32"), as_array(output)
    if target.ndim != 2 or output.ndim != 3 or len(target) != len(output):
        raise ValueError(
            "ctc_loss: expected targets (batch, labels) and outputs (batch, time, classes); "
            f"got {target.shape} and {output.shape}"
        )
    target_length, output_length = as_array(target_length), as_array(output_length)
    log_p = _log_softmax(output)
    batch, labels = target.shape
    states = (
        jnp.full((batch, 2 * labels + 1), mask_index).at[:, 1::2].set(target)
    )  # blank, a, blank, b, blank
    may_skip = jnp.pad(states[:, 2:] != states[:, :-2], ((0, 0), (2, 0))) & (states != mask_index)
    emitted = jnp.take_along_axis(log_p, states[:, None, :], 2)

    def moved(chance, by):
        return jnp.pad(chance, ((0, 0), (by, 0)), constant_values=NEVER)[:, : chance.shape[1]]

    def step(chance, now):
        emit, counts = now
        after = jnp.logaddexp(chance, moved(chance, 1))
        after = jnp.logaddexp(after, jnp.where(may_skip, moved(chance, 2), NEVER)) + emit
        return jnp.where(counts[:, None], after, chance), None

    start = jnp.full(states.shape, NEVER, log_p.dtype).at[:, 0].set(0)
    counts = jnp.arange(output.shape[1])[:, None] < output_length
    chance, _ = lax.scan(step, start, (jnp.moveaxis(emitted, 1, 0), counts))
    last = 2 * target_length[:, None]
    ends = jnp.take_along_axis(chance, jnp.concatenate([last, jnp.maximum(last - 1, 0)], 1), 1)
    return -jnp.where(target_length > 0, jnp.logaddexp(*ends.T), ends[:, 0])


@op
def ctc_decode(
    inputs,
    sequence_lengths,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
):
    """The most likely labels: `(paths, batch, time)` ints padded with -1, and scores `(batch, paths)`.

    Args:
        inputs: logits (or probabilities for 'greedy') `(batch, time, classes)`.
        sequence_lengths: ints `(batch,)`: how many steps count.
        strategy: 'greedy' takes the best class of each step, its score is minus the sum of the inputs there;
            'beam_search' keeps the `beam_width` best prefixes, its scores are log-probabilities.
        top_paths: how many paths 'beam_search' returns.
        merge_repeated: whether 'greedy' counts equal neighbours as one label; 'beam_search' always does.
        mask_index: the class that stands for "no label" (blank); the last if None.

    Raises ValueError for another strategy.

    Example:
        >>> from cornu import ops
        >>> paths, scores = ops.ctc_decode(ops.one_hot([[1, 1, 0, 2]], 3), [4])
        >>> paths.tolist()
        [[[1, 2, -1, -1]]]
    """
    inputs, lengths = as_array(inputs), as_array(sequence_lengths)
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        return _greedy(
            inputs.astype(jnp.promote_types(inputs.dtype, "float32")), lengths, merge_repeated, blank
        )
    if strategy != "beam_search":
        raise ValueError(f"ctc_decode: strategy is 'greedy' or 'beam_search'; got {strategy!r}")
    if not merge_repeated or top_paths > beam_width:
        raise ValueError("ctc_decode: 'beam_search' needs merge_repeated=True and top_paths <= beam_width")
    counts = jnp.arange(inputs.shape[1]) < lengths[:, None]
    search = jax.vmap(lambda log_p, counts: _beam_search(log_p, counts, beam_width, top_paths, blank))
    paths, scores = search(_log_softmax(inputs), counts)
    return jnp.moveaxis(paths, 1, 0), scores


def _greedy(inputs, lengths, merge_repeated: bool, blank: int):
    steps = jnp.arange(inputs.shape[1])
    counts = steps < lengths[:, None]
    best = jnp.where(counts, inputs.argmax(-1), blank)
    if merge_repeated:
        repeats = jnp.pad(best[:, 1:] == best[:, :-1], ((0, 0), (1, 0)))
        best = jnp.where(repeats, blank, best)
    order = jnp.argsort(jnp.where(best == blank, steps.size, steps), -1)
    paths = jnp.take_along_axis(jnp.where(best == blank, -1, best), order, -1)
    return paths[None], -jnp.where(counts, inputs.max(-1), 0).sum(1, keepdims=True)


def _beam_search(log_p, counts, width: int, top_paths: int, blank: int):
    """Prefix search (Graves 2012) for one sample: `log_p` is `(time, classes)`."""
    time, classes = log_p.shape
    beams = jnp.arange(width)

    def step(state, now):
        x, counts = now
        paths, sizes, ends_blank, ends_label = state
        total = jnp.logaddexp(ends_blank, ends_label)
        last = jnp.where(sizes > 0, paths[beams, sizes - 1], -1)
        label = ends_label + x[last]
        grown = jnp.where(jnp.arange(classes) == last[:, None], ends_blank[:, None], total[:, None]) + x
        grown = grown.at[:, blank].set(-jnp.inf)

        # where beam j is beam i and one more label, growing i is another way to j
        parents = jnp.where(jnp.arange(time) == sizes[:, None] - 1, -1, paths)
        same = (paths[:, None] == parents).all(-1) & (sizes[:, None] + 1 == sizes) & (total > -jnp.inf)
        label = jnp.logaddexp(label, jnp.where(same, grown[:, last], -jnp.inf).max(0))
        taken = (same[:, :, None] & (last[:, None] == jnp.arange(classes))).any(1)
        grown = jnp.where(taken, -jnp.inf, grown)

        kept = total + x[blank]
        scores, chosen = lax.top_k(jnp.concatenate([jnp.logaddexp(kept, label), grown.ravel()]), width)
        stays = chosen < width
        parent, new = jnp.where(stays, chosen, (chosen - width) // classes), (chosen - width) % classes
        at_end = (jnp.arange(time) == sizes[parent][:, None]) & ~stays[:, None]
        after = (
            jnp.where(at_end, new[:, None], paths[parent]),
            sizes[parent] + ~stays,
            jnp.where(stays, kept[parent], -jnp.inf),
            jnp.where(stays, label[parent], scores),
        )
        return jax.tree.map(lambda new, old: jnp.where(counts, new, old), after, state), None

    nothing = jnp.full(width, -jnp.inf, log_p.dtype)
    start = (jnp.full((width, time), -1), jnp.zeros(width, "int32"), nothing.at[0].set(0), nothing)
    (paths, _, ends_blank, ends_label), _ = lax.scan(step, start, (log_p, counts))
    scores, best = lax.top_k(jnp.logaddexp(ends_blank, ends_label), top_paths)
    return paths[best], scores
