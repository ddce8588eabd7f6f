"""What `compile` makes of a model: losses, metrics, an optimizer, and the steps that use them."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import config, random, registry, scope, symbol
from ..eras import border
from ..metrics.metric import Mean, Metric
from ..optimizers.loss_scale import LossScaleOptimizer
from ..symbol import Symbol
from .data import leaves
from .losses import BY_SHAPE, SPARSE, CompiledLoss, CompiledMetrics, name_of, per_output
from .step import Runner, State, minimize, pure_step, stateful_step


class _LossMean(Mean):
    """The mean of a loss."""


class Compilable:
    """A model's losses, metrics and optimizer, and the steps they make together."""

    optimizer = None
    compiled = False
    loss: Any = None
    stop_training = False
    history = None
    run_eagerly = False
    jit_compile = True
    _compiled_loss: CompiledLoss | None = None
    _compiled_metrics: CompiledMetrics | None = None
    _loss_tracker: Metric | None = None
    _expected: Sequence[Metric] = ()  # before the first batch: like the metrics that it will make
    _compile_arguments: dict[str, Any] | None = None
    _trained: list | None = None  # the cells that `fit` changes, as they stood at `compile`

    # ---- compile -------------------------------------------------------------------------------

    @border.method("Model.compile")
    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        sample_weight_mode=None,
    ) -> None:
        """Say how the model is trained. The weights that are trainable now are those that `fit` changes.

        Args:
            optimizer: name, configuration or object.
            loss: name, function, object, or a list or dict of them by output.
            loss_weights: a number an output, as list or dict.
            metrics, weighted_metrics: names, functions or objects, as a list, or a list or dict by output.
            run_eagerly: run the Python code of every step instead of compiling it once.
            steps_per_execution: accepted; how many steps one dispatch runs is chosen while running.
            jit_compile: False is the same as run_eagerly=True.
            auto_scale_loss: with float16, scale the loss so that small gradients survive.
            sample_weight_mode: None or 'temporal', or a list or dict of these by output; weights a time step are
                recognised by their shape.

        Raises ValueError for unknown names, before anything changes.
        """
        given = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        chosen = registry.get("optimizers", optimizer)
        if chosen is None:
            raise ValueError("compile: the optimizer is None")
        names = self._output_names()
        for family, named in (("losses", loss), ("metrics", (metrics, weighted_metrics))):
            for each in jax.tree.leaves(named):
                if not (family == "metrics" and isinstance(each, str) and each in BY_SHAPE):
                    registry.get(family, each)
        modes = [sample_weight_mode]
        if isinstance(sample_weight_mode, list | tuple | dict):
            modes = per_output(sample_weight_mode, names or list(sample_weight_mode), "sample_weight_mode")
        for mode in modes:
            if mode not in (None, "temporal"):
                raise ValueError(f"compile: sample_weight_mode is None or 'temporal'; got {mode!r}")
        if names:
            compiled_loss = CompiledLoss(loss, loss_weights, names) if loss is not None else None
            CompiledMetrics([(metrics, False), (weighted_metrics, True)], compiled_loss, names)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
            if not isinstance(chosen, LossScaleOptimizer):
                chosen = LossScaleOptimizer(chosen)
        self.optimizer, self.loss = chosen, loss
        self.run_eagerly = bool(run_eagerly) or jit_compile is False
        self._compile_arguments = given
        self._compile_era = config.era()
        self._loss_tracker = _LossMean(name="loss")
        self._compiled_loss = self._compiled_metrics = None
        self._runners: dict[tuple, Runner] = {}  # by kind of step, learning phase and who watches
        self._trained = self.trainable_variables if self.built and self.variables else None
        self._part_trackers: dict[str, Metric] = {}
        self.compiled, self.stop_training = True, False
        self._expected = self._foreseen()

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was given, as plain data; the optimizer with its present settings."""
        return registry.serialize({**self._compile_arguments, "optimizer": self.optimizer})

    def training_config(self) -> dict[str, Any]:
        """The same as the older HDF5 format keeps it."""
        made = self.get_compile_config()
        optimizer = made.pop("optimizer")
        return {**made, "optimizer_config": {name: optimizer[name] for name in ("class_name", "config")}}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` of any era said."""
        given = dict(config)
        if "optimizer_config" in given:
            given["optimizer"] = given.pop("optimizer_config")
        given.pop("sample_weight_mode", None)
        given = {name: registry.revive(value) for name, value in given.items() if value is not None}
        if isinstance(given.get("optimizer"), dict):
            given["optimizer"] = registry.get("optimizers", given["optimizer"])
        named = lambda x: (registry.get_registered_object(x) or x) if isinstance(x, str) else x  # noqa: E731
        for name in {"loss", "metrics", "weighted_metrics"} & given.keys():  # a program's own: known by now
            given[name] = jax.tree.map(named, given[name])
        self.compile(**given)

    def _output_names(self, y_pred=None) -> list[str]:
        """Names of the outputs; for a model without a graph they are known with its first output."""
        names = getattr(self, "output_names", None)
        if names:
            return list(names)
        if isinstance(y_pred, dict):
            return sorted(y_pred)
        return [f"output_{i + 1}" for i in range(len(leaves(y_pred)))] if y_pred is not None else []

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns numbers for, in that order."""
        return list(self._named_metrics())

    @property
    def metrics(self) -> list[Metric]:
        """The metric objects: the mean loss, those given to `compile`, and those the model holds.

        In eras 1 and 2 the means of losses are not among them.
        """
        if self._era == 3:
            return self._all_meters()
        return [metric for metric in self._all_meters() if not isinstance(metric, _LossMean)]

    @property
    def _meters(self) -> list[Metric]:
        """What is counted in a step: all there is, or what a model's own `metrics` says."""
        own = type(self).metrics is not Compilable.metrics
        return self.metrics if own else self._all_meters()

    def _all_meters(self) -> list[Metric]:
        compiled = [*self._part_trackers.values()] if self._loss_tracker else []
        compiled += self._compiled_metrics.metrics if self._compiled_metrics else self._expected
        # a nested model's metrics count what it was trained on by itself
        mine = [each for each in self._flatten_layers() if each is self or not isinstance(each, Compilable)]
        held = [metric for layer in mine for _, metric in layer.held(Metric)]
        own = [self._loss_tracker] if self._loss_tracker else []
        return list(dict.fromkeys([*own, *compiled, *(m for m in held if m is not self._loss_tracker)]))

    def _foreseen(self) -> list[Metric]:
        """Metrics like those that the first batch will make, which programs of eras 1 and 2 ask for before it."""
        outputs, given = getattr(self, "outputs", None), self._compile_arguments
        if not outputs or self._compile_era == 3:
            return []
        with config.era_scope(self._compile_era):
            names = self._output_names()
            loss = CompiledLoss(given["loss"], given["loss_weights"], names) if given["loss"] else None
            metrics = CompiledMetrics(
                [(given["metrics"], False), (given["weighted_metrics"], True)], loss, names
            )
            sparse = [fn is not None and name_of(fn) == SPARSE for fn in loss.fns] if loss else []
            targets = [
                Symbol((*output.shape[:-1], 1)) if few else output
                for output, few in itertools.zip_longest(outputs, sparse)
            ]
            if loss and not all(loss.asked):
                targets = [each for each, asked in zip(targets, loss.asked, strict=True) if asked]
            metrics.build(targets, outputs)
        return [*self._trackers(loss).values(), *metrics.metrics]

    @staticmethod
    def _trackers(loss: CompiledLoss | None) -> dict[str, Metric]:
        """A mean of each output's loss, where there are several."""
        named = (
            [name for name, fn in zip(loss.names, loss.fns, strict=True) if fn is not None] if loss else []
        )
        return {name: _LossMean(name=f"{name}_loss") for name in named} if len(named) > 1 else {}

    def reset_metrics(self) -> None:
        """Start counting anew."""
        for metric in self._meters:
            metric.reset_state()

    def _named_metrics(self) -> dict[str, Metric]:
        found: dict[str, Metric] = {}
        for metric in self._meters:
            name, number = metric.name, 1
            while name in found:
                name, number = f"{metric.name}_{number}", number + 1
            found[name] = metric
        return found

    def get_metrics_result(self) -> dict[str, Any]:
        """What the metrics say so far, by name."""
        result: dict[str, Any] = {}
        for name, metric in self._named_metrics().items():
            value = metric.result()
            result.update(value if isinstance(value, dict) else {name: value})
        return result

    # ---- what a user may override --------------------------------------------------------------

    def train_step(self, data) -> dict[str, Any]:
        """One step on a batch `(x, y, sample_weight)`; returns what to log.

        A model's own version may call `self.minimize(objective)`, or have the parameters `(state, data)`, where
        state is the tuple of trainable, non-trainable, optimizer and metric values, and return `(logs, state)`.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)

        def objective():
            with self._at_hand({}, True) as (values, training):
                y_pred = self(x, training=training)
                given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
                return self.compute_loss(**given, training=training), (y_pred, values)

        loss, (y_pred, values) = self.minimize(objective)
        self._loss_tracker.update_state(loss, sample_weight=_rows(x))
        with self._at_hand(values, True):
            return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data) -> dict[str, Any]:
        """One step of `evaluate` on a batch `(x, y, sample_weight)`; returns what to log."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with self._at_hand({}, False) as (_, training):
            y_pred = self(x, training=training)
            given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
            loss = self.compute_loss(**given, training=training)
            self._loss_tracker.update_state(loss, sample_weight=_rows(x))
            return self.compute_metrics(x, y, y_pred, sample_weight)

    @contextlib.contextmanager
    def _at_hand(self, values: dict, training: bool) -> Iterator[tuple[dict, bool]]:
        """Let losses and metrics use symbols of the model's graph: `values`, which a call of the model fills.

        In eras 1 and 2 the learning phase holds for them too; yields the values and that phase.
        """
        phase = config.learning_phase()
        training = training if phase is None else bool(phase)
        nodes = getattr(self, "nodes", None)
        of_era = training if self._compile_era < 3 else None
        with scope.entered(values=(values,), kept=values, nodes=nodes, training=of_era):
            yield values, training

    def predict_step(self, data):
        """The outputs for a batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=bool(config.learning_phase()))

    def minimize(self, objective: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
        """Change the trained weights so that `objective() -> (loss, aux)` becomes smaller; returns both."""
        trained = self._trained
        others = [cell for cell in self._state_cells() if cell not in set(trained)]
        scale = getattr(self.optimizer, "scale_loss", lambda loss: loss)

        def scaled():
            loss, aux = objective()
            return scale(loss), (loss, aux)

        gradients, _, (loss, aux) = minimize(scaled, trained, others)
        self.optimizer.apply(gradients, trained)
        return loss, aux

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training: bool = True):
        """The scalar that `fit` minimises: losses of the outputs, `add_loss`, penalties of the weights."""
        total = jnp.zeros(())
        if self._compiled_loss is not None:
            total, parts = self._compiled_loss(y, y_pred, sample_weight)
            for name, value in parts.items():
                if name in self._part_trackers:
                    self._part_trackers[name].update_state(value, sample_weight=_rows(x))
        added = self.losses
        if self._compiled_loss is None and not added:
            raise ValueError(
                f"{self.name} has nothing to minimise: give `compile` a loss, or call `add_loss`"
            )
        for value in added:
            total = total + jnp.sum(jnp.asarray(value, total.dtype)) / max(1, np.size(value))
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict[str, Any]:
        """Count a batch into the metrics and return what they say."""
        self._count_added()
        if self._compiled_metrics is not None:
            self._compiled_metrics.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # ---- getting ready -------------------------------------------------------------------------

    def _state_cells(self) -> list:
        """Every cell that a step may write: of the model and of its metrics."""
        found = dict.fromkeys([*self.variables, random.global_generator().state])
        for metric in self._meters:
            found.update(dict.fromkeys(metric.variables))
        return list(found)

    def _parts(self) -> State:
        """The cells of the model in the four groups of a step's state."""
        trained = self._trained or []
        known = set(trained)
        slots = self.optimizer.variables if self.optimizer is not None else []
        meters = list(dict.fromkeys(cell for metric in self._meters for cell in metric.variables))
        known |= set(meters)
        rest = [*self.variables, *getattr(self.optimizer, "settings", ())]
        return State(list(trained), [cell for cell in rest if cell not in known], list(slots), meters)

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise RuntimeError(f"{method}() needs a compiled model: call `compile(optimizer, loss)` first")

    def _ready(self, batch: tuple, training: bool) -> None:
        """Build what is not built yet, and compare one batch with the model, before any weight changes."""
        x, y, sample_weight = batch
        x = self._check_inputs(x)
        if not (self.built and self._compiled_metrics is not None):
            y_pred = self._infer_outputs(x)
            names = self._output_names(y_pred)
            given = self._compile_arguments
            with config.era_scope(self._compile_era):
                if given["loss"] is not None:
                    self._compiled_loss = CompiledLoss(given["loss"], given["loss_weights"], names)
                pairs = [(given["metrics"], False), (given["weighted_metrics"], True)]
                self._compiled_metrics = CompiledMetrics(pairs, self._compiled_loss, names)
                self._expected = []
                if (
                    y is None
                    and self._compiled_loss is not None
                    and type(self).compute_loss is Compilable.compute_loss
                ):
                    self._compiled_metrics, loss = None, self._compiled_loss
                    raise ValueError(
                        f"{self.name} is compiled with a loss for {', '.join(loss.names)}: give targets"
                    )
                if self._compiled_loss is not None:
                    self._check_targets(y, y_pred)
                if y is not None:
                    self._compiled_metrics.build(y, y_pred)
                self._part_trackers = self._trackers(self._compiled_loss)
            self._y_pred = y_pred
        elif self._compiled_loss is not None:
            self._check_targets(y, self._y_pred)
        if self._trained is None:
            self._trained = self.trainable_variables
        if training:
            self._tell_stale()
            self.optimizer.build(self._trained)

    def _check_targets(self, y, y_pred) -> None:
        if type(self).compute_loss is Compilable.compute_loss and "train_step" not in vars(type(self)):
            try:
                self._compiled_loss.check(y, y_pred)
            except ValueError:
                if self._trained is None or not self.optimizer.built:
                    self._compiled_metrics = None  # so that the next call starts afresh
                raise

    def _check_inputs(self, x):
        """Inputs as the model takes them; a graph model compares them with its `Input`s."""
        return x

    def _infer_outputs(self, x):
        """The outputs for such inputs, as symbols; builds the model on the way."""
        stand_in = jax.tree.map(lambda leaf: Symbol((None, *leaf.shape[1:]), leaf.dtype), x)
        if not self.built:
            self._build_from(stand_in)
        return symbol.infer(lambda inputs: self(inputs, training=False), stand_in)

    def _runner(self, kind: str) -> Runner:
        """The runner of 'train' or 'test' steps."""
        key = kind, config.learning_phase(), scope.call.watch
        if key not in self._runners:
            method = getattr(self, f"{kind}_step")
            names = list(border.parameters(method))
            own = method.__func__ is getattr(Compilable, f"{kind}_step")
            cells = self._parts()
            if names[:2] == ["state", "data"]:
                step = stateful_step(method)
            else:
                cells.state.append(random.global_generator().state)
                step = pure_step(self._forgetting(method), cells)
            self._runners[key] = Runner(
                step, cells, self.get_metrics_result if own else None, compiled=not self.run_eagerly
            )
        return self._runners[key]

    def _forgetting(self, method: Callable) -> Callable:
        """The step, with the losses that its trace left in the layers cleared."""

        @functools.wraps(method)
        def step(batch):
            try:
                return method(batch)
            finally:
                self.clear_losses()

        return step


def _rows(x):
    """How many samples a batch has, as a weight for means over batches."""
    first = jax.tree.leaves(x)
    return float(first[0].shape[0]) if first else 1.0


def unpack_x_y_sample_weight(data) -> tuple:
    """`(x, y, sample_weight)` of a batch, None where there is none."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """A batch as `fit` hands it to `train_step`."""
    return x if y is None else (x, y) if sample_weight is None else (x, y, sample_weight)
