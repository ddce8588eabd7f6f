"""What `fit` says when its loss is no finite number any more."""

import warnings

import numpy as np

from .. import scope
from .callback import Callback


def seen(result):
    """What was computed; within `debug.nan_guard` an error where some layer's output was not finite."""
    if scope.call.watch is not None:
        scope.call.watch.look()
    return result


class Finite(Callback):
    """Warns once that the loss is no finite number; within `debug.nan_guard` it raises, and says where that begins."""

    kept = ()

    def __init__(self):
        super().__init__()
        self.sound, self.last, self.warned = 0, None, False  # batches known to be so, the loss after them

    @property
    def every_batch(self) -> bool:
        return scope.call.watch is not None

    def on_train_begin(self, logs=None):
        self.warned = False

    def on_epoch_begin(self, epoch, logs=None):
        self.sound, self.last = self.run.step, None

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or self.warned:
            return
        if not np.isfinite(loss):
            self._say(loss, batch + 1)
        elif loss != self.last:  # else it may be what was last fetched from the device
            self.sound, self.last = batch + 1, loss
            if scope.call.watch is not None:
                scope.call.watch.forget()

    def _say(self, loss: float, batch: int) -> None:
        self.warned = True
        several = f"one of the batches {self.sound + 1} to {batch}"
        where = f"{f'batch {batch}' if batch == self.sound + 1 else several} of epoch {self.run.epoch + 1}"
        if scope.call.watch is not None:
            raise FloatingPointError(f"The loss is {loss}, since {where}. {scope.call.watch.report()}")
        warnings.warn(
            f"fit: the loss is {loss}, since {where}. In a `with cornu.debug.nan_guard():` an error says in which "
            "layer that begins.",
            RuntimeWarning,
            stacklevel=2,
        )
