"""AUC: the area under a curve of rates, drawn by moving a threshold."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .. import config
from ..dtypes import as_array
from ..ops import numpy as ops
from .confusion import KINDS, Confusion, even, levels_of, ratio
from .metric import register


def _roc(tp, fp, tn, fn):
    return ratio(fp, tn), ratio(tp, fn)


def _pr(tp, fp, tn, fn):
    return ratio(tp, fn), ratio(tp, fp)


def _pr_gain(tp, fp, tn, fn):
    odds = ops.divide_no_nan(tp + fn, tn + fp)
    recall = jnp.where(tp == 0, 0, 1 - odds * ops.divide_no_nan(fn, tp))
    return jnp.maximum(recall, 0), jnp.where(tp == 0, 1, 1 - odds * ops.divide_no_nan(fp, tp))


CURVES = {"ROC": _roc, "PR": _pr, "PRGAIN": _pr_gain}  # x and y from the four counts
HEIGHTS = {  # of the strip between two neighbours
    "interpolation": lambda left, right: (left + right) / 2,
    "minoring": jnp.minimum,
    "majoring": jnp.maximum,
}


def _between_pr(tp, fp, fn):
    """Areas under the precision-recall curve between thresholds, true positives linear in all positives.

    Precision is no line between two points (Davis & Goadrich 2006).
    """
    p = tp + fp
    steps, widths = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = ops.divide_no_nan(steps, jnp.maximum(widths, 0))
    intercept = tp[1:] - slope * p[1:]
    growth = jnp.where((p[:-1] > 0) & (p[1:] > 0), ops.divide_no_nan(p[:-1], jnp.maximum(p[1:], 0)), 1)
    return ops.divide_no_nan(slope * (steps + intercept * jnp.log(growth)), jnp.maximum(tp[1:] + fn[1:], 0))


class AUC(Confusion):
    """Area under a curve that is drawn by moving a threshold from 0 to 1.

    Args:
        num_thresholds: how many thresholds; more are more exact.
        curve: 'ROC' (recall over false positive rate), 'PR' (precision over recall) or 'PRGAIN' (Flach & Kull 2015).
        summation_method: strips as high as the mean of their sides ('interpolation'; for 'PR' after Davis & Goadrich
            2006), as the lower ('minoring') or as the higher side ('majoring').
        name, dtype: as in `Metric`.
        thresholds: own thresholds from 0 to 1, in place of `num_thresholds`; the ends are added.
        multi_label: whether `y_true` is `(batch, labels)` and the mean of the labels' areas is wanted.
        num_labels: number of labels, if it shall be known before the first batch; with `multi_label`.
        label_weights: a weight for each label.
        from_logits: whether `y_pred` holds log-odds, else probabilities.

    Raises ValueError for other arguments, and when shapes don't fit.

    Example:
        >>> round(float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])), 4)
        0.75
    """

    _direction = "up"
    bounded = True

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype=None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype=dtype, name=name)
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: `num_thresholds` is at least 2; got {num_thresholds}")
        if num_labels and not multi_label:
            raise ValueError("AUC: `num_labels` goes with `multi_label=True`")
        inner = (
            even(num_thresholds)[1:-1] if thresholds is None else sorted(levels_of("AUC", thresholds, 0.5))
        )
        self.curve = _choice("curve", curve.upper(), CURVES)
        self.summation_method = _choice("summation_method", summation_method.lower(), HEIGHTS)
        self.init_thresholds = None if thresholds is None else np.asarray(thresholds).tolist()
        self.num_thresholds = len(inner) + 2
        self.thresholds = [-config.epsilon(), *inner, 1 + config.epsilon()]
        self.by_label = self.multi_label = multi_label
        self.num_labels, self.from_logits = num_labels, from_logits
        self.label_weights = None if label_weights is None else list(label_weights)
        if not multi_label or num_labels:
            self.start(self.thresholds, num_labels)

    def build(self, y_true_shape: Sequence, y_pred_shape: Sequence) -> None:
        if not self._cells:
            if len(y_pred_shape) != 2:
                raise ValueError(
                    f"{self.name}: with `multi_label`, y_pred has shape (batch, labels); got {tuple(y_pred_shape)}"
                )
            self.start(self.thresholds, y_pred_shape[-1])

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        y_true, y_pred = as_array(y_true), as_array(y_pred)
        self.build(y_true.shape, y_pred.shape)
        super().update_state(y_true, jax.nn.sigmoid(y_pred) if self.from_logits else y_pred, sample_weight)

    def result(self):
        tp, fp, tn, fn = self.held(*KINDS)
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            areas = _between_pr(tp, fp, fn)
        else:
            x, y = CURVES[self.curve](tp, fp, tn, fn)
            areas = (x[:-1] - x[1:]) * HEIGHTS[self.summation_method](y[:-1], y[1:])
        areas = jnp.sum(areas, 0)
        if not self.multi_label:
            return areas
        weights = jnp.ones_like(areas) if self.label_weights is None else as_array(self.label_weights)
        return ops.divide_no_nan(jnp.sum(areas * weights), jnp.sum(weights))

    def get_config(self) -> dict:
        return {**super().get_config(), "thresholds": self.init_thresholds}


def _choice(argument: str, given: str, known) -> str:
    if given not in known:
        raise ValueError(f"AUC: `{argument}` is one of {', '.join(known)}; got {given!r}")
    return given


register(AUC)

__all__ = ["AUC"]
