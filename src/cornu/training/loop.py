"""The loop: fit, evaluate, predict, and their single-batch forms."""

import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, random, scope
from ..eras import border
from ..eras.accuracy import ShowsAccuracy, shows_accuracy
from . import callbacks as hooks
from .compiled import Compilable
from .data import Arrays, Stream, adapt, leaves, weights_of_classes
from .finite import Finite, seen
from .generators import FromGenerators
from .leaving import leaving
from .run import Place, Run
from .step import Runner, State, pure_step

_NONE: dict = {}
STACK = 32  # batches that `predict` gives to one dispatch


class Trainer(ShowsAccuracy, FromGenerators, Compilable):
    """What trains a model; `Model` is a `Layer` and a `Trainer`."""

    stop_training = False
    history = None

    # ---- fit, evaluate, predict ----------------------------------------------------------------

    @shows_accuracy("show_accuracy")
    @border.method("Model.fit")
    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence | None = None,
        validation_split: float = 0.0,
        validation_data=None,
        shuffle: bool | str = True,
        class_weight=None,
        sample_weight=None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> hooks.History:
        """Train on the data for some epochs.

        Args:
            x, y: arrays (samples first), lists or dicts of them by input or output; or x alone: a generator,
                `Sequence` or iterable of `(x, y)` or `(x, y, sample_weight)` batches.
            batch_size: samples a step; 32 if None.
            epochs: number of the last epoch; it starts after `initial_epoch`.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch.
            callbacks: objects told at every epoch and batch.
            validation_split: the last part of the arrays, held back.
            validation_data: `(x, y)` or `(x, y, sample_weight)`, or something that yields batches.
            shuffle: whether the samples come in another order each epoch; 'batch' shuffles whole batches.
            class_weight: a weight for each class, as a dict.
            sample_weight: a weight a sample, or a sample and time step.
            steps_per_epoch, validation_steps: batches an epoch, for data without an end.
            validation_freq: epochs between validations, or a list of epochs.

        Returns the `History`, whose `history` has a list of values for each name.
        Raises ValueError for data that does not fit the model, before any weight changes.
        """
        self._require_compiled("fit")
        data = adapt(self._fed(x), y, sample_weight, batch_size, steps_per_epoch, shuffle)
        if validation_split and validation_data is None:
            if not isinstance(data, Arrays):
                raise ValueError("validation_split needs arrays; give validation_data beside a generator")
            data, held_back = data.split(validation_split)
            validation = held_back
        else:
            validation = self._adapt_validation(
                validation_data, validation_batch_size or batch_size, validation_steps
            )
        if isinstance(data, Arrays):
            data.shuffle = shuffle
            if class_weight is not None:
                data.sample_weight = self._class_weighted(data.y, class_weight, data.sample_weight)

        def telling() -> hooks.CallbackList:
            return self._told(
                callbacks,
                data,
                verbose,
                steps_per_epoch,
                add_history=True,
                epochs=epochs,
                do_validation=validation is not None,
            )

        early = telling() if config.era() < 3 and isinstance(data, Stream) else None
        if early:
            early.begin_own()
        first = data.peek() if isinstance(data, Stream) else data.parts
        self._ready(self._weigh(first, class_weight, data), training=True)
        if validation is not None:
            self._ready(
                validation.peek() if isinstance(validation, Stream) else validation.parts, training=False
            )
        told = early or telling()
        self.stop_training = False
        self.history = told.history
        if config.era() < 3 and isinstance(validation, Arrays):
            self._show_validation(validation, told.callbacks)
        told.append(Finite())
        with Run(self, (data, validation), told, initial_epoch, first) as run, leaving(run):
            told.on_train_begin()
            while run.goes_on(epochs):
                epoch = run.epoch
                if not run.step:  # not so where a backup was made within the epoch
                    self.reset_metrics()
                    if epoch > initial_epoch and getattr(data, "measured", False):
                        data.measure()
                        told.set_params({**told.params, "steps": data.steps})
                    told.on_epoch_begin(epoch)
                if not run.through:
                    run.passed(self._pass_over("train", data, told, steps_per_epoch, class_weight, run))
                logs = run.logs
                due = (
                    epoch + 1 in validation_freq
                    if isinstance(validation_freq, list | tuple)
                    else ((epoch + 1) % validation_freq == 0)
                )
                if validation is not None and due:
                    held = self._evaluate(validation, validation_steps, told)
                    logs = {**logs, **{f"val_{name}": value for name, value in held.items()}}
                run.ended(logs)
                told.on_epoch_end(epoch, logs)
            told.on_train_end(run.logs)
        return self.history

    def _told(
        self, callbacks, data: Arrays | Stream, verbose, steps: int | None, **more
    ) -> hooks.CallbackList:
        """The callbacks, which know the model and what they will be told about."""
        return hooks.CallbackList(
            callbacks,
            model=self,
            add_progbar=bool(verbose),
            verbose=verbose,
            steps=steps or data.steps,
            batch_size=getattr(data, "batch_size", None),
            samples=getattr(data, "size", None),
            **more,
        )

    def _adapt_validation(self, given, batch_size, steps):
        if given is None:
            return None
        if isinstance(given, list | tuple):
            if len(given) not in (2, 3):
                raise ValueError(
                    f"validation_data is (x, y) or (x, y, sample_weight); got {len(given)} parts"
                )
            return adapt(
                *given[:2], given[2] if len(given) == 3 else None, batch_size=batch_size, steps=steps
            )
        return adapt(given, batch_size=batch_size, steps=steps)

    def _class_weighted(self, y, class_weight, sample_weight):
        """Sample weights that count the class weights in; for several outputs a dict by output name."""
        nested = isinstance(class_weight, dict) and any(
            isinstance(each, dict) for each in class_weight.values()
        )
        if nested or isinstance(class_weight, list | tuple):
            targets = dict(zip(self._output_names() or ["output"], leaves(y), strict=False))
            by_name = class_weight if nested else dict(zip(targets, class_weight, strict=True))
            if isinstance(sample_weight, dict):
                own = [sample_weight.get(name) for name in targets]
            else:
                own = leaves(sample_weight) if sample_weight is not None else [None] * len(targets)
            return [
                self._class_weighted(target, by_name[name], each) if by_name.get(name) else each
                for (name, target), each in zip(targets.items(), own, strict=True)
            ]
        flat = leaves(y)
        if len(flat) != 1:
            raise ValueError("class_weight for several outputs is a dict of dicts, by output name")
        weights = weights_of_classes(flat[0], class_weight)
        if sample_weight is None:
            return weights
        if config.era() == 1:  # as Keras 1 and 2.2: the sample's own weight wins
            return sample_weight
        return weights * np.asarray(sample_weight, "float32")

    def _weigh(self, batch: tuple, class_weight, data) -> tuple:
        """A batch of a stream with the class weights counted in."""
        if class_weight is None or isinstance(data, Arrays):
            return batch
        x, y, sample_weight = batch
        return x, y, self._class_weighted(y, class_weight, sample_weight)

    def _pass_over(
        self, kind: str, data: Arrays | Stream, told, steps: int | None, class_weight=None, run=None
    ) -> dict[str, float]:
        """One pass over the data with the train or test step; returns the logs of its end.

        A `run` is told where it is, and may be past the first step already.
        """
        run = run or Place()
        start = run.step
        runner = self._runner(kind)
        begin, end = getattr(told, f"on_{kind}_batch_begin"), getattr(told, f"on_{kind}_batch_end")
        every = told.wants_every(kind)
        own = _Own(self, run.tally) if every and kind == "train" and config.era() < 3 else None
        seen = own or (_numbers if every else _Seldom())
        logs: dict = run.logs if start else {}
        if isinstance(data, Arrays) and data.resident:
            order = data.next_order(again=start > 0)
            total = data.steps if steps is None else min(steps, data.steps)
            whole = min(data.size // data.batch_size, total)
            device, rows, step = data.on_device(), jnp.asarray(order), start
            while step < total and not (self.stop_training and kind == "train"):
                begin(step)
                if step < whole:
                    most = min(told.stride(kind), whole - step)
                    count, logs = runner.on_rows(device, rows, step, most, data.batch_size)
                else:
                    rest = rows[whole * data.batch_size :]
                    count, logs = runner.on_rows(device, rest, 0, 1, rest.shape[0])
                step += count
                run.moved(step, logs)
                end(step - 1, (seen if own or step < total else _numbers)(logs))
        else:
            if isinstance(data, Stream):
                if not start:
                    data.begin_epoch()
                batches = data.batches(steps, start)
            else:
                batches = data.batches(data.next_order(again=start > 0), start)
            if start and self.stop_training:
                batches = ()
            for step, batch in enumerate(batches, start):
                if isinstance(data, Arrays) and steps is not None and step >= steps:
                    break
                if step:
                    self._ready(batch, training=False)
                begin(step)
                logs = runner.on_batch(self._weigh(batch, class_weight, data))
                run.moved(step + 1, logs)
                end(step, seen(logs))
                if self.stop_training and kind == "train":
                    break
            if isinstance(data, Stream):
                data.end_epoch()
        return self._in_order(own.mean() if own else _numbers(logs))

    def _in_order(self, logs: dict) -> dict:
        """The loss first, then the metrics as `compile` was given them: compiled code returns names sorted."""
        return {name: logs[name] for name in [*self.metrics_names, *logs] if name in logs}

    def _evaluate(self, data: Arrays | Stream, steps: int | None, told) -> dict[str, float]:
        self.reset_metrics()
        told.on_test_begin()
        logs = self._pass_over("test", data, told, steps)
        told.on_test_end(logs)
        return logs

    @shows_accuracy("show_accuracy")
    @border.method("Model.evaluate")
    def evaluate(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight=None,
        steps: int | None = None,
        callbacks: Sequence | None = None,
        return_dict: bool = False,
    ):
        """The loss, and the metrics if there are any, over the data.

        Returns a number, a list in the order of `metrics_names`, or a dict if `return_dict`.
        """
        self._require_compiled("evaluate")
        data = adapt(self._fed(x), y, sample_weight, batch_size, steps)
        self._ready(data.peek() if isinstance(data, Stream) else data.parts, training=False)
        told = self._told(callbacks, data, verbose, steps, epochs=1)
        return self._flat(self._evaluate(data, steps, told), return_dict)

    def _flat(self, logs: dict, return_dict: bool):
        logs = seen(self._as_asked(logs))
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    @border.method("Model.predict")
    def predict(
        self,
        x,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Sequence | None = None,
    ):
        """The outputs for the data, as NumPy arrays."""
        if verbose == 0 and callbacks is None and steps is None and (known := self._knowing(x, batch_size)):
            made = seen(known.on_batch((x, None, None)))
            return np.array(made) if isinstance(made, jax.Array) else jax.tree.map(np.array, made)
        x = self._as_long_as_first(self._fed(x, steps or 1))
        if self._is_empty(x):
            return self._outputs_of_nothing(x)
        data = adapt(x, None, None, batch_size, steps)
        first = data.peek() if isinstance(data, Stream) else data.parts
        self._check_inputs(first[0])
        runner = self._predictor(first[0])
        told = self._told(callbacks, data, verbose, steps, epochs=1)
        told.on_predict_begin()
        several = isinstance(data, Arrays) and data.steps > STACK <= told.stride("predict")
        stack = STACK if several and runner.may_loop(data.rows(slice(0, data.batch_size))) else 1
        made, step = [], 0
        for count, batch in data.stacks(stack, steps):
            told.on_predict_batch_begin(step)
            outputs = runner.on_batch(batch) if count == 1 else _in_a_row(runner.on_stack(batch))
            step += count
            told.on_predict_batch_end(step - 1, {"outputs": outputs})
            made.append(outputs)
        joined = jax.tree.map(lambda *parts: np.concatenate([np.asarray(part) for part in parts]), *made)
        told.on_predict_end()
        if type(x) is np.ndarray:
            runner.known.add((x.shape, x.dtype))
        return seen(joined)

    def _knowing(self, x, batch_size: int | None) -> Runner | None:
        """The runner for one batch, where such an array was predicted before and needs no check."""
        if type(x) is not np.ndarray or not x.ndim or len(x) > (batch_size or 32):
            return None
        runner = vars(self).get("_runners", _NONE).get(("predict", config.learning_phase(), scope.call.watch))
        return runner if runner is not None and (x.shape, x.dtype) in runner.known else None

    def _predictor(self, x) -> Runner:
        """The runner whose steps give the outputs for a batch."""
        if not self.built:
            self._infer_outputs(self._check_inputs(x))
        runners = vars(self).setdefault("_runners", {})
        key = "predict", config.learning_phase(), scope.call.watch
        if key not in runners:
            cells = State([], [*self.variables, random.global_generator().state], [], [])
            runners[key] = Runner(
                pure_step(self._forgetting(self.predict_step), cells), cells, compiled=not self.run_eagerly
            )
        return runners[key]

    # ---- one batch -----------------------------------------------------------------------------

    def _on_batch(
        self, kind: str, batch: tuple, class_weight=None, return_dict: bool = False, reset: bool = True
    ):
        self._require_compiled(f"{kind}_on_batch")
        x, y, sample_weight = adapt(self._fed(batch[0]), *batch[1:]).parts
        if class_weight is not None:
            sample_weight = self._class_weighted(y, class_weight, sample_weight)
        self._ready((x, y, sample_weight), training=kind == "train")
        if reset:
            self.reset_metrics()
        logs = _numbers(self._runner(kind).on_batch((x, y, sample_weight)))
        return self._flat(self._in_order(logs), return_dict)

    @shows_accuracy("accuracy")
    @border.method("Model.train_on_batch")
    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict: bool = False):
        """One step on one batch; returns its loss and metrics as `evaluate` does."""
        return self._on_batch("train", (x, y, sample_weight), class_weight, return_dict)

    @shows_accuracy("accuracy")
    @border.method("Model.test_on_batch")
    def test_on_batch(self, x, y=None, sample_weight=None, return_dict: bool = False):
        """The loss and metrics of one batch."""
        return self._on_batch("test", (x, y, sample_weight), None, return_dict)

    @border.method("Model.predict_on_batch")
    def predict_on_batch(self, x):
        """The outputs for one batch, as NumPy arrays."""
        runner = self._knowing(x, len(x) if hasattr(x, "__len__") else None)
        if runner is None:
            given, x = x, adapt(self._fed(x)).x
            self._check_inputs(x)
            runner = self._predictor(x)
            if type(given) is np.ndarray:
                runner.known.add((given.shape, given.dtype))
        return seen(jax.tree.map(np.asarray, runner.on_batch((x, None, None))))


class _Own:
    """Each batch's own values, and their mean over samples: what callbacks were told in eras 1 and 2."""

    def __init__(self, model: Trainer, tally: dict):
        self.model, self.tally = model, tally
        self.total = tally.setdefault("total", {})

    def __call__(self, logs: dict) -> dict[str, float]:
        rows = float(self.model._loss_tracker.count.value)
        logs = _numbers(logs)
        self.tally["rows"] = self.tally.get("rows", 0.0) + rows
        for name, value in logs.items():
            self.total[name] = self.total.get(name, 0.0) + rows * value
        self.model.reset_metrics()
        return logs

    def mean(self) -> dict[str, float]:
        return {name: value / self.tally["rows"] for name, value in self.total.items()}


class _Seldom:
    """Fetches logs from the device at most ten times a second; in between, what was last seen is enough."""

    def __init__(self):
        self.logs, self.next = {}, 0.0

    def __call__(self, logs: dict) -> dict[str, float]:
        now = time.monotonic()
        if now >= self.next:
            self.logs, self.next = _numbers(logs), now + 0.1
        return self.logs


def _in_a_row(outputs):
    """Outputs of several batches, those lying along a first axis, as outputs of one."""
    return jax.tree.map(lambda each: np.asarray(each).reshape(-1, *each.shape[2:]), outputs)


def _numbers(logs: dict) -> dict[str, float]:
    """Scalars of the device as Python floats, in one transfer; arrays as NumPy."""
    fetched = jax.device_get(logs)
    return {name: float(value) if np.size(value) == 1 else value for name, value in fetched.items()}
