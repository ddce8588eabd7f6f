"""`keras.src`: what tests and relatives of Keras 3 import from its source tree is Cornu's, or said not to be there."""

import re

import pytest

from cornu.eras import run


@pytest.fixture(autouse=True)
def keras_is_cornu():
    run.install()
    yield
    run.uninstall()


FOUND = """
from keras.src import backend, dtype_policies, layers, testing
from keras.src.backend.common import dtypes
from keras.src.backend.common.keras_tensor import KerasTensor
from keras.src.layers.core.dense import Dense
from keras.src.models.sequential import Sequential
import keras

assert Dense is layers.Dense is keras.layers.Dense and Sequential is keras.Sequential
assert KerasTensor is keras.KerasTensor
assert backend.backend() == "jax" and backend.numpy.ones((2,)).shape == (2,)
assert backend.standardize_dtype(None) == backend.floatx() == "float32" and "int8" in dtypes.INT_TYPES
assert dtype_policies.dtype_policy.dtype_policy().name == "float32"
with backend.name_scope("outer"):
    assert backend.Variable([1.0], name="v").path == "outer/v"
"""


def test_files_of_the_source_tree_hold_the_names_of_their_folder():
    pytest.importorskip("absl", reason="keras.src.testing needs absl-py")
    exec(FOUND, {})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "from keras.src.layers.core.dense import nonsense",
            "Cornu has no `keras.src.layers.core.dense.nonsense`",
        ),
        ("from keras.src.layers import Nonsense", "Cornu has no `keras.src.layers.Nonsense`"),
        ("import keras.src.trainers.epoch_iterator", "Cornu has no `keras.src.trainers`"),
        ("from keras.layers.core import nonsense", "Cornu has no `keras.layers.core.nonsense`"),
    ],
)
def test_what_is_not_there_is_named(line, says):
    with pytest.raises(ImportError, match=re.escape(says)):
        exec(line, {})
