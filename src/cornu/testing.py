"""Tests for layers of one's own: a TestCase that puts a layer through all that Keras asks of one.

Needs the package `absl-py`. Source: `keras.src.testing` of Keras 3.15.1, which projects beside Keras import.

Example:
    class DoubleTest(cornu.testing.TestCase):
        def test_layer(self):
            self.run_layer_test(Double, {"rate": 2}, input_shape=(4, 3), expected_output_shape=(4, 3))
"""

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl.testing import parameterized

from . import dtypes, losses, models, registry, tree
from .eras.backend_settings import clear_session
from .ops import numpy as ops
from .symbol import Symbol

__all__ = [
    "TestCase",
    "get_test_data",
    "jax_uses_gpu",
    "jax_uses_tpu",
    "named_product",
    "tensorflow_uses_gpu",
    "tensorflow_uses_tpu",
    "torch_uses_gpu",
    "uses_cpu",
    "uses_gpu",
    "uses_tpu",
]


# ---- devices, and what tests are made of -------------------------------------------------------------


def uses_cpu() -> bool:
    """Whether arrays live on the CPU."""
    return jax.default_backend() == "cpu"


def uses_gpu() -> bool:
    """Whether arrays live on a GPU."""
    return jax.default_backend() == "gpu"


def uses_tpu() -> bool:
    """Whether arrays live on a TPU."""
    return jax.default_backend() == "tpu"


jax_uses_gpu, jax_uses_tpu = uses_gpu, uses_tpu


def tensorflow_uses_gpu() -> bool:
    """False: TensorFlow computes nothing here."""
    return False


tensorflow_uses_tpu = torch_uses_gpu = tensorflow_uses_gpu


def named_product(*cases: Sequence[Mapping], **values: Sequence) -> list[dict[str, Any]]:
    """Every combination, each with a "testcase_name" of its parts, for `parameterized.named_parameters`.

    Args:
        cases: sequences of dictionaries of arguments, each with a "testcase_name".
        values: argument name -> the values that it takes.

    Example:
        >>> [case["testcase_name"] for case in named_product(x=[1, 2], kind=[int])]
        ['1_int', '2_int']
    """

    def word(value) -> str:
        return str(getattr(value, "__name__", value)).lower()

    rows = [*cases]
    rows += [[{"testcase_name": word(value), name: value} for value in each] for name, each in values.items()]
    made = []
    for combination in itertools.product(*rows[::-1]):  # the first row changes fastest
        parts = combination[::-1]
        merged = {key: value for part in parts for key, value in part.items()}
        made.append(merged | {"testcase_name": "_".join(part["testcase_name"] for part in parts)})
    return made


def get_test_data(
    train_samples: int,
    test_samples: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    random_seed: int | None = None,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Samples around one random centre for each class, in like shares: `(x_train, y_train), (x_test, y_test)`.

    Args:
        train_samples, test_samples: how many; each class has its share.
        input_shape: of one sample.
        num_classes: labels are ints from 0.
        random_seed: makes them the same each time.
    """
    draw = np.random.default_rng(random_seed)
    centres = draw.uniform(0, 2 * num_classes, (num_classes, *input_shape))
    parts = []
    for count in (train_samples, test_samples):
        y = draw.permutation(np.arange(count) % num_classes).astype("int32")
        x = (centres[y] + draw.normal(size=(count, *input_shape))).astype("float32")
        parts.append((x, y))
    return parts[0], parts[1]


# ---- the test case ------------------------------------------------------------------------------------


class TestCase(parameterized.TestCase):
    """Assertions about arrays, and whole examinations of layers and of what is saved as plain data."""

    maxDiff = None

    def setUp(self) -> None:
        clear_session()

    def get_temp_dir(self) -> str:
        """A folder that is gone after the test."""
        path = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def convert_to_numpy(self, x) -> np.ndarray:
        return np.asarray(x)

    def assertAllClose(
        self, actual, desired, atol=1e-6, rtol=1e-6, tpu_atol=None, tpu_rtol=None, msg=None
    ) -> None:
        """|actual - desired| <= atol + rtol * |desired|, everywhere; the numbers for a TPU hold there."""
        if uses_tpu():
            atol, rtol = tpu_atol or atol, tpu_rtol or rtol
        np.testing.assert_allclose(np.asarray(actual), np.asarray(desired), rtol, atol, err_msg=msg or "")

    def assertNotAllClose(self, x1, x2, atol=1e-6, rtol=1e-6, msg=None) -> None:
        if np.shape(x1) == np.shape(x2) and np.allclose(np.asarray(x1), np.asarray(x2), rtol, atol):
            self.fail(msg or f"equal everywhere within {atol} and {rtol}: {x1} and {x2}")

    def assertAlmostEqual(self, actual, desired, decimal=3, tpu_decimal=None, msg=None) -> None:
        decimal = (tpu_decimal if uses_tpu() else None) or decimal
        np.testing.assert_almost_equal(
            np.asarray(actual), np.asarray(desired), decimal=decimal, err_msg=msg or ""
        )

    def assertAllEqual(self, actual, desired, msg=None) -> None:
        np.testing.assert_array_equal(np.asarray(actual), np.asarray(desired), err_msg=msg or "")

    def assertLen(self, iterable, expected_len, msg=None) -> None:
        self.assertEqual(len(iterable), expected_len, msg)

    def assertDType(self, x, dtype, msg=None) -> None:
        found = dtypes.standardize_dtype(getattr(x, "dtype", type(x)))
        self.assertEqual(found, dtypes.standardize_dtype(dtype), msg)

    def assertSparse(self, x, sparse=True) -> None:
        self.assertEqual(bool(getattr(x, "sparse", False)), sparse)

    def assertRagged(self, x, ragged=True) -> None:
        self.assertFalse(ragged, "arrays here are dense")

    def assertFileExists(self, path) -> None:
        self.assertTrue(Path(path).is_file(), f"there is no file {path}")

    # ---- examinations

    def run_class_serialization_test(self, instance, custom_objects: Mapping | None = None):
        """From an object to its configuration and back, and to JSON and back: the same each time.

        Returns the object that JSON made.
        """
        written = _json(instance.get_config())
        with registry.custom_object_scope(custom_objects):
            revived = type(instance).from_config(instance.get_config())
            self.assertEqual(written, _json(revived.get_config()))
            serialized = json.loads(_json(registry.serialize(instance)))
            revived = registry.deserialize(serialized)
        self.assertEqual(written, _json(revived.get_config()))
        self.assertEqual(set(dir(instance)), set(dir(revived)))
        return revived

    def run_layer_test(
        self,
        layer_cls: Callable,
        init_kwargs: Mapping[str, Any] | None = None,
        input_shape=None,
        input_dtype=None,
        input_sparse: bool = False,
        input_ragged: bool = False,
        input_data=None,
        call_kwargs: Mapping[str, Any] | None = None,
        expected_output_shape=None,
        expected_output_dtype=None,
        expected_output_sparse: bool = False,
        expected_output_ragged: bool = False,
        expected_output=None,
        expected_num_trainable_weights: int | None = None,
        expected_num_non_trainable_weights: int | None = None,
        expected_num_non_trainable_variables: int | None = None,
        expected_num_seed_generators: int | None = None,
        expected_num_losses: int | None = None,
        supports_masking: bool | None = None,
        expected_mask_shape=None,
        custom_objects: Mapping[str, Any] | None = None,
        run_training_check: bool = True,
        run_mixed_precision_check: bool = True,
        assert_built_after_instantiation: bool = False,
        tpu_atol: float | None = None,
        tpu_rtol: float | None = None,
    ) -> None:
        """Put a layer through its configuration, `build`, symbols, arrays, a step of training, and mixed precision.

        Args:
            layer_cls, init_kwargs: the class, and the arguments of its constructor.
            input_shape, input_dtype: of the inputs, nested as they are; a dictionary's keys end in "_shape".
            input_data: the inputs themselves, in place of a shape.
            input_sparse, input_ragged: such arrays are not here: the test is skipped.
            call_kwargs: more arguments of the call.
            expected_...: what each thing must come to; None: not asked.
            supports_masking: what the layer must say of itself.
            run_training_check, run_mixed_precision_check: whether these two are done.
            assert_built_after_instantiation: whether the layer, having no weights, is built from the start.
        """
        if input_shape is not None and input_data is not None:
            raise ValueError("run_layer_test takes `input_shape` or `input_data`, not both")
        if expected_output is not None and input_data is None:
            raise ValueError("run_layer_test: `expected_output` needs `input_data`")
        if input_sparse or input_ragged:
            self.skipTest("arrays here are dense")

        def fresh(**more):
            return layer_cls(**{**(init_kwargs or {}), **more})

        def called(layer, inputs):
            named = inputs if isinstance(inputs, dict) else None
            return layer(**named, **(call_kwargs or {})) if named else layer(inputs, **(call_kwargs or {}))

        def counted(layer):
            self.assertTrue(layer.built)
            for what, count in (
                ("trainable_weights", expected_num_trainable_weights),
                ("non_trainable_weights", expected_num_non_trainable_weights),
                ("non_trainable_variables", expected_num_non_trainable_variables),
            ):
                if count is not None:
                    self.assertLen(getattr(layer, what), count, what)
            if expected_num_seed_generators is not None:
                self.assertLen(_seed_generators(layer), expected_num_seed_generators, "seed generators")

        layer = fresh()
        self.run_class_serialization_test(layer, custom_objects)
        if supports_masking is not None:
            self.assertEqual(layer.supports_masking, supports_masking)
        if assert_built_after_instantiation:
            self.assertTrue(layer.built, "a layer without weights is built from the start")
        if input_shape is None and input_data is None:
            return

        if input_data is None:
            kinds = "float32" if input_dtype is None else input_dtype
            input_data = _map_shapes(
                lambda shape, dtype: ops.cast(3 * np.random.uniform(size=shape), dtype), input_shape, kinds
            )
        symbols = tree.map_structure(lambda x: Symbol(np.shape(x), dtypes.dtype_of(x)), input_data)
        shape = (
            tree.map_structure(lambda x: tuple(np.shape(x)), input_data)
            if input_shape is None
            else input_shape
        )
        layer = fresh()
        layer.build(**shape) if isinstance(shape, dict) else layer.build(shape)
        counted(layer)

        layer = fresh()
        outputs = called(layer, symbols)
        counted(layer)
        self._check_outputs(outputs, expected_output_shape, expected_output_dtype)
        if expected_mask_shape is not None:
            self.assertEqual(expected_mask_shape, layer.compute_mask(symbols).shape)

        layer = fresh()
        outputs = called(layer, input_data)
        self._check_outputs(outputs, expected_output_shape, expected_output_dtype)
        if expected_output is not None:
            self.assertEqual(type(expected_output), type(outputs))
            for expected, output in zip(tree.flatten(expected_output), tree.flatten(outputs), strict=True):
                self.assertAllClose(expected, output, tpu_atol=tpu_atol, tpu_rtol=tpu_rtol)
        if expected_num_losses is not None:
            self.assertLen(layer.losses, expected_num_losses)
        if run_training_check:
            _train(layer, input_data, outputs)
        if run_mixed_precision_check:
            self._check_mixed_precision(fresh(dtype="mixed_float16"), called, input_data)

    def _check_outputs(self, outputs, shape, dtype) -> None:
        if shape is not None:
            found = tree.map_structure(lambda x: tuple(x.shape), outputs)
            matches = _map_shapes(
                lambda wanted, got: (
                    len(wanted) == len(got) and all(w in (None, g) for w, g in zip(wanted, got, strict=True))
                ),
                shape,
                found,
            )
            self.assertTrue(all(tree.flatten(matches)), f"output shapes: expected {shape}, got {found}")
        if dtype is not None:
            found = tree.map_structure(lambda x: dtypes.standardize_dtype(x.dtype), outputs)
            self.assertEqual(tree.flatten(dtype), tree.flatten(found), "output dtypes")

    def _check_mixed_precision(self, layer, called: Callable, inputs) -> None:
        def spec(x):
            dtype = dtypes.dtype_of(x)
            return Symbol(
                np.shape(x), layer.compute_dtype if dtypes.is_float(dtype) and layer.autocast else dtype
            )

        outputs = called(layer, inputs)
        specs = tree.map_structure(spec, inputs)
        said = (
            layer.compute_output_spec(**specs)
            if isinstance(specs, dict)
            else layer.compute_output_spec(specs)
        )
        for output, each in zip(tree.flatten(outputs), tree.flatten(said), strict=True):
            self.assertDType(output, each.dtype)
        for weight in layer.weights:
            if dtypes.is_float(weight.dtype):
                self.assertDType(weight, "float32")


class _Sum(losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.sum(y_pred)


def _train(layer, inputs, outputs) -> None:
    class Whole(models.Model):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def call(self, x, training=False):
            return self.layer(x, training=training)

    model = Whole()
    model.compile(optimizer="sgd", loss=_Sum())
    model.fit(itertools.repeat((inputs, outputs)), steps_per_epoch=1, verbose=0)


def _map_shapes(fn: Callable, shapes, others):
    """`fn(shape, other)` at each shape of a structure; one `other` may stand for all."""
    if isinstance(shapes, list | tuple) and all(each is None or isinstance(each, int) for each in shapes):
        return fn(tuple(shapes), others)
    if isinstance(shapes, dict):
        row = others if isinstance(others, dict) else dict.fromkeys(shapes, others)
        return {key.removesuffix("_shape"): _map_shapes(fn, each, row[key]) for key, each in shapes.items()}
    row = others if isinstance(others, list | tuple) else [others] * len(shapes)
    return type(shapes)(_map_shapes(fn, shape, other) for shape, other in zip(shapes, row, strict=True))


def _seed_generators(layer) -> list:
    found = {id(each): each for part in layer._flatten_layers() for each in part._seed_generators}
    return list(found.values())


def _json(value) -> str:
    """JSON that keeps tuples apart from lists."""

    def marked(each):
        if isinstance(each, tuple):
            return {"class_name": "__tuple__", "config": {"value": [marked(part) for part in each]}}
        if isinstance(each, list):
            return [marked(part) for part in each]
        return {key: marked(part) for key, part in each.items()} if isinstance(each, dict) else each

    return json.dumps(marked(value), sort_keys=True)
