"""Callbacks: all there are, those that watch a number (`monitors`) and those that `fit` adds (`callback`) too."""

import csv
import inspect
import io
import json
import os
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from .. import writing
from . import progress
from .backup import BackupAndRestore
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
    set_rate,
)
from .checkpoint import ModelCheckpoint
from .monitors import EarlyStopping, ReduceLROnPlateau
from .orbax_checkpoint import OrbaxCheckpoint
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
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

    kept = ()

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

    kept = ()

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
            set_rate(optimizer, rate)
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

    Raises OSError, with the lines before as they were, where one cannot be written.

    Example:
        >>> log = CSVLogger("training.csv", append=True)
    """

    def __init__(self, filename, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self.csv_file = None
        self.written = ""  # by this training

    def on_train_begin(self, logs=None):
        self._close()
        self.keys, self.written = None, ""
        with writing.explained(self.filename):
            begun = self.append and os.path.exists(self.filename)
            self.before = os.path.getsize(self.filename) if begun else 0
            # unbuffered, so that a line is written as a whole
            self.csv_file = open(self.filename, "ab" if self.append else "wb", buffering=0)
        self.append_header = not self.before

    def on_epoch_end(self, epoch, logs=None):
        logs, header = logs or {}, False
        if self.keys is None:
            self.keys, header = sorted(logs), self.append_header
            if self._era == 3 and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]  # a validation may come later
        lines = io.StringIO()
        writer = csv.DictWriter(lines, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}})
        self._write(lines.getvalue())

    def _write(self, text: str) -> None:
        size = os.fstat(self.csv_file.fileno()).st_size
        with writing.explained(self.filename):
            try:
                data = memoryview(text.encode())
                while data:
                    data = data[self.csv_file.write(data) :]
            except OSError:
                self.csv_file.truncate(size)
                raise
        self.written += text

    def get_state(self):
        return {"keys": self.keys, "written": self.written, "before": self.before}

    def set_state(self, state):
        """Let the file have what it had when the backup was made."""
        self._close()
        before = b""
        if self.append and os.path.exists(self.filename):
            with open(self.filename, "rb") as file:
                before = file.read(state["before"])
        self.keys, self.written, self.before = state["keys"], state["written"], len(before)
        self.append_header = not before
        with writing.replacing(self.filename) as file:
            file.write(before + self.written.encode())
        self.csv_file = open(self.filename, "ab", buffering=0)

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
    kept = ()

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
    kept = ()

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

    kept = ()

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
