"""What a callback is, and the list that tells callbacks what happens."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import config
from ..base import Configurable
from ..eras import border
from ..variable import Variable
from . import notes, progress

RATE = {1: "lr", 2: "lr", 3: "learning_rate"}  # the learning rate's name in logs
EPOCH = {1: "{0:05d}", 2: "{1:05d}", 3: "{1}"}  # an epoch in messages, of its numbers from 0 and from 1


class Callback(Configurable):
    """Is told what happens while a model trains, is evaluated, or predicts.

    A subclass overrides the hooks it wants. One that overrides a hook for batches makes the loop run batch by
    batch; with `every_batch = False` it is told now and then instead, with the number of the last batch.

    A backup keeps what a callback says by `get_state`, and gives it to `set_state`. By default that is what it has
    noted in its attributes: numbers, text, arrays, and lists, tuples and dicts of them.

    Attributes:
        model: the model.
        params: dict of `epochs`, `steps`, `verbose` and others.
        run: where `fit` is; None outside of it.
        every_batch: whether each batch has to be told; a number: after at most so many, as things stand.
        told_last: whether the others are told before it.
        kept: names of the attributes that a backup keeps; None: whatever can be kept.

    Example:
        >>> class Watch(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
        >>> Watch().on_epoch_end(0, {"loss": 1.0})
        0 ['loss']
    """

    model: Any = None
    params: dict[str, Any] | None = None
    validation_data = None
    run: Any = None
    every_batch: bool | int = True
    told_last = False
    kept: tuple[str, ...] | None = None

    def __init__(self):
        self.params, self.model = None, None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model) -> None:
        self.model = model

    def set_run(self, run) -> None:
        self.run = run

    def get_state(self) -> dict[str, Any]:
        """What a backup keeps of it, as plain data and arrays."""
        if self.kept is None:
            return notes.of_attributes(self)
        return {name: getattr(self, name) for name in self.kept}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` said."""
        notes.to_attributes(self, state)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch of training begins; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch is over; `logs` has its loss and metrics, with `val_` before those of the validation."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """`fit` begins."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """`fit` is over; `logs` are those of the last epoch."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """`evaluate` or a validation begins."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """`evaluate` or a validation is over."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """`predict` begins."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """`predict` is over."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `fit` begins; the first of an epoch is 0."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `fit` is over; `logs` has loss and metrics over the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `evaluate` or of a validation begins."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `evaluate` or of a validation is over."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `predict` begins."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A batch of `predict` is over; `logs` has its `outputs`."""

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """The same as `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """The same as `on_train_batch_end`."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
SAME = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def own_hook(callback, hook: str) -> Callable | None:
    """A callback's own version of a hook; None where it has none."""
    method = getattr(callback, hook, None)
    if method is not None and getattr(method, "__func__", method) is not getattr(Callback, hook):
        return method
    return own_hook(callback, SAME[hook]) if hook in SAME else None


def announce(callback: Callback, epoch: int, text: str) -> None:
    """Print what a callback has to say about an epoch, on a line of its own."""
    progress.say(f"Epoch {EPOCH[callback._era].format(epoch, epoch + 1)}: {text}")


def rated(callback: Callback) -> list[tuple[str, Any]]:
    """The optimizers that have a learning rate, each with the name of that in logs."""
    optimizer, name = callback.model.optimizer, RATE[callback._era]
    several = getattr(optimizer, "optimizers", None)
    return [(f"{name}_{each.name}", each) for each in several] if several else [(name, optimizer)]


def rate_of(optimizer) -> float:
    """The learning rate that the next step will use."""
    return float(np.asarray(optimizer.learning_rate if has_rate(optimizer) else optimizer.lr))


def has_rate(optimizer) -> bool:
    """Whether an optimizer has `learning_rate`; one that is no class of the library may have only `lr`."""
    return hasattr(optimizer, "learning_rate")


def set_rate(optimizer, rate: float) -> None:
    """Let the next step use this learning rate."""
    if has_rate(optimizer):
        optimizer.learning_rate = rate
    elif isinstance(optimizer.lr, Variable):
        optimizer.lr.assign(rate)
    else:
        optimizer.lr = rate


def log_rates(callback: Callback, logs: dict | None) -> None:
    """Put the learning rates into the logs of an epoch."""
    if logs is not None:
        logs.update((name, rate_of(optimizer)) for name, optimizer in rated(callback))


# ---- the callbacks that `fit` adds ---------------------------------------------------------------


class History(Callback):
    """Keeps the logs of all epochs; `fit` returns it.

    Attributes:
        epoch: list of the numbers of the epochs.
        history: dict from each name to the list of its values.
    """

    kept = ("epoch", "history")

    def __init__(self):
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list] = {}

    def on_train_begin(self, logs=None):
        self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class ProgbarLogger(Callback):
    """Prints a progress bar with the loss and metrics; `fit`, `evaluate` and `predict` add it by `verbose`."""

    every_batch = False
    kept = ()

    def __init__(self):
        super().__init__()
        self.progbar: progress.Progbar | None = None
        self.target: int | None = None
        self.batch_size: int | None = None  # where samples are counted
        self.seen = 0
        self.verbose, self.epochs = 1, 1
        self.in_fit = False

    def set_params(self, params):
        super().set_params(params)
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.epochs, self.batch_size, self.target = params["epochs"], None, params["steps"]
        if self._era < 3 and params.get("samples"):  # samples were counted, not steps
            self.target, self.batch_size = params["samples"], params["batch_size"]

    def _begin(self) -> None:
        self.seen, self.progbar = 0, progress.Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _show(self, batch: int, logs: dict | None) -> None:
        self.seen = batch + 1
        if self.batch_size:
            self.seen = min(self.seen * self.batch_size, self.target)
        if self.progbar is not None:
            self.progbar.update(self.seen, self._shown(logs), finalize=False)

    def _shown(self, logs: dict | None) -> list[tuple[str, float]]:
        """The logs to print: all, in eras 1 and 2 the metrics in their order."""
        names = (self.params or {}).get("metrics", logs or {})
        return [(name, logs[name]) for name in names if name in (logs or {})]

    def _end(self, logs: dict | None) -> None:
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.target, self._shown(logs), finalize=True)

    def on_train_begin(self, logs=None):
        self.in_fit = True

    def on_train_end(self, logs=None):
        self.in_fit = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.verbose and (self.epochs > 1 or self._era < 3):
            progress.say(f"Epoch {epoch + 1}/{self.epochs}")
        self._begin()

    def on_train_batch_end(self, batch, logs=None):
        self._show(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._end(logs)

    def on_test_begin(self, logs=None):
        if not self.in_fit:
            self._begin()

    def on_test_batch_end(self, batch, logs=None):
        if not self.in_fit:
            self._show(batch, logs)

    def on_test_end(self, logs=None):
        if not self.in_fit:
            self._end(logs)

    def on_predict_begin(self, logs=None):
        self._begin()

    def on_predict_batch_end(self, batch, logs=None):
        self._show(batch, None)

    def on_predict_end(self, logs=None):
        self._end(None)


# ---- the list --------------------------------------------------------------------------------------


class Params(dict):
    """What callbacks are told about a run; programs find it under the old words too."""

    def __missing__(self, name):
        today = border.rename("params", name)
        if today == name:
            raise KeyError(name)
        return self[today]


def _flat(callbacks) -> Iterator:
    """The callbacks in a list, in lists within it, or alone; TypeError for what is none."""
    if callbacks is None:
        return
    if isinstance(callbacks, Iterable):
        for each in callbacks:
            yield from _flat(each)
    elif isinstance(callbacks, type):
        raise TypeError(f"callbacks: {callbacks.__name__} is a class; write {callbacks.__name__}(...)")
    elif not any(hasattr(callbacks, hook) for hook in HOOKS):
        raise TypeError(
            f"callbacks: {callbacks!r} has no method like on_epoch_end. "
            "A function becomes a callback as LambdaCallback(on_epoch_end=function)."
        )
    else:
        yield callbacks


def _telling(hook: str) -> Callable:
    """The method of `CallbackList` that calls one hook of all who have it."""
    if "_batch_" in hook:

        def tell(self, batch, logs=None):
            told = self._own(hook)
            if told:
                logs = self._of_batch(batch, logs)
                for method in told:
                    method(batch, logs)

    elif "epoch" in hook:

        def tell(self, epoch, logs=None):
            logs = {} if logs is None else logs
            for method in self._own(hook):
                method(epoch, logs)

    else:

        def tell(self, logs=None):
            logs = {} if logs is None else logs
            for method in self._own(hook):
                method(logs)

    tell.__name__ = hook
    return tell


class CallbackList:
    """Callbacks that are told together; what one of them adds to the logs of an epoch, the later ones see.

    Args:
        callbacks: a list of them, lists within it, or one.
        add_history: whether a `History` is added where there is none.
        add_progbar: whether a `ProgbarLogger` is added where there is none.
        model: the model they are about.
        params: what they are told of the run.

    Raises TypeError for what is no callback.

    Example:
        >>> told = CallbackList([], add_history=True)
        >>> told.on_train_begin()
        >>> told.on_epoch_end(0, {"loss": 2.0})
        >>> told.history.history
        {'loss': [2.0]}
    """

    def __init__(
        self, callbacks=None, add_history: bool = False, add_progbar: bool = False, model=None, **params
    ):
        self._era = config.era()
        self.callbacks = list(_flat(callbacks))
        self._found: dict[str, list[Callable]] = {}
        self._begun: list = []  # who was told already that training begins
        if add_progbar and not self._has(ProgbarLogger):
            # Keras 3 draws when the callbacks have spoken, so that it shows what they added
            self.callbacks.insert(0 if self._era < 3 else len(self.callbacks), ProgbarLogger())
        if add_history and not self._has(History):
            self.callbacks.append(History())
        self.history = next((each for each in self.callbacks if isinstance(each, History)), None)
        self.params, self.model = {}, None
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _has(self, kind: type) -> bool:
        return any(isinstance(each, kind) for each in self.callbacks)

    def __iter__(self) -> Iterator:
        return iter(self.callbacks)

    def append(self, callback) -> None:
        """Put one more at the end."""
        self.callbacks.extend(_flat(callback))
        self._found.clear()

    def set_params(self, params: dict[str, Any]) -> None:
        """Let the callbacks know what kind of run it is."""
        self.params = Params(params)
        if self._era < 3 and getattr(self.model, "compiled", False):
            names = list(self.model.metrics_names)
            held = [f"val_{name}" for name in names] if params.get("do_validation") else []
            self.params["metrics"] = names + held
        self._give("params", self.params)

    def set_model(self, model) -> None:
        """Let the callbacks know the model."""
        self.model = model
        self._give("model", model)

    def _give(self, what: str, value) -> None:
        for callback in self.callbacks:
            for setter in (f"set_{what}", f"_set_{what}"):  # Keras 0.x had the second
                if hasattr(callback, setter):
                    getattr(callback, setter)(value)

    def set_run(self, run) -> None:
        """Let the callbacks know where `fit` is."""
        self._give("run", run)

    def begin_own(self) -> None:
        """Tell the program's own callbacks that training begins, before the first batch is made.

        Keras 1 and 2 told all of them then, and generators may use what a callback has made ready.
        """
        own = [each for each in self.callbacks if not type(each).__module__.startswith("cornu.")]
        for method in filter(None, (own_hook(callback, "on_train_begin") for callback in own)):
            method({})
        self._begun = own
        self._found.clear()

    def wants_every(self, stage: str) -> bool:
        """Whether someone has to be told each batch of 'train', 'test' or 'predict'."""
        return any(every is True for every in self._wishes(stage))

    def stride(self, stage: str) -> float:
        """How many batches may pass until someone has to be told of them."""
        return min((each for each in self._wishes(stage) if each), default=math.inf)

    def _wishes(self, stage: str) -> Iterator[bool | int]:
        """What `every_batch` of those says that have a hook for batches."""
        for callback in self.callbacks:
            if any(own_hook(callback, f"on_{stage}_batch_{at}") for at in ("begin", "end")):
                yield getattr(callback, "every_batch", True)

    def _own(self, hook: str) -> list[Callable]:
        if hook not in self._found:
            waiting = [each for each in self.callbacks if hook != "on_train_begin" or each not in self._begun]
            order = sorted(waiting, key=lambda callback: getattr(callback, "told_last", False))
            methods = [own_hook(callback, hook) for callback in order]
            self._found[hook] = [method for method in methods if method]
        return self._found[hook]

    def _of_batch(self, batch: int, logs: dict | None) -> dict:
        """A copy of the logs of a batch; eras 1 and 2 told its number and size in it."""
        if self._era == 3:
            return dict(logs or {})
        size, samples = self.params.get("batch_size"), self.params.get("samples")
        told = {"batch": batch}
        if size:
            told["size"] = min(size, samples - batch * size) if samples else size
        return {**told, **(logs or {})}

    on_epoch_begin = _telling("on_epoch_begin")
    on_epoch_end = _telling("on_epoch_end")
    on_train_begin = _telling("on_train_begin")
    on_train_end = _telling("on_train_end")
    on_test_begin = _telling("on_test_begin")
    on_test_end = _telling("on_test_end")
    on_predict_begin = _telling("on_predict_begin")
    on_predict_end = _telling("on_predict_end")
    on_train_batch_begin = on_batch_begin = _telling("on_train_batch_begin")
    on_train_batch_end = on_batch_end = _telling("on_train_batch_end")
    on_test_batch_begin = _telling("on_test_batch_begin")
    on_test_batch_end = _telling("on_test_batch_end")
    on_predict_batch_begin = _telling("on_predict_batch_begin")
    on_predict_batch_end = _telling("on_predict_batch_end")
