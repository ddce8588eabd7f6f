"""Metrics: numbers that are gathered over batches; functions of single batches."""

from . import auc, batchwise, confusion, iou, metric, pointwise, scores
from .auc import *
from .batchwise import *
from .confusion import *
from .iou import *
from .metric import Mean, Metric, Sum, deserialize, get, serialize
from .pointwise import *
from .scores import *

__all__ = sorted(
    ["Mean", "Metric", "Sum", "deserialize", "get", "serialize"]
    + [name for module in (auc, batchwise, confusion, iou, pointwise, scores) for name in module.__all__]
)
