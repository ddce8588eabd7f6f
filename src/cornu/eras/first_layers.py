"""Layers as programs wrote them up to Keras 0.3: `get_output(train)` asks for the input, `build` is told nothing."""

import inspect
from collections.abc import Callable
from typing import Any

from .. import config, scope


class FirstLayer:
    """The words that layers had up to Keras 0.3."""

    _came: tuple = ()  # what `call` was given, and its mask, for as long as it runs
    _came_shape: tuple | None = None  # the input's shape, told to `build`

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if config.era() > 1 or cls.__module__.startswith("cornu."):
            return
        if "get_output" in own and "call" not in own:
            cls.call, cls.input, cls.input_shape = _call, _INPUT, _INPUT_SHAPE
            cls.params, cls.constraints = _PARAMS, _constraints_of(cls)
            cls.build = _told(own.get("build"), cls)
            if "supports_masked_input" in own:
                cls.supports_masking = property(lambda self: bool(self.supports_masked_input()))
            if "get_output_mask" in own:
                cls.compute_mask = _compute_mask

    def get_input(self, train: bool = False):
        """What comes in: in `get_output` the values, else the symbol."""
        return self._came[0] if self._came else self.input

    def get_input_mask(self, train: bool = False):
        """The mask of what comes in, or None."""
        return self._came[1] if self._came else self.get_input_mask_at(0)

    def get_output_mask(self, train: bool = False):
        """The mask of what comes out, or None."""
        return self._came[1] if self._came and self.supports_masking else None

    def get_output(self, train: bool = False):
        """What comes out: in a class's own `get_output` that of the class above, else the symbol, of testing.

        Raises NotImplementedError for the symbol of training.
        """
        if self._came:
            above = next(each for each in type(self).__mro__ if vars(each).get("call", _call) is not _call)
            given = (
                {"training": bool(train)} if "training" in inspect.signature(above.call).parameters else {}
            )
            return above.call(self, self._came[0], **given)
        if train:
            raise NotImplementedError(
                f"{self.name}.get_output(train=True): take `output`, and feed K.learning_phase() to the K.function"
            )
        return self.output


def _call(self, x, mask=None, training=None):
    """What `get_output` makes of `x`."""
    return _within(self, (x, mask), self.get_output)


def _compute_mask(self, inputs, previous_mask=None):
    """What `get_output_mask` says for the inputs."""
    return _within(self, (inputs, previous_mask), self.get_output_mask)


def _within(layer, came: tuple, method: Callable[[bool], Any]):
    before, layer._came = layer._came, came
    try:
        return method(bool(scope.call.training))
    finally:
        layer._came = before


def _told(build: Callable | None, cls: type) -> Callable:
    """A `build` that keeps the input's shape, and hands it on where it is wanted."""
    alone = build is not None and len(inspect.signature(build).parameters) == 1

    def told(self, input_shape=None):
        if input_shape is not None:
            self._came_shape = tuple(input_shape)
        if build is None:
            super(cls, self).build(input_shape)
        else:
            build(self) if alone else build(self, input_shape)

    return told


def _above(cls: type, name: str, own=None) -> property:
    """The property of that name of the nearest class, other than `own`."""
    return next(found for each in cls.__mro__ if (found := vars(each).get(name)) not in (None, own))


def _shape(self):
    """The shape that came to `build`, and before that what any layer says."""
    return self._came_shape or _above(type(self), "input_shape", _INPUT_SHAPE).fget(self)


def _constraints_of(cls: type) -> property:
    """`constraints`, also as a list beside `params`."""
    above = _above(cls, "constraints")

    def put(self, constraints):
        if isinstance(constraints, list | tuple):
            constraints = dict(zip(self.trainable_weights, constraints, strict=False))
        above.fset(self, {cell: each for cell, each in constraints.items() if each is not None})

    return property(above.fget, put)


_INPUT = property(  # set by constructors of that time, to what nobody needs
    lambda self: _above(type(self), "input", _INPUT).fget(self), lambda self, value: None
)
_INPUT_SHAPE = property(_shape)
_PARAMS = property(
    lambda self: self.trainable_weights, lambda self, cells: setattr(self, "trainable_weights", cells)
)
