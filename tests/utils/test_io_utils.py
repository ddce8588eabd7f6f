"""HDF5Matrix is an array that is read when it is asked for."""

import h5py
import numpy as np
import pytest

import cornu
from cornu.utils import io_utils
from cornu.utils.io_utils import HDF5Matrix, load_array, save_array

ROWS = np.arange(60.0).reshape(20, 3)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["x"], file["group/y"] = ROWS, ROWS[:, 0]
    yield str(tmp_path / "rows.h5")
    file = HDF5Matrix.refs.pop(str(tmp_path / "rows.h5"), None)
    if file:
        file.close()


@pytest.mark.parametrize("key", [
    0, 7, -1, slice(None), slice(2, 5), slice(3, None), slice(None, None, 2), slice(None, None, -1),
    [1, 2, 5], [5, 1, 1, 0], np.array([9, 0]), np.array([True, False] * 5), np.int64(3), (slice(2), 1),
    (3, slice(1, 3)),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("start, end", [(0, 10), (5, 15)])
def test_indexing_is_an_arrays(path, key, start, end):
    matrix = HDF5Matrix(path, "x", start, end)
    np.testing.assert_array_equal(matrix[key], ROWS[start:end][key])


def test_shape_and_type(path):
    matrix = HDF5Matrix(path, "group/y", start=4)
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size, matrix.dtype) == (
        16,
        (16,),
        1,
        16,
        "float64",
    )
    np.testing.assert_array_equal(np.asarray(matrix), ROWS[4:, 0])


def test_normalizer(path):
    matrix = HDF5Matrix(path, "x", normalizer=lambda rows: rows - 1)
    np.testing.assert_array_equal(matrix[2], ROWS[2] - 1)
    np.testing.assert_array_equal(matrix[[2, 1]], ROWS[[2, 1]] - 1)


def test_shape_and_type_are_what_the_normalizer_makes(path):
    matrix = HDF5Matrix(path, "x", 0, 10, normalizer=lambda rows: rows[:, ::2].astype("uint8"))
    assert (matrix.shape, matrix.dtype) == ((10, 2), "uint8")
    np.testing.assert_array_equal(matrix[2:4], ROWS[2:4, ::2])


@pytest.mark.parametrize("key", [10, -11, slice(0, 11), [3, 10], np.array([-11])])
def test_beyond_the_rows(path, key):
    with pytest.raises(IndexError, match="has 10 rows here"):
        HDF5Matrix(path, "x", 0, 10)[key]


def test_what_is_not_there(path):
    with pytest.raises(KeyError, match="no dataset 'z'; it has group, x"):
        HDF5Matrix(path, "z")
    with pytest.raises(TypeError, match="got None"):
        HDF5Matrix(path, "x")[None]
    with pytest.raises(FileNotFoundError):
        HDF5Matrix(f"{path}5", "x")
    with pytest.raises(IndexError, match="start=3, end=99"):
        HDF5Matrix(path, "x", 3, 99)


def test_models_take_it(path):
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = HDF5Matrix(path, "x", 0, 16, normalizer=lambda rows: rows / 60)
    y = HDF5Matrix(path, "group/y", 0, 16)
    assert np.isfinite(model.fit(x, y, shuffle="batch", verbose=0).history["loss"][0])
    np.testing.assert_allclose(
        model.predict(x, verbose=0), model.predict(ROWS[:16] / 60, verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "a", "a.npy", "a.npz"])
def test_arrays_in_files(tmp_path, name):
    save_array(ROWS, tmp_path / name)
    np.testing.assert_array_equal(load_array(tmp_path / name), ROWS)


def test_the_question(monkeypatch):
    answers = iter(["maybe", "y", "N"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    assert io_utils.ask_to_proceed_with_overwrite("a")
    assert not io_utils.ask_to_proceed_with_overwrite("a")
