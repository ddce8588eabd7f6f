"""What tf.keras, TensorFlow's own Keras of the versions 2.0 to 2.15, wrote otherwise than Keras 2 did.

Its graphs are told in Keras 3's form: calls of layers, operations of TensorFlow (`TFOpLambda`), types. Its optimizers
changed with 2.11: from then on they are those of Keras 3, before those of Keras 2. Source: TensorFlow 2.15.0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import config, registry
from ..ops import classes, files
from .era_optimizers import release

OWN_FROM = (2, 4)  # the version from which on only TensorFlow has a Keras 2; earlier ones end in "-tf"
CONSTANT = "_CONSTANT_VALUE"  # in the place of a layer's name
SLICED = "SlicingOpLambda"
CALLED = (SLICED, "TFOpLambda")
# Settings that optimizers have from 2.11 on, and nothing else.
OF_NEW = ("jit_compile", "is_legacy_optimizer")

_UNUSED = ("groups", "kernel_constraint", "kernel_initializer", "kernel_regularizer")
# what configurations say of a class though it means nothing
UNUSED = {
    **dict.fromkeys(["SeparableConv1D", "SeparableConv2D"], _UNUSED),
    **dict.fromkeys(["DepthwiseConv1D", "DepthwiseConv2D"], ("groups",)),
    **dict.fromkeys(["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"], ("groups",)),
    **dict.fromkeys(["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"], ("noise_shape",)),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
}

_PAIR = {"y": "x2"}
_PAIRED = (
    "add subtract multiply maximum minimum equal not_equal greater greater_equal less less_equal".split()
)
_REDUCED = "mean sum max min prod any all".split()
_PLAIN = "abs negative exp log sqrt rsqrt square sin cos tanh sigmoid sign floor ceil log1p expm1 logical_not".split()
_ACTIVE = "relu relu6 elu selu silu softmax log_softmax softplus softsign".split()

# what a graph calls of TensorFlow -> (the operation here, names of arguments there -> here, what is meant else)
OPERATIONS: dict[str, tuple[str, Mapping[str, str], Mapping[str, Any]]] = {
    **{f"math.{name}": (name, _PAIR, {}) for name in _PAIRED},
    **{f"math.reduce_{name}": (name, {}, {}) for name in _REDUCED},
    **{f"math.{name}": (name, {}, {}) for name in _PLAIN},
    **{f"nn.{name}": (name, {}, {}) for name in _ACTIVE},
    "__operators__.add": ("add", _PAIR, {}),
    "__operators__.getitem": ("get_item", {"slice_spec": "key"}, {}),
    "cast": ("cast", {}, {}),
    "clip_by_value": ("clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}, {}),
    "concat": ("concatenate", {}, {}),
    "expand_dims": ("expand_dims", {}, {}),
    "linalg.matmul": ("matmul", {"b": "x2"}, {}),
    "math.divide": ("divide", _PAIR, {}),
    "math.floordiv": ("floor_divide", _PAIR, {}),
    "math.mod": ("mod", _PAIR, {}),
    "math.pow": ("power", _PAIR, {}),
    "math.truediv": ("divide", _PAIR, {}),
    "nn.gelu": ("gelu", {}, {"approximate": False}),
    "nn.leaky_relu": ("leaky_relu", {"alpha": "negative_slope"}, {}),
    "ones_like": ("ones_like", {}, {}),
    "reshape": ("reshape", {"shape": "newshape"}, {}),
    "squeeze": ("squeeze", {}, {}),
    "stack": ("stack", {}, {}),
    "stop_gradient": ("stop_gradient", {}, {}),
    "tile": ("tile", {"multiples": "repeats"}, {}),
    "transpose": ("transpose", {"perm": "axes"}, {}),
    "where": ("where", {"x": "x1", "y": "x2"}, {}),
    "zeros_like": ("zeros_like", {}, {}),
}


def wrote(version: str) -> bool:
    """Whether TensorFlow's Keras has that version."""
    return version.endswith("-tf") or OWN_FROM <= release(version) < (3,)


# ---- graphs --------------------------------------------------------------------------------------


def plain(description):
    """A model's description with its graphs and types in the form of Keras 3.

    Raises UnknownName for an operation of TensorFlow that has none here.
    """
    if isinstance(description, list):
        return [plain(each) for each in description]
    if not isinstance(description, Mapping):
        return description
    if description.get("class_name") in ("Policy", "PolicyV1"):
        return description["config"]["name"]
    made = {key: plain(value) for key, value in description.items()}
    for key in UNUSED.get(str(made.get("class_name")), ()):
        made["config"].pop(key, None)
    heads = made.get("layers")
    if isinstance(heads, list) and any(
        isinstance(head, dict) and head.get("inbound_nodes") for head in heads
    ):
        made |= _graph(made)
    return made


def _graph(graph: Mapping[str, Any]) -> dict[str, Any]:
    """The layers of one graph, and where its inputs and outputs are."""
    names = {head["name"] for head in graph["layers"] if "name" in head}
    known, first = names | {CONSTANT}, _first_calls(graph, names)

    def place(of: Sequence) -> list:
        return [of[0], of[1] - first.get(of[0], 0), of[2]]

    def is_place(value) -> bool:
        return (
            isinstance(value, list)
            and len(value) in (3, 4)
            and isinstance(value[0], str)
            and value[0] in known
            and type(value[1]) is int
        )

    def meant(value):
        if is_place(value):
            if value[0] == CONSTANT:
                return value[2]
            return {"class_name": "__keras_tensor__", "config": {"keras_history": place(value)}}
        if isinstance(value, list):
            return [meant(each) for each in value]
        return {key: meant(each) for key, each in value.items()} if isinstance(value, dict) else value

    def places(tree):
        if isinstance(tree, dict):
            return {key: places(each) for key, each in tree.items()}
        return place(tree) if is_place(tree) else [places(each) for each in tree]

    def call(node) -> dict[str, Any]:
        given = [node] if is_place(node) else node
        kwargs = (
            given[0][3]
            if isinstance(given, list) and given and is_place(given[0]) and len(given[0]) > 3
            else {}
        )
        whole = meant(given)
        single = isinstance(whole, list) and len(whole) == 1
        return {"args": [whole[0] if single else whole], "kwargs": meant(kwargs)}

    layers = []
    for head in graph["layers"]:
        head = {key: value for key, value in head.items() if key != "build_config"}  # calls build layers
        if (
            head["class_name"] in classes.OPERATIONS
        ):  # layers such as Add are meant, not what is called so today
            head.setdefault("module", "keras.layers")
        nodes = [
            call(node) if not isinstance(node, dict) else node for node in head.get("inbound_nodes") or []
        ]
        layers.append(
            _operation(head, nodes) if head["class_name"] in CALLED else {**head, "inbound_nodes": nodes}
        )
    return {"layers": layers} | {
        key: places(graph[key]) for key in ("input_layers", "output_layers") if graph.get(key)
    }


def _first_calls(graph: Mapping[str, Any], names: set[str]) -> dict[str, int]:
    """The number of each layer's first call: models within models were called once before, when they were made."""
    last: dict[str, int] = {}
    stack: list = [graph.get("output_layers"), *(head.get("inbound_nodes") for head in graph["layers"])]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            if len(value) > 2 and isinstance(value[0], str) and value[0] in names and type(value[1]) is int:
                last[value[0]] = max(last.get(value[0], 0), value[1])
            stack += [each for each in value if isinstance(each, list | dict)]
    calls = {head["name"]: len(head.get("inbound_nodes") or []) for head in graph["layers"] if "name" in head}
    return {name: max(0, last[name] + 1 - calls[name]) for name in last if calls[name]}


def _operation(head: Mapping[str, Any], nodes: list[dict]) -> dict[str, Any]:
    """An operation of TensorFlow as one of ours."""
    called = head["config"].get("function", "__operators__.getitem" if head["class_name"] == SLICED else "")
    if called not in OPERATIONS:
        raise registry.UnknownName(
            f"The model calls tf.{called}, which has no equal here. It has: {', '.join(sorted(OPERATIONS))}."
        )
    name, renamed, meant = OPERATIONS[called]
    for node in nodes:
        given = {renamed.get(key, key): value for key, value in node["kwargs"].items()}
        given = {key: value for key, value in given.items() if key != "name" and value not in (None, False)}
        if "key" in given:
            given["key"] = [_slice(each) for each in _listed(given["key"])]
        node["kwargs"] = {**meant, **given}
    return {**files.OWN, "config": {"name": name}, "name": head["name"], "inbound_nodes": nodes}


def _listed(value) -> list:
    if isinstance(value, dict) and "items" in value:  # how tuples are kept
        value = value["items"]
    return value if isinstance(value, list) else [value]


def _slice(value):
    if isinstance(value, dict) and set(value) <= {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": [value.get(key) for key in ("start", "stop", "step")]}
    return {"class_name": "__ellipsis__", "config": None} if value == "Ellipsis" else value


# ---- training ------------------------------------------------------------------------------------


def training_of(given: Mapping[str, Any], model, version: str) -> Mapping[str, Any]:
    """How a model was compiled by a version of Keras, in the words of Keras 2 and 3; the optimizer is made already."""
    if not wrote(version):
        return given
    outputs = getattr(model, "output_names", None) or []
    made = {key: plain(value) for key, value in given.items()}
    key = "optimizer_config" if made.get("optimizer_config") else "optimizer"
    if isinstance(made.get(key), Mapping):
        made[key] = _optimizer(made[key])
    elif isinstance(made.get(key), str):
        with config.era_scope(3):
            made[key] = registry.get("optimizers", made[key])
    made["loss"] = _loss(made.get("loss"))
    for name in ("metrics", "weighted_metrics"):
        made[name] = _metric(made.get(name), outputs)
    return {name: value for name, value in made.items() if value is not None}


def _optimizer(head: Mapping[str, Any]):
    """The optimizer that a configuration describes, of the era that its arithmetic is of."""
    inner = dict(head["config"])
    era = 3 if any(name in inner for name in OF_NEW) else config.era()
    for name in OF_NEW:
        inner.pop(name, None)
    name = head["class_name"].rpartition(">")[2]
    if name == "Nadam" and "decay" in inner:  # as TensorFlow called what is its schedule's
        inner["schedule_decay"] = inner.pop("decay")
    with config.era_scope(era):
        return registry.deserialize({"class_name": name, "config": inner}, "optimizers")


def _loss(value):
    """Losses with the objects that configurations describe, which name the function that their class has, too."""
    if isinstance(value, list):
        return [_loss(each) for each in value]
    if not isinstance(value, dict) or value.get("class_name") == "function":
        return value
    if "class_name" not in value:
        return {key: _loss(each) for key, each in value.items()}
    inner = dict(value.get("config") or {})
    function = inner.pop("fn", None)
    if inner.get("reduction") == "auto":
        inner["reduction"] = "sum_over_batch_size"
    if value["class_name"] == "LossFunctionWrapper":
        return registry.get("losses", function)
    return registry.deserialize({**value, "config": inner}, "losses")


def _metric(value, outputs: Sequence[str]):
    if isinstance(value, list):
        return [_metric(each, outputs) for each in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _metric(each, outputs) for key, each in value.items()}
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    inner = dict(value["config"])
    for output in outputs if len(outputs) > 1 else ():
        inner["name"] = str(inner.get("name")).removeprefix(f"{output}_")
    if value["class_name"] == "MeanMetricWrapper":
        return registry.find_class({"class_name": "MeanMetricWrapper"}, "metrics")(**inner)
    inner.pop("fn", None)
    return registry.deserialize({**value, "config": inner}, "metrics")


def restore(model, arrays: Sequence[np.ndarray]) -> bool:
    """Put the state of an optimizer of 2.11 or later into the model's; False where it does not fit.

    They kept no learning rate and no product over Nadam's schedule, and SGD moments even where it uses none.
    """
    optimizer = model.optimizer
    apart = {*optimizer._shared.values()}
    rate = optimizer._learning_rate
    cells = [cell for cell in optimizer.variables if cell is not rate and cell not in apart]
    if len(cells) == 1 and len(arrays) > 1:
        arrays = arrays[:1]
    if [np.shape(array) for array in arrays] != [cell.shape for cell in cells]:
        return False
    for cell, array in zip(cells, arrays, strict=True):
        cell.assign(array)
    if "u_product" in optimizer._shared:
        steps = np.arange(1, int(arrays[0]) + 1)
        optimizer._shared["u_product"].assign(
            np.prod(optimizer.beta_1 * (1 - 0.5 * 0.96**steps)).astype("float32")
        )
    return True
