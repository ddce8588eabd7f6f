"""Layers around a layer."""

from collections.abc import Sequence

import jax

from .. import config, initializers, registry, scope
from ..ops import nn
from ..ops import numpy as ops
from ..ops.wrap import op
from .arguments import build_for, positive
from .layer import Layer
from .spec import InputSpec


def revive_layer(config: dict, *names: str) -> dict:
    """A configuration with layers in place of their descriptions, those of Keras 1 and 2 included."""
    found = {
        name: registry.deserialize(config[name], "layers")
        for name in names
        if isinstance(config.get(name), dict)
    }
    return {**config, **found}


@registry.member("layers")
class Wrapper(Layer):
    """Holds a layer and builds it; a base for layers that change what another does.

    Args:
        layer: the layer.
    """

    def __init__(self, layer: Layer, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__}: `layer` is a layer; got {layer!r}")
        self.layer = layer

    def build(self, input_shape=None):
        build_for(self.layer, input_shape)

    @classmethod
    def from_config(cls, config: dict) -> "Wrapper":
        return super().from_config(revive_layer(config, "layer"))


@registry.member("layers")
class TimeDistributed(Wrapper):
    """A layer applied to each time step of `(batch, time, ...)` by itself.

    Time is folded into the batch for the layer's call, so all steps are computed at once.

    Args:
        layer: the layer; it sees `(batch * time, ...)`.

    Example:
        >>> TimeDistributed(Dense(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    supports_masking = True

    def __init__(self, layer: Layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.input_spec = InputSpec(min_ndim=3)

    def build(self, input_shape):
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs, mask=None, training=False):
        kwargs = {} if mask is None or mask.ndim < 3 else {"mask": _fold(mask)}
        inner = self.layer(_fold(inputs), **kwargs)
        unfold = lambda x: ops.reshape(x, (*inputs.shape[:2], *x.shape[1:]))  # noqa: E731
        outputs = jax.tree.map(unfold, inner)
        if self._era == 2:  # what the layer made of the mask at each time step
            for each, whole in zip(jax.tree.leaves(inner), jax.tree.leaves(outputs), strict=True):
                scope.set_mask(whole, _of_steps(scope.mask_of(each), mask, inputs.shape[:2]))
        return outputs

    def _pass_mask(self, inputs, outputs, mask, wanted) -> None:
        if self._era != 2:
            super()._pass_mask(inputs, outputs, mask, wanted)

    def compute_mask(self, inputs, previous_mask=None):
        """The mask that came in; in era 2 what the layer makes of it at each time step."""
        return previous_mask if self._era != 2 else _mask_by_step(inputs, previous_mask, self.layer)


def _fold(x):
    """Time folded into the batch."""
    return ops.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))


def _of_steps(inner, outer, steps: tuple[int, int]):
    """The mask `(batch, time, ...)` of what a layer made of each step; where it made none, that of the steps."""
    if inner is not None:
        return ops.reshape(inner, (*steps, *inner.shape[1:]))
    return None if outer is None else ops.any(outer, axis=tuple(range(2, outer.ndim)))


@op
def _mask_by_step(inputs, mask, layer: Layer):
    inner = layer.compute_mask(_fold(inputs), None if mask is None else _fold(mask))
    return _of_steps(inner, mask, inputs.shape[:2])


MERGES = {  # how `Bidirectional` joins what both directions give
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "mul": lambda forward, backward: forward * backward,
    None: lambda forward, backward: (forward, backward),
}


@registry.member("layers")
class Bidirectional(Layer):
    """A recurrent layer run in both directions of time (Schuster & Paliwal, 1997).

    Args:
        layer: the recurrent layer; copies of it with new weights run forwards and backwards.
        merge_mode: 'concat', 'sum', 'ave', 'mul', or None for both outputs apart.
        weights: list of arrays to begin with, those of the forward layer first.
        backward_layer: another layer for the backward direction, with `go_backwards=True`.

    Example:
        >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 8)
    """

    supports_masking = True

    def __init__(
        self, layer: Layer, merge_mode: str | None = "concat", weights: Sequence | None = None,
        backward_layer: Layer | None = None, **kwargs,
    ):  # fmt: skip
        super().__init__(weights=weights, **kwargs)
        for name in ("return_sequences", "return_state", "go_backwards", "stateful"):
            if not hasattr(layer, name):
                raise ValueError(f"Bidirectional: `layer` is a recurrent layer; {layer!r} has no `{name}`")
        if merge_mode not in MERGES:
            raise ValueError(
                f"Bidirectional: `merge_mode` is one of {', '.join(map(repr, MERGES))}; got {merge_mode!r}"
            )
        self.merge_mode = merge_mode
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = backward_layer or _copy(layer, "backward_", go_backwards=not layer.go_backwards)
        for name in ("return_sequences", "return_state", "stateful"):
            ways = getattr(self.forward_layer, name), getattr(self.backward_layer, name)
            if ways[0] != ways[1]:
                raise ValueError(f"Bidirectional: `{name}` differs: {ways[0]} forwards, {ways[1]} backwards")
        if self.forward_layer.go_backwards == self.backward_layer.go_backwards:
            raise ValueError("Bidirectional: one of both layers needs `go_backwards=True`, the other False")
        if config.era() == 3 and self.return_sequences:  # as the fused kernels of that time had it
            self.forward_layer.zero_output_for_mask = self.backward_layer.zero_output_for_mask = True

    layer = property(lambda self: self.forward_layer)
    return_sequences = property(lambda self: self.forward_layer.return_sequences)
    return_state = property(lambda self: self.forward_layer.return_state)
    stateful = property(lambda self: self.forward_layer.stateful)
    go_backwards = property(lambda self: self.forward_layer.go_backwards)

    def build(self, sequences_shape, initial_state_shape=None, constants_shape=None):
        count = getattr(self.forward_layer, "_num_constants", None)
        if isinstance(sequences_shape, list) and count:
            constants_shape = constants_shape or sequences_shape[-count:]
        shape = sequences_shape[0] if isinstance(sequences_shape, list) else sequences_shape
        for layer in (self.forward_layer, self.backward_layer):
            if constants_shape and not layer.built:
                layer.build(tuple(shape), None, constants_shape)
            build_for(layer, tuple(shape))

    def call(self, sequences, initial_state=None, mask=None, training=False, constants=None):
        if constants is not None and not isinstance(constants, list | tuple):
            constants = [constants]
        if isinstance(sequences, list | tuple):
            count = len(sequences) - (
                0 if constants else getattr(self.forward_layer, "_num_constants", None) or 0
            )
            constants = constants or list(sequences[count:]) or None
            sequences, initial_state = sequences[0], list(sequences[1:count]) or initial_state
            mask = mask[0] if isinstance(mask, list | tuple) else mask
        states = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [initial_state[:half], initial_state[half:]]
        given = {"constants": constants} if constants else {}
        forward, backward = (
            layer(sequences, initial_state=state, mask=mask, **given)
            for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True)
        )
        kept = ()
        if self.return_state:
            kept = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = ops.flip(backward, axis=1)
        merged = MERGES[self.merge_mode](forward, backward)
        if not kept:
            return merged
        return (*merged, *kept) if self.merge_mode is None else (merged, *kept)

    def compute_mask(self, inputs, previous_mask=None):
        mask = previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask
        mask = mask if self.return_sequences else None
        outputs = [mask] * (2 if self.merge_mode is None else 1)
        states = [None] * (2 * len(self.forward_layer.state_size) if self.return_state else 0)
        return [*outputs, *states] if len(outputs) + len(states) > 1 else mask

    def reset_state(self) -> None:
        """Set the states of both directions to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict:
        made = super().get_config()
        made["layer"] = registry.serialize(self.forward_layer)
        made["backward_layer"] = registry.serialize(self.backward_layer)
        return made

    @classmethod
    def from_config(cls, config: dict) -> "Bidirectional":
        return super().from_config(revive_layer(config, "layer", "backward_layer"))


def _copy(layer: Layer, prefix: str, **changes) -> Layer:
    """A new layer made from the configuration of another, without its weights."""
    name = prefix + layer.name.removeprefix(prefix)
    return type(layer).from_config({**layer.get_config(), **changes, "name": name})


@registry.member("layers")
class SpectralNormalization(Wrapper):
    """While training, divides the layer's kernel by its largest singular value (Miyato et al., 2018).

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: int, steps of the power method at each call.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs):
        super().__init__(layer, **kwargs)
        self.power_iterations = positive(power_iterations, "SpectralNormalization: `power_iterations`")

    def build(self, input_shape):
        super().build(input_shape)
        found = [name for name in ("kernel", "embeddings") if hasattr(self.layer, name)]
        if not found:
            raise ValueError(
                f"SpectralNormalization: {self.layer.name} has neither `kernel` nor `embeddings`"
            )
        self.kernel = getattr(self.layer, found[0])
        start = initializers.TruncatedNormal(stddev=0.02)
        self.vector_u = self.add_weight((1, self.kernel.shape[-1]), start, trainable=False, name="vector_u")

    def call(self, inputs, training=False):
        if training:
            u, kernel = spectrally_normalized(self.kernel.value, self.vector_u.value, self.power_iterations)
            self.vector_u.assign(u)
            self.kernel.assign(kernel)
        return self.layer(inputs)


def spectrally_normalized(kernel, u, iterations: int):
    """The next left vector of the power method, and `kernel` over the singular value that it leads to."""
    matrix, start = ops.reshape(kernel, (-1, kernel.shape[-1])), u
    unit = lambda x: nn.normalize(x, axis=(0, 1))  # noqa: E731
    for _ in range(iterations):
        v = unit(u @ matrix.T)
        u = unit(v @ matrix)
    u, v = jax.lax.stop_gradient(u), jax.lax.stop_gradient(v)
    scaled = kernel / (v @ matrix @ u.T).reshape(())
    blank = ops.all(kernel == 0)
    return ops.where(blank, start, u), ops.where(blank, kernel, scaled)
