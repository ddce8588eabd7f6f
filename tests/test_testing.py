"""The TestCase for layers of one's own passes a good layer and finds each fault of a bad one."""

import numpy as np
import pytest

import cornu
from cornu import ops

testing = pytest.importorskip("cornu.testing", reason="needs absl-py")


@cornu.saving.register_keras_serializable("tests")
class Scaled(cornu.layers.Layer):
    """A layer with a weight, whose faults can be chosen."""

    def __init__(self, factor=2.0, fault=None, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.fault = factor, fault
        self.supports_masking = True

    def build(self, input_shape):
        self.scale = self.add_weight(shape=input_shape[-1:], initializer="ones", name="scale")
        self.built = True

    def call(self, x):
        y = x * self.scale * self.factor
        return ops.cast(y, "float32") if self.fault == "dtype" else y

    def compute_output_spec(self, x):
        return cornu.KerasTensor(x.shape, self.compute_dtype)

    def get_config(self):
        kept = {} if self.fault == "config" else {"factor": self.factor}
        return {**super().get_config(), **kept, "fault": self.fault}


GOOD = {
    "input_shape": (2, 3),
    "expected_output_shape": (2, 3),
    "expected_num_trainable_weights": 1,
    "expected_num_non_trainable_weights": 0,
    "expected_num_seed_generators": 0,
    "expected_num_losses": 0,
    "supports_masking": True,
}


class Case(testing.TestCase):
    def runTest(self):
        pass


def examine(init_kwargs=None, **changed):
    Case().run_layer_test(Scaled, init_kwargs or {"factor": 3.0}, **{**GOOD, **changed})


def test_a_good_layer_passes():
    examine()
    examine(input_shape=None, input_data=np.ones((2, 3)), expected_output_shape=(None, 3))


@pytest.mark.parametrize(
    ("init_kwargs", "changed"),
    [
        ({"fault": "dtype"}, {}),
        ({"fault": "config", "factor": 3.0}, {"custom_objects": None, "expected_output_shape": (2, 4)}),
        (None, {"expected_num_trainable_weights": 2}),
        (None, {"expected_num_losses": 1}),
        (None, {"supports_masking": False}),
        (None, {"expected_output_shape": (2, 2)}),
        (None, {"expected_output_dtype": "int32"}),
        (None, {"assert_built_after_instantiation": True}),
    ],
)
def test_each_fault_is_found(init_kwargs, changed):
    with pytest.raises(AssertionError):
        examine(init_kwargs, **changed)


def test_assertions_about_arrays_can_fail():
    case = Case()
    case.assertAllClose(ops.ones(2), [1, 1])
    case.assertNotAllClose([1.0], [2.0])
    case.assertDType(ops.ones(2, "int32"), "int32")
    for failing in (
        lambda: case.assertAllClose([1.0], [1.1]),
        lambda: case.assertNotAllClose([1.0], [1.0]),
        lambda: case.assertDType(ops.ones(2), "int32"),
        lambda: case.assertAllEqual([1], [2]),
        lambda: case.assertFileExists("/no/such/file"),
    ):
        with pytest.raises(AssertionError):
            failing()


def test_cases_are_named_by_their_parts():
    cases = testing.named_product(
        [{"testcase_name": "low", "x": -1}, {"testcase_name": "high", "x": 1}], kind=[int, str]
    )
    assert [case["testcase_name"] for case in cases] == ["low_int", "high_int", "low_str", "high_str"]
    assert cases[1] == {"testcase_name": "high_int", "x": 1, "kind": int}


def test_test_data_has_all_classes_in_like_shares_around_their_centres():
    (x, y), (x_test, y_test) = testing.get_test_data(90, 30, (4,), 3, random_seed=1)
    assert x.shape == (90, 4) and x_test.shape == (30, 4)
    assert np.bincount(y).tolist() == [30] * 3 and np.bincount(y_test).tolist() == [10] * 3
    assert all(x[y == k].std(axis=0).max() < 1.5 for k in range(3))
    again, _ = testing.get_test_data(90, 30, (4,), 3, random_seed=1)
    assert np.array_equal(again[0], x)
