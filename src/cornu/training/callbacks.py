"""Callbacks: all there are, those that watch a number (`monitors`) and those that `fit` adds (`callback`) too."""

import csv
import inspect
import json
import os
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from . import progress
from .callback import (
    HOOKS,
    Callback,
    CallbackList,
    History,
    ProgbarLogger,
    announce,
    log_rates,
    rate_of,
    rated,
)
from .monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from .tensorboard import TensorBoard

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
]


class BaseLogger(Callback):
    """Nothing: `fit` itself hands every callback the averages over the epoch, which this one made in eras 1 and 2.

    Args:
        stateful_metrics: names of metrics that are not averaged; they never are.
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())


class LearningRateScheduler(Callback):
    """Sets the learning rate when an epoch begins.

    Args:
        schedule: function `(epoch, rate) -> rate` or `(epoch) -> rate`; epochs count from 0.
        verbose: 1 says what it sets.

    Raises ValueError where the function returns no number.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch, logs=None):
        for name, optimizer in rated(self):
            known = (epoch, rate_of(optimizer))
            made = self.schedule(*known[: 1 if self._era == 1 else places(self.schedule)])
            try:
                rate = float(made)
            except (TypeError, ValueError):
                raise ValueError(
                    f"LearningRateScheduler: the schedule has to return a number; it returned {made!r}"
                ) from None
            optimizer.learning_rate = rate
            if self.verbose:
                announce(self, epoch, f"LearningRateScheduler sets {name} to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        log_rates(self, logs)


def places(schedule: Callable) -> int:
    """Whether a schedule takes the epoch (1), or the learning rate after it (2)."""
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return 1
    except ValueError:  # written in C, without a signature
        pass
    return 2


class CSVLogger(Callback):
    """Writes the logs of epochs into a table, a line an epoch.

    Args:
        filename: the file.
        separator: what stands between two columns.
        append: whether lines are added to a file that is there.

    Example:
        >>> log = CSVLogger("training.csv", append=True)
    """

    def __init__(self, filename, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self.csv_file = self.writer = None

    def on_train_begin(self, logs=None):
        self._close()
        begun = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.append_header, self.keys, self.writer = not begun, None, None
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self.writer is None:
            self.keys = sorted(logs)
            if self._era == 3 and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]  # a validation may come later
            self.writer = csv.DictWriter(
                self.csv_file, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n"
            )
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None and not self.csv_file.closed:
            self.csv_file.close()


def _cell(value):
    return f"[{', '.join(map(str, value))}]" if np.ndim(value) else value


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end: functions `(epoch, logs)`.
        on_train_begin, on_train_end: functions `(logs)`.
        on_train_batch_begin, on_train_batch_end: functions `(batch, logs)`.
        kwargs: functions for any other hook of `Callback`.

    Raises TypeError for what is no hook.

    Example:
        >>> say = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> say.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    inherited = HOOKS

    def __init__(
        self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
        on_train_batch_begin=None, on_train_batch_end=None, **kwargs: Callable,
    ):  # fmt: skip
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        vars(self).update({hook: function for hook, function in given.items() if function is not None})


class TerminateOnNaN(Callback):
    """Stops training when the loss is no number or infinite.

    One such batch makes the loss of the epoch so, whence it is enough to look now and then.
    """

    every_batch = False

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss) and not self.model.stop_training:
            progress.say(f"Batch {batch}: the loss is {loss}, training stops")
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss) and not self.model.stop_training:
            announce(self, epoch, f"the loss is {loss}, training stops")
            self.model.stop_training = True


class RemoteMonitor(Callback):
    """Sends the logs of epochs to a server, by POST; a warning says when it does not answer.

    Args:
        root, path: the address, in two parts.
        field: name of the form's field that holds the logs as JSON.
        headers: dict of further HTTP headers.
        send_as_json: whether the JSON is sent alone, not in a form.
    """

    def __init__(
        self, root: str = "http://localhost:9000", path: str = "/publish/epoch/end/", field: str = "data",
        headers: dict[str, str] | None = None, send_as_json: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch, logs=None):
        data = json.dumps(
            {"epoch": epoch, **{name: np.asarray(v).tolist() for name, v in (logs or {}).items()}}
        )
        if not self.send_as_json:
            data = urllib.parse.urlencode({self.field: data})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        headers = {"Content-Type": f"application/{kind}", **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, data.encode(), headers)
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError as error:
            warnings.warn(f"RemoteMonitor: {self.root} does not answer: {error}", stacklevel=2)
