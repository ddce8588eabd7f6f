"""`keras.backend` has every name of 1.2.2 and 2.3.1, with its signature; and says what it cannot do."""

import importlib
import inspect
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import config
from cornu.eras import run

VERSIONS = {1: "1.2.2", 2: "2.3.1"}
ROWS = [
    pytest.param(era, *line.removesuffix(")").split("(", 1), id=f"{era}-{line.split('(')[0]}")
    for era, version in VERSIONS.items()
    for line in Path(__file__).with_name(f"backend-{version}.txt").read_text("utf-8").splitlines()
]


def parameters(signature: inspect.Signature) -> list:
    return [(each.name, each.default, each.kind) for each in signature.parameters.values()]


@pytest.mark.parametrize(("era", "name", "signature"), ROWS)
def test_every_name_has_the_signature_of_its_time(era, name, signature):
    cornu.set_era(era)
    function = getattr(K, name)
    wanted = inspect.signature(eval(f"lambda {signature}: None"))
    assert parameters(inspect.signature(function)) == parameters(wanted)
    assert function.__doc__


@pytest.mark.parametrize(
    ("era", "name"),
    [
        (1, each)
        for each in (
            "Function",
            "py_all",
            "tf_major_version",
            "tf_minor_version",
            "_BACKEND",
            "_EPSILON",
            "_FLOATX",
        )
    ]
    + [(2, each) for each in ("Function", "py_any", "py_slice", "py_sum")],
)
def test_what_is_no_function(era, name):
    cornu.set_era(era)
    assert hasattr(K, name)


def test_argument_orders_of_the_eras():
    p, y = np.array([[0.2, 0.8]]), np.array([[0.0, 1.0]])
    cornu.set_era(1)
    first = K.categorical_crossentropy(p, y)
    cornu.set_era(2)
    np.testing.assert_allclose(K.categorical_crossentropy(y, p), first)
    np.testing.assert_allclose(first, [-np.log(0.8)], rtol=1e-5)


def test_era_3_has_what_keras_3_has():
    assert K.__all__ == sorted(
        "backend clear_session epsilon floatx get_uid image_data_format is_float_dtype is_int_dtype is_keras_tensor "
        "result_type set_epsilon set_floatx set_image_data_format standardize_dtype".split()
    )
    assert K.backend() == "jax" and K.is_int_dtype("uint8") and K.result_type("int32", "float32") == "float32"
    with pytest.raises(AttributeError, match="K.dot in eras 1 and 2.*keras.ops"):
        K.dot  # noqa: B018


@pytest.mark.parametrize(("era", "name", "nearest"), [(1, "sqare", "square"), (2, "conv2", "conv2d")])
def test_an_unknown_name_gets_the_nearest(era, name, nearest):
    cornu.set_era(era)
    with pytest.raises(AttributeError, match=f"no `{name}`.*'{nearest}'"):
        getattr(K, name)


class Foreign:
    def __repr__(self):
        return "Elemwise{add,no_inplace}.0"


@pytest.mark.parametrize("package", ["theano.tensor.var", "tensorflow.python.framework.ops"])
def test_objects_of_other_engines_are_named(package):
    cornu.set_era(1)
    strange = type("TensorVariable", (Foreign,), {"__module__": package})()
    with pytest.raises(
        TypeError, match=f"K.sum was given Elemwise.*belongs to {package.split('.')[0]}.*keras.backend"
    ):
        K.sum(strange)
    with pytest.raises(TypeError, match=r"K.dot\(x, y\).*missing"):
        K.dot(np.ones(2))


def test_a_symbol_in_a_foreign_function_says_what_it_is():
    cornu.set_era(1)
    with pytest.raises(TypeError, match="stands for data that is not there yet"):
        np.asarray(K.placeholder((2,)))


@pytest.fixture
def imported():
    run.install()
    yield importlib.import_module
    run.uninstall()


def test_the_ways_in(imported):
    cornu.set_era(1)
    old = imported("keras.backend")
    assert old.square.__name__ == "square" and old.backend() == "theano"
    for path in ("keras.backend.theano_backend", "keras.backend.tensorflow_backend", "keras.backend.common"):
        assert imported(path).floatx() == "float32"
    assert imported("keras.models").K.epsilon() == old.epsilon() == 1e-7
    assert imported("keras.backend.tensorflow_backend").set_session.__doc__


def test_what_was_imported_before_comes_back(monkeypatch):
    before = types.ModuleType("tf_keras")
    monkeypatch.setitem(sys.modules, "tf_keras", before)
    run.install()
    assert importlib.import_module("tf_keras") is not before
    run.uninstall()
    assert sys.modules["tf_keras"] is before


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        ("tensorflow", "square", "`tf.square` belongs to TensorFlow.*keras.backend.square"),
        ("tensorflow", "gather_nd", "`tf.gather_nd` belongs to TensorFlow"),
        ("theano.tensor", "sqrt", "`theano.tensor.sqrt` belongs to Theano.*keras.backend.sqrt"),
        ("theano", "shared", "`theano.shared` belongs to Theano.*keras.backend.variable"),
        ("theano.tensor", "grad", "keras.backend.gradients"),
    ],
)
def test_functions_of_other_engines_name_the_way_out(imported, module, name, words):
    cornu.set_era(1)
    with pytest.raises(AttributeError, match=words):
        getattr(imported(module), name)


# ---- settings ----------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    config._of_user.cache_clear()
    yield tmp_path / "keras.json"
    config._of_user.cache_clear()


@pytest.mark.parametrize(
    ("era", "said", "asked", "expected"),
    [
        (1, None, None, "theano"),
        (2, None, None, "tensorflow"),
        (3, {"backend": "theano"}, "theano", "jax"),
        (1, {"backend": "tensorflow", "image_dim_ordering": "tf"}, None, "tensorflow"),
        (
            1,
            {"backend": "tensorflow", "image_data_format": "channels_last"},
            None,
            "theano",
        ),  # left by a later Keras
        (2, {"backend": "theano", "image_data_format": "channels_last"}, None, "theano"),
        (1, {"backend": "theano", "image_dim_ordering": "tf"}, "tensorflow", "tensorflow"),
        (1, None, "jax", "theano"),
        (2, {"backend": "torch"}, "torch", "tensorflow"),
    ],
)
def test_backend(home, monkeypatch, era, said, asked, expected):
    if said is not None:
        home.write_text(json.dumps(said))
    if asked:
        monkeypatch.setenv("KERAS_BACKEND", asked)
    cornu.set_era(era)
    assert K.backend() == expected


def test_the_file_of_the_user_holds_in_eras_1_and_2(home):
    home.write_text(json.dumps({"floatx": "float16", "epsilon": 1e-5, "image_dim_ordering": "th"}))
    before = home.read_bytes()
    assert (K.floatx(), K.epsilon(), K.image_data_format()) == ("float32", 1e-7, "channels_last")
    cornu.set_era(1)
    assert (K.floatx(), K.epsilon(), K.image_dim_ordering()) == ("float16", 1e-5, "th")
    assert K.zeros((2,)).dtype == "float16"
    cornu.set_era(2)
    assert K.image_data_format() == "channels_first"
    assert home.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "words"), [("{", "is not JSON"), ('{"floatx": "float8"}', "floatx is 'float8'")]
)
def test_a_file_that_cannot_be_meant(home, text, words):
    home.write_text(text)
    cornu.set_era(1)
    with pytest.raises(ValueError, match=f"keras.json.*{words}"):
        K.floatx()


def test_layouts_and_names():
    cornu.set_era(1)
    before = config._settings.copy()
    try:
        K.set_image_dim_ordering("th")
        assert K.image_dim_ordering() == "th" and config.image_data_format() == "channels_first"
        with pytest.raises(ValueError, match="'tf', 'th'"):
            K.set_image_dim_ordering("channels")
        K.set_epsilon(1e-4)
        assert K.epsilon() == 1e-4
    finally:
        config._settings.clear()
        config._settings.update(before)
    K.reset_uids()
    assert [K.get_uid("dense"), K.get_uid("dense"), K.get_uid("conv")] == [1, 2, 1]
    assert cornu.layers.Dense(1).name == "dense_3"
    K.clear_session()
    assert cornu.layers.Dense(1).name == "dense_1"
    assert K.cast_to_floatx([1, 2]).dtype == np.float32
    assert K.legacy_weight_ordering() is False
    for refuse in (
        K.get_session,
        lambda: K.set_session(None),
        lambda: K.manual_variable_initialization(True),
        lambda: K.set_legacy_weight_ordering(True),
    ):
        with pytest.raises((NotImplementedError, ValueError), match="here"):
            refuse()


# ---- loops over what stands around them ---------------------------------------------------------


@pytest.mark.parametrize("loop", ["map", "fold"])
def test_a_loop_reads_what_stands_around_it(loop):
    cornu.set_era(2)
    rows, fed = K.variable(np.arange(6.0).reshape(3, 2)), K.placeholder((3, 2))

    def sums(x):
        if loop == "map":
            return K.map_fn(lambda i: K.sum(x[i]), K.arange(3), dtype="float32")
        return K.foldl(lambda total, i: total + K.sum(x[i]), K.arange(3), K.constant(0.0))

    of_cell, of_data = sums(rows), sums(fed)
    wanted = (lambda x: x.sum(1)) if loop == "map" else np.sum
    np.testing.assert_allclose(K.eval(of_cell), wanted(np.arange(6.0).reshape(3, 2)))
    K.set_value(rows, np.ones((3, 2)))
    np.testing.assert_allclose(K.eval(of_cell), wanted(np.ones((3, 2))))
    np.testing.assert_allclose(
        K.function([fed], [of_data])([np.full((3, 2), 2.0)])[0], wanted(np.full((3, 2), 2.0))
    )


def test_what_tensors_of_tensorflow_had():
    cornu.set_era(2)
    for x in (K.placeholder((2,)), K.variable([1.0, 2.0])):
        assert x.dtype == x.dtype.name == x.dtype.base_dtype.name == "float32"
        assert x.dtype.as_numpy_dtype is np.float32 and K.cast(x, x.dtype.base_dtype).dtype == "float32"
    assert K.eval(K.eye((2, 3))).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert not K.is_keras_tensor(K.placeholder((2,)))
    with pytest.raises(ValueError, match="is_keras_tensor"):
        K.is_keras_tensor(np.ones(2))


def test_paths_of_a_number_of_classes_that_is_not_known():
    cornu.set_era(2)
    p, steps = K.placeholder((None, None, None)), K.placeholder((None,), dtype="int64")
    decode = K.function([p, steps], K.ctc_decode(p, steps, greedy=False, beam_width=2, top_paths=1)[0])
    assert decode([np.eye(3)[None, [0, 2, 0, 1, 1]], [5]])[0].tolist() == [[0, 0, 1]]
