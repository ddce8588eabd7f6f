"""A run of `fit`: where it is, and all that decides how it goes on, to be taken and given back."""

import random as python_random
from typing import Any

import jax
import numpy as np

from . import notes
from .data import Arrays, Stream

LAYOUT = 1  # of what `take` returns


class Place:
    """Where a pass over data is.

    Attributes:
        step: the batch that comes next.
        logs: of the last batch.
        tally: what is summed over the batches so far, in eras 1 and 2.
    """

    def __init__(self):
        self.step = 0
        self.logs: dict[str, Any] = {}
        self.tally: dict[str, Any] = {}

    def moved(self, step: int, logs: dict) -> None:
        """So many batches are done."""
        self.step, self.logs = step, logs


class Run(Place):
    """Where a run of `fit` is, and what it consists of.

    The callbacks know it for the length of a `with`.

    Args:
        model: compiled, and built.
        data: what it is trained on, and what it is validated on or None.
        told: the callbacks.
        epoch: the one to begin with.
        first: a batch like those to come.

    Attributes:
        epoch: what comes next, with `step`: where that is above 0, this epoch has begun.
        through: whether the batches of this epoch are, and only its validation is to come.
    """

    def __init__(self, model, data: tuple[Arrays | Stream, Arrays | Stream | None], told, epoch: int, first):
        super().__init__()
        self.model, self.told, self.epoch, self.first = model, told, epoch, first
        self.through = False
        self.held: dict[str, Any] = {}  # where data was before the validation
        self.data = {name: each for name, each in zip(("x", "validation_data"), data, strict=True) if each}

    def __enter__(self) -> "Run":
        self.told.set_run(self)
        return self

    def __exit__(self, *error) -> None:
        self.told.set_run(None)  # callbacks outlive it, and the data should not

    @property
    def place(self) -> tuple[int, int]:
        return self.epoch, self.step

    def goes_on(self, epochs: int) -> bool:
        """Whether there is something left to do: an epoch that has begun comes to its end."""
        return self.epoch < epochs and (self.step > 0 or not self.model.stop_training)

    def passed(self, logs: dict) -> None:
        """The batches of this epoch are through."""
        self.through, self.logs = True, logs
        self.held = {name: each.place() for name, each in self.data.items() if name != "x"}

    def ended(self, logs: dict) -> None:
        """This epoch is over."""
        self.epoch, self.step, self.logs, self.tally = self.epoch + 1, 0, logs, {}
        self.through, self.held = False, {}

    def unsure(self) -> str | None:
        """Which data cannot be put where it was, in words; None where all can."""
        return "; ".join(f"{name}: {each.unsure}" for name, each in self.data.items() if each.unsure) or None

    # ---- taken, and given back -----------------------------------------------------------------

    def cells(self) -> list:
        """Every cell that may change while the model trains, those last that a step was found to read."""
        model = self.model
        runner = model._runner("train")
        return list(dict.fromkeys([*model._state_cells(), *model.optimizer.variables, *runner.cells.flat]))

    def take(self) -> dict[str, Any]:
        """All that decides how the run goes on, as plain data and arrays."""
        return {
            "layout": LAYOUT,
            "epoch": self.epoch,
            "step": self.step,
            "through": self.through,
            "logs": jax.device_get(self.logs),
            "tally": self.tally,
            "stop_training": self.model.stop_training,
            "cells": jax.device_get([cell._value for cell in self.cells()]),
            "random": {"python": python_random.getstate(), "numpy": np.random.get_state(legacy=False)},
            "data": {name: each.place() for name, each in self.data.items()} | self.held,
            "callbacks": [(type(each).__name__, notes.read(each)) for each in self.told],
        }

    def give(self, taken: dict[str, Any], origin: str) -> None:
        """Go on from what `take` returned.

        Args:
            taken: that.
            origin: the file it comes from, for messages.

        Raises ValueError, before anything changes, where it is of another model or of other data.
        """
        if taken["layout"] != LAYOUT:
            raise ValueError(f"{origin} was written by another version of this library")
        cells = self._fitting(taken["cells"], origin)
        problem = self.data["x"].misfit(taken["data"]["x"], within=taken["step"] > 0)
        if problem:
            raise ValueError(f"{origin} does not fit the data: {problem}. {_WAY_OUT}")
        self.epoch = taken["epoch"]
        if taken["step"]:  # what callbacks do when an epoch begins was done; some have to be ready, though
            self.told.on_epoch_begin(self.epoch)
        for cell, value in zip(cells, taken["cells"], strict=True):
            cell.assign(value)
        self.step, self.through = taken["step"], taken["through"]
        self.logs, self.tally = taken["logs"], taken["tally"]
        self.model.stop_training = taken["stop_training"]
        known: dict[str, list] = {}
        for kind, state in taken["callbacks"]:
            known.setdefault(kind, []).append(state)
        for callback in self.told:
            if known.get(type(callback).__name__):
                notes.write(callback, known[type(callback).__name__].pop(0))
        for name, each in self.data.items():
            place = taken["data"].get(name)
            if place is not None and not each.misfit(place, within=False):
                each.put(place)
        python_random.setstate(taken["random"]["python"])
        np.random.set_state(taken["random"]["numpy"])

    def _fitting(self, values: list, origin: str) -> list:
        """The cells that the values belong to."""
        cells = self.cells()
        if len(cells) < len(values):  # a step may read cells that only its trace finds
            runner = self.model._runner("train")
            jax.eval_shape(runner.step, runner._read(), self.first)
            runner._adopt()
            cells = self.cells()
        if len(cells) != len(values):
            raise ValueError(
                f"{origin} is of another model: it has {len(values)} arrays, {self.model.name} has {len(cells)}. "
                + _WAY_OUT
            )
        for cell, value in zip(cells, values, strict=True):
            if (cell.shape, cell.dtype) != (value.shape, value.dtype.name):
                raise ValueError(
                    f"{origin} is of another model: {cell.path} has shape {cell.shape} and type {cell.dtype}, "
                    f"there it has {value.shape} and {value.dtype.name}. {_WAY_OUT}"
                )
        return cells


_WAY_OUT = "Build the model and the data as they were, or take the file away to begin anew."
