"""Callbacks that watch one number: stop early, lower the learning rate."""

import math
import warnings

import numpy as np

from .callback import Callback, announce, log_rates, rate_of, rated, set_rate

# Words in the names of metrics that should rise, and that should fall.
RISING = (
    *("acc", "auc", "concordance", "cosinesimilarity", "f1", "fbeta", "fmeasure", "fscore", "iou"),
    *("pearson", "precision", "r2", "recall", "sensitivity", "specificity"),
)
FALLING = (
    *("crossentropy", "divergence", "error", "hinge", "logcosh", "loss", "poisson"),
    *("kld", "mae", "mape", "mse", "msle"),
)


def direction(monitor: str, model=None) -> int | None:
    """1 for a number that should rise, -1 for one that should fall, None where nothing tells.

    A metric of the model may say so itself; else it is the words in the name.
    """
    name = monitor.removeprefix("val_")
    for metric in getattr(model, "metrics", None) or []:
        if metric.name == name and getattr(metric, "_direction", None):
            return 1 if metric._direction == "up" else -1
    word = name.replace("_", "").lower()
    rises, falls = (any(known in word for known in words) for words in (RISING, FALLING))
    return None if rises == falls else 1 if rises else -1


class Monitor(Callback):
    """Watches one number in the logs of epochs.

    Args:
        monitor: its name in the logs.
        mode: 'min' if it should fall, 'max' if it should rise, 'auto' to tell that from its name.
        min_delta: smaller changes are no improvement.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: mode {mode!r} is none of 'auto', 'min', 'max'; taken as 'auto'",
                stacklevel=4,
            )
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(min_delta) if self._era == 3 else min_delta
        self.best: float | None = None
        self._sign = {"min": -1, "max": 1}.get(mode)
        self._warned = False

    @property
    def sign(self) -> int:
        """1 if the number should rise, -1 if it should fall.

        Raises ValueError where mode='auto' cannot tell; eras 1 and 2 took everything to fall but accuracies.
        """
        if self._sign is None:
            if self._era < 3:
                rises = "acc" in self.monitor or self.monitor.startswith("fmeasure")
                self._sign = 1 if rises else -1
            else:
                self._sign = direction(self.monitor, self.model)
        if self._sign is None:
            raise ValueError(
                f"{type(self).__name__}: nothing tells whether {self.monitor!r} should rise or fall. "
                "Write mode='max' or mode='min'."
            )
        return self._sign

    def better(self, value: float, best: float | None) -> bool:
        """Whether `value` improves on `best` by more than `min_delta`."""
        if best is None or math.isnan(value):
            return not math.isnan(value)
        return self.sign * (value - self.sign * self.min_delta) > self.sign * best

    def read(self, logs: dict | None) -> float | None:
        """The watched number; None, with a warning once, where the logs lack it."""
        value = (logs or {}).get(self.monitor)
        if value is None and not self._warned:
            self._warned = True
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which the logs do not have. "
                f"They have: {', '.join(logs or {}) or 'nothing'}",
                stacklevel=4,
            )
        return value


class EarlyStopping(Monitor):
    """Stops training when a number has not improved for some epochs.

    In era 1 training stops in the epoch after `patience` epochs without improvement, later in the last of them.

    Args:
        monitor: the number's name in the logs.
        min_delta: smaller changes are no improvement.
        patience: epochs without improvement.
        verbose: 1 says when it stops.
        mode: 'min', 'max' or 'auto', as in `Monitor`.
        baseline: what the number has to beat before anything counts as improvement.
        restore_best_weights: whether the model ends with the weights of the best epoch (era 2: only if it stops).
        start_from_epoch: the first epoch that counts.

    Raises ValueError, when training begins, where mode='auto' cannot tell what is better.

    Example:
        >>> stop = EarlyStopping("val_accuracy", patience=3, mode="max")
    """

    kept = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0,
        mode: str = "auto", baseline: float | None = None, restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):  # fmt: skip
        super().__init__(monitor=monitor, mode=mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs=None):
        self.sign  # noqa: B018 - raises where it cannot be told
        self.wait = self.stopped_epoch = self.best_epoch = 0
        # eras 1 and 2 took the baseline for the best so far, era 3 compares with both
        self.best = self.baseline if self._era < 3 else None
        self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        value = self.read(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        improved = self.better(value, self.best)
        if self.restore_best_weights and (improved or self.best_weights is None):
            self.best_epoch, self.best_weights = epoch, self.model.get_weights()
        self.wait += 1
        if improved:
            self.best = value
            if self.baseline is None or self.better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience + (self._era == 1) and (epoch > 0 or self._era < 3):
            self.stopped_epoch, self.model.stop_training = epoch, True
            if self._era < 3:  # when callbacks after this one have not spoken yet
                self._restore()

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0 and self.verbose:
            announce(self, self.stopped_epoch, "early stopping")
        if self._era == 3:
            self._restore()

    def _restore(self) -> None:
        if self.best_weights is not None:
            if self.verbose:
                announce(self, self.best_epoch, "the weights of this epoch, the best one, are put back")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when a number has not improved for some epochs.

    In era 1 that happens in the epoch after `patience` epochs without improvement, later in the last of them.

    Args:
        monitor: the number's name in the logs.
        factor: below 1.
        patience: epochs without improvement.
        verbose: 1 says when it happens.
        mode: 'min', 'max' or 'auto', as in `Monitor`.
        min_delta: smaller changes are no improvement.
        cooldown: epochs after a reduction that do not count.
        min_lr: the learning rate goes no lower.

    Raises ValueError for a factor of 1 or more and, when training begins, where mode='auto' cannot tell what is
    better.

    Example:
        >>> reduce = ReduceLROnPlateau("val_loss", factor=0.2, patience=5, min_lr=0.001)
    """

    kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0,
        mode: str = "auto", min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ):  # fmt: skip
        super().__init__(monitor=monitor, mode=mode, min_delta=min_delta)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor is below 1, so that the rate falls; got {factor}")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs=None):
        self.sign  # noqa: B018 - raises where it cannot be told
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch, logs=None):
        log_rates(self, logs)
        value = self.read(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            late = self._era == 1  # which looked at the count before it counted
            self.wait += not late
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0
            self.wait += late

    def _reduce(self, epoch: int) -> bool:
        high = [(n, each) for n, each in rated(self) if rate_of(each) > np.float32(self.min_lr)]
        for name, optimizer in high:
            lower = max(rate_of(optimizer) * self.factor, self.min_lr)
            set_rate(optimizer, lower)
            if self.verbose:
                announce(self, epoch, f"ReduceLROnPlateau lowers {name} to {lower}.")
        return bool(high)

    def in_cooldown(self) -> bool:
        """Whether epochs do not count at present."""
        return self.cooldown_counter > 0
