"""Every name of Keras 1.2.2 is there under the import aliases, and takes what it took, by place and by name."""

import inspect

import pytest
from surface import Entry, entries

import cornu
from cornu.eras import border

# What modules imported, found missing or kept for themselves, and no program asks them for.
NO_API = set(
    "CLASS_INDEX h5py librosa maketrans pil_image py_all requests tables tf_major_version tf_minor_version "
    "th_sparse_module TAGS TF_WEIGHTS_PATH TF_WEIGHTS_PATH_NO_TOP TH_WEIGHTS_PATH TH_WEIGHTS_PATH_NO_TOP".split()
)
# TensorFlow's `conv3d` knew no `filter_dilation`; `Layer.call` is for a subclass to write; calls make nodes.
ELSEWHERE = {
    "keras.backend.theano_backend.conv3d", "keras.engine.topology.Layer.call", "keras.engine.topology.Node",
}  # fmt: skip
# Written for the library's own use, and called by place.
BY_PLACE = set(
    "__call__ from_config get_initial_states on_train_end set_epsilon set_floatx set_layer set_param".split()
)
# Arguments that only some values can be given for; these are what the signature had as default, or the like.
VALUES = {
    "forget_bias_init": "one",
    "input_dim": 7,
    "input_length": 7,
    "mode": "auto",
    "period": 1,
    "sample_weight_mode": None,
    "sparse": False,
}


def is_imported(entry: Entry) -> bool:
    """Whether an application's module had a name only because it built its network with it."""
    known = "CLASS_INDEX_PATH decode_predictions preprocess_input".split()
    plain = entry.signature is None and entry.owner is None
    return entry.module.startswith("keras.applications.") and plain and entry.name not in known


TABLE = [each for each in entries() if each.name not in NO_API and not is_imported(each)]
CALLS = [each for each in TABLE if each.signature is not None and each.path not in ELSEWHERE]


@pytest.fixture(autouse=True)
def aliases(keras_is_cornu):
    cornu.set_era(1)


def test_every_name_is_there():
    missing = []
    for each in TABLE:
        try:
            each.found()
        except (AttributeError, ModuleNotFoundError):
            missing.append(each.path)
    assert not missing


def values_for(entry: Entry) -> dict:
    """A value for each old argument: any, but for those that only some can be given for."""
    kept = {*VALUES, "shape", "weights"}
    given = {
        name: default if name in kept and default is not inspect.Parameter.empty else object()
        for name, default in entry.parameters.items()
    }
    return given | {name: VALUES[name] for name in given if name in VALUES}


def bound(entry: Entry, values: dict, by_place: bool) -> dict:
    """What a call with these values comes to."""
    found = entry.found()
    head = (entry.holder,) if entry.owner is not None and not inspect.ismethod(found) else ()
    args = tuple(values.values()) if by_place else ()
    return border.bind(found, (*head, *args), {} if by_place else values)


def wrong(entries: list[Entry], by_place: bool) -> list[str]:
    faults = []
    for each in entries:
        try:
            bound(each, values_for(each), by_place)
        except TypeError as error:
            faults.append(f"{each.path}{each.signature}: {error}")
    return faults


NAMED = [each for each in CALLS if each.name not in BY_PLACE]


def test_every_call_binds_by_place():
    assert not wrong(CALLS, True)


def test_every_call_binds_by_name():
    assert not wrong(NAMED, False)


def test_by_place_is_by_name():
    differ = []
    for each in NAMED:
        values = values_for(each)
        if bound(each, values, True) != bound(each, values, False):
            differ.append(each.path)
    assert not differ
