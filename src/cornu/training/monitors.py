"""Callbacks that watch one number: stop early, save the best, lower the learning rate."""

import math
import os
import warnings

import numpy as np

from .callback import Callback, announce, log_rates, rate_of, rated

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

    def on_train_end(self, logs=None):
        if self.stopped_epoch > 0 and self.verbose:
            announce(self, self.stopped_epoch, "early stopping")
        stopped = self.model.stop_training
        if self.best_weights is not None and (stopped or self._era == 3):
            if self.verbose:
                announce(self, self.best_epoch, "the weights of this epoch, the best one, are put back")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, while it trains.

    Args:
        filepath: where; may name `{epoch}`, any number in the logs and, with an int `save_freq`, `{batch}`, as in
            "{epoch:02d}-{val_loss:.2f}.keras". Epochs count from 1; in era 1 from 0.
        monitor: name of the number that tells which epoch is best.
        verbose: 1 says what is saved.
        save_best_only: whether only an epoch that improves on all before is saved.
        save_weights_only: whether only the weights are saved.
        mode: 'min', 'max' or 'auto', as in `Monitor`.
        save_freq: 'epoch', or after how many batches to save.
        initial_value_threshold: what the first saved epoch has to beat.
        period: epochs between two files.

    Raises ValueError for an ending that names no format (era 3: .keras, .h5; weights: .weights.h5) and KeyError
    for a `{name}` that the logs do not have.

    Example:
        >>> keep = ModelCheckpoint("best.keras", "val_loss", save_best_only=True)
    """

    def __init__(
        self, filepath, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: str = "auto", save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None, period: int = 1,
    ):  # fmt: skip
        super().__init__(monitor=monitor, mode=mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.period, self.best = save_freq, period, initial_value_threshold
        self.every_batch = save_freq != "epoch"
        if self.every_batch and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"ModelCheckpoint: save_freq is 'epoch' or a number of batches; got {save_freq!r}"
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if self._era == 3 and not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: {self.filepath!r} has to end with {' or '.join(endings)}"
                + (", since only weights are saved" if save_weights_only else "")
            )
        self._epoch = self._batches = self._epochs = 0

    def on_train_begin(self, logs=None):
        if self.save_best_only:
            self.sign  # noqa: B018 - raises where it cannot be told

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq != "epoch":
            return
        self._epochs += 1
        if self._epochs >= self.period:
            self._epochs = 0
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict) -> None:
        path = self._path(epoch, logs)
        if self.save_best_only and not self._improved(epoch, logs, path):
            return
        if self.verbose and not self.save_best_only:
            announce(self, epoch, f"saving model to {path}")
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: {path} is a folder; name a file in it")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)

    def _path(self, epoch: int, logs: dict) -> str:
        try:
            return self.filepath.format(**{"epoch": epoch + (self._era > 1), **logs})
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: the logs have no {error} for the file name {self.filepath!r}. "
                f"They have: {', '.join(['epoch', *logs])}"
            ) from None

    def _improved(self, epoch: int, logs: dict, path: str) -> bool:
        value = self.read(logs)
        if value is None:
            return self._era == 3  # which saves what it cannot compare
        before, improved = self.best, self.better(value, self.best)
        if improved:
            self.best = value
        if self.verbose:
            best = "nothing" if before is None else f"{before:.5f}"
            verb = f"improved from {best} to {value:.5f}, saving model to {path}"
            announce(self, epoch, f"{self.monitor} {verb if improved else f'did not improve from {best}'}")
        return improved


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
            optimizer.learning_rate = lower = max(rate_of(optimizer) * self.factor, self.min_lr)
            if self.verbose:
                announce(self, epoch, f"ReduceLROnPlateau lowers {name} to {lower}.")
        return bool(high)

    def in_cooldown(self) -> bool:
        """Whether epochs do not count at present."""
        return self.cooldown_counter > 0
