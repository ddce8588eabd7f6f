"""`Graph`, the model of Keras 0 with several inputs and outputs, all of them by name."""

import collections
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .. import registry
from ..layers.core import Input
from ..layers.layer import Layer
from ..model import Model
from ..sequential import Sequential
from ..symbol import Symbol
from ..training.data import Stream
from .graph0 import Merge

__all__ = ["Graph", "Sequential"]

FLOATS = {"float": None, "int": "int32"}  # how types were written


def _merged(names: Sequence[str], symbols: Sequence[Symbol], given: Mapping):
    """What several nodes come to: as `Merge` makes it, or for 'join' all of them by name."""
    if given["merge_mode"] == "join":
        return collections.OrderedDict(zip(names, symbols, strict=True))
    options = {"mode": given["merge_mode"], **{name: given[name] for name in ("concat_axis", "dot_axes")}}
    return Merge(**options)(list(symbols))


@registry.member("models")
class Graph(Model):
    """A model that is put together by name: inputs, nodes that read them or other nodes, and outputs.

    Data are dicts that have every input and, to train on, every output by its name; so are predictions.

    Args:
        name: unique word for messages and files.

    Example:
        >>> graph = Graph()
        >>> graph.add_input("x", input_shape=(4,))
        >>> graph.add_node(Dense(3), "hidden", input="x")
        >>> graph.add_output("y", input="hidden")
        >>> graph.predict({"x": np.ones((2, 4))}, verbose=0)["y"].shape
        (2, 3)
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self._calls: list[tuple[str, dict]] = []  # what was added, for `get_config`
        self._made: dict[str, Symbol] = {}
        self._into: dict[str, Symbol] = {}
        self._out_of: dict[str, Symbol] = {}

    unseen = (*Model.unseen, "_calls", "_made", "_into", "_out_of")

    # ---- putting it together ---------------------------------------------------------------------

    def _find(self, name: str) -> Symbol:
        if name not in self._made:
            raise ValueError(f"{self.name} has no node {name!r}.{registry.nearest(name, self._made)}")
        return self._made[name]

    def _read(self, input: str | None, inputs: Sequence[str] | None, merged: Mapping):  # noqa: A002
        """What a node reads: one node, or several merged."""
        names = list(inputs or [])
        if (input is None) == (not names):
            raise ValueError(f"{self.name}: give `input`, one name, or `inputs`, a list of names")
        if input is not None:
            return self._find(input)
        symbols = [self._find(name) for name in names]
        return symbols[0] if len(symbols) == 1 else _merged(names, symbols, merged)

    def _keep(self, name: str, symbol: Symbol, method: str, arguments: dict) -> None:
        if name in self._made:
            raise ValueError(f"{self.name} has a node {name!r} already: names are unique in a graph")
        self._made[name] = symbol
        self._calls.append((method, {key: each for key, each in arguments.items() if key != "self"}))

    def add_input(
        self, name: str, input_shape: Sequence | None = None, batch_input_shape: Sequence | None = None,
        dtype: str = "float",
    ) -> None:  # fmt: skip
        """A place where data enters, under this name.

        Args:
            input_shape: shape of one sample; or else
            batch_input_shape: the same with the batch size.
            dtype: 'float', 'int', or the name of a data type.
        """
        given = dict(locals())
        shape = {"shape": input_shape} if batch_input_shape is None else {"batch_shape": batch_input_shape}
        source = Input(**shape, name=name, dtype=FLOATS.get(dtype, dtype))
        self._keep(name, source, "add_input", given)
        self._into[name] = source

    def add_node(
        self, layer: Layer, name: str, input: str | None = None, inputs: Sequence[str] | None = None,  # noqa: A002
        merge_mode="concat", concat_axis: int = -1, dot_axes=-1, create_output: bool = False,
    ) -> None:  # fmt: skip
        """A layer, or a model, that reads other nodes.

        Args:
            layer: the layer.
            name: what others call it by; it becomes the layer's name.
            input: name of the node that it reads; or else
            inputs: names of several, which are merged.
            merge_mode, concat_axis, dot_axes: how, as in `Merge`; 'join': the layer gets a dict of them.
            create_output: whether its outputs are those of an output of the same name.

        Raises ValueError for a name that is taken, and for nodes that are not there.
        """
        given = dict(locals())
        source = self._read(input, inputs, given)
        layer.name = name
        self._keep(name, layer(source), "add_node", given)
        if create_output:
            self._put_out(name, self._made[name])

    def add_shared_node(
        self, layer: Layer, name: str, inputs: Sequence[str] = (), merge_mode: str | None = None,
        concat_axis: int = -1, dot_axes=-1, outputs: Sequence[str] = (), create_output: bool = False,
    ) -> None:  # fmt: skip
        """One layer, with one set of weights, on several nodes.

        Args:
            layer: the layer.
            name: of all its outputs together, where they are merged.
            inputs: names of the nodes that it reads, one by one.
            merge_mode, concat_axis, dot_axes: how the outputs are merged, as in `Merge`; None: they are not.
            outputs: names of the outputs, in the order of `inputs`.
            create_output: whether what comes out, merged or one by one, are outputs of the graph.

        Raises ValueError where neither `merge_mode` nor as many `outputs` as inputs are given.
        """
        given = dict(locals())
        layer.name = name
        made = [layer(self._find(each)) for each in inputs]
        if merge_mode is not None:
            named = {name: _merged(inputs, made, given)}
        elif len(outputs) == len(made):
            named = dict(zip(outputs, made, strict=True))
        else:
            raise ValueError(
                f"{self.name}: give `merge_mode`, or as many names in `outputs` as there are inputs"
            )
        for index, (each, symbol) in enumerate(named.items()):
            self._keep(each, symbol, "add_shared_node", given)
            if index:
                self._calls.pop()
            if create_output:
                self._put_out(each, symbol)

    def add_output(
        self, name: str, input: str | None = None, inputs: Sequence[str] | None = None,  # noqa: A002
        merge_mode="concat", concat_axis: int = -1, dot_axes=-1,
    ) -> None:  # fmt: skip
        """An output, under this name: what a node puts out, or several merged, as in `add_node`."""
        given = dict(locals())
        symbol = self._read(input, inputs, given)
        if name in self._out_of:
            raise ValueError(f"{self.name} has an output {name!r} already")
        self._calls.append(("add_output", {key: each for key, each in given.items() if key != "self"}))
        self._put_out(name, symbol)

    def _put_out(self, name: str, symbol: Symbol) -> None:
        self._out_of[name] = symbol
        self._set_graph(dict(self._into), dict(self._out_of))

    # ---- training --------------------------------------------------------------------------------

    def _split(self, data: Mapping, targets: bool = True) -> tuple[dict, dict | None]:
        """Inputs and outputs out of one dict."""
        wanted = [*self._into, *(self._out_of if targets else ())]
        missing = [name for name in wanted if name not in data]
        if missing:
            raise ValueError(
                f"{self.name}: the data has nothing for {', '.join(missing)}; it has {', '.join(map(str, data))}"
            )
        part = lambda names: {name: np.asarray(data[name]) for name in names}  # noqa: E731
        return part(self._into), part(self._out_of) if targets else None

    def _batches(self, generator: Iterator) -> Iterator[tuple]:
        """Batches as `fit` takes them, of dicts or of pairs of a dict and sample weights."""
        for each in generator:
            data, weights = each if isinstance(each, tuple | list) else (each, None)
            yield (*self._split(data), weights or None)

    def compile(
        self, optimizer, loss, metrics=None, sample_weight_modes=None, loss_weights=None, **kwargs
    ) -> None:
        """Say how it is trained: as in `Model`, with a dict of losses by output."""
        for mode in (sample_weight_modes or {}).values():
            if mode not in (None, "temporal"):
                raise ValueError(f"{self.name}: sample_weight_modes are None or 'temporal'; got {mode!r}")
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics or None,
            loss_weights=loss_weights or None,
            **kwargs,
        )

    def fit(
        self, data: Mapping, batch_size: int = 32, nb_epoch: int = 10, verbose: int = 1, callbacks=None,
        validation_split: float = 0.0, validation_data: Mapping | None = None, shuffle=True, class_weight=None,
        sample_weight=None, **kwargs,
    ):  # fmt: skip
        """Train on a dict of inputs and outputs; `class_weight` and `sample_weight` are dicts by output."""
        x, y = self._split(data)
        held = None if validation_data is None else self._held_back(validation_data)
        return super().fit(
            x, y, batch_size=batch_size, epochs=nb_epoch, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=held, shuffle=shuffle,
            class_weight=class_weight or None, sample_weight=sample_weight or None, **kwargs,
        )  # fmt: skip

    def _held_back(self, data) -> tuple:
        data, weights = data if isinstance(data, tuple | list) else (data, None)
        return (*self._split(data), weights) if weights else self._split(data)

    def evaluate(
        self,
        data: Mapping,
        batch_size: int = 32,
        verbose: int = 1,
        sample_weight: Mapping | None = None,
        **kwargs,
    ):
        """The loss over a dict of inputs and outputs, and the metrics."""
        options = {"batch_size": batch_size, "verbose": verbose, "sample_weight": sample_weight or None}
        return super().evaluate(*self._split(data), **options, **kwargs)

    def predict(self, data: Mapping, batch_size: int = 32, verbose: int = 0) -> dict[str, np.ndarray]:
        """The outputs by name, for a dict of inputs."""
        return super().predict(self._split(data, targets=False)[0], batch_size=batch_size, verbose=verbose)

    def train_on_batch(self, data: Mapping, class_weight=None, sample_weight=None, **kwargs):
        """One step on a dict of inputs and outputs; its loss."""
        given = {"class_weight": class_weight or None, "sample_weight": sample_weight or None}
        return super().train_on_batch(*self._split(data), **given, **kwargs)

    def test_on_batch(self, data: Mapping, sample_weight=None, **kwargs):
        """The loss of a dict of inputs and outputs."""
        return super().test_on_batch(*self._split(data), sample_weight=sample_weight or None, **kwargs)

    def predict_on_batch(self, data: Mapping) -> dict[str, np.ndarray]:
        """The outputs by name, for a dict of inputs that is one batch."""
        return super().predict_on_batch(self._split(data, targets=False)[0])

    def fit_generator(
        self, generator: Iterator, samples_per_epoch: int, nb_epoch: int, verbose: int = 1, callbacks=None,
        validation_data=None, nb_val_samples: int | None = None, class_weight=None, max_q_size: int = 10,
        nb_worker: int = 1, pickle_safe: bool = False, **kwargs,
    ):  # fmt: skip
        """Train on dicts that come one by one; an epoch ends with the one that reaches `samples_per_epoch`."""
        held = validation_data
        if held is not None:
            held = (
                Stream(self._batches(held), samples=nb_val_samples)
                if hasattr(held, "__next__")
                else self._held_back(held)
            )
        return super().fit(
            Stream(self._batches(generator), samples=samples_per_epoch), epochs=nb_epoch, verbose=verbose,
            callbacks=callbacks, validation_data=held, class_weight=class_weight or None, **kwargs,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Iterator, val_samples: int, verbose: int = 1, max_q_size: int = 10, nb_worker: int = 1,
        pickle_safe: bool = False, **kwargs,
    ):  # fmt: skip
        """The loss, and the metrics, over dicts that come one by one, until they have `val_samples` samples."""
        return super().evaluate(
            Stream(self._batches(generator), samples=val_samples), verbose=verbose, **kwargs
        )

    def __call__(self, inputs, *args, **kwargs):
        """The outputs by name; for a tensor, or a list of them, as when it is part of another model, without names."""
        made = super().__call__(inputs, *args, **kwargs)
        if isinstance(inputs, Mapping):
            return made
        return next(iter(made.values())) if len(made) == 1 else list(made.values())

    # ---- as data ---------------------------------------------------------------------------------

    def serialized_as(self) -> None:
        """A class of its own: Keras 3 has none like it."""
        return None

    def get_config(self) -> dict:
        calls = [
            [method, {key: registry.serialize(each) for key, each in arguments.items()}]
            for method, arguments in self._calls
        ]
        return {"name": self.name, "calls": calls}

    @classmethod
    def from_config(cls, config: Mapping, custom_objects: Mapping | None = None) -> "Graph":
        with registry.custom_object_scope(custom_objects):
            made = cls(name=config.get("name"))
            for method, arguments in config["calls"]:
                given = dict(arguments)
                if "layer" in given:
                    given["layer"] = registry.deserialize(given["layer"])
                getattr(made, method)(**given)
            return made
