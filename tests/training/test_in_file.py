"""Arrays in HDF5 files: read batch by batch where they are large, as a whole where they are not."""

import numpy as np
import pytest

import cornu
from cornu.training import data
from cornu.training.in_file import InFile
from cornu.utils.io_utils import HDF5Matrix

h5py = pytest.importorskip("h5py")
ROWS, BATCH = 20, 8


@pytest.fixture(params=["h5py", "HDF5Matrix"])
def files(request, tmp_path):
    """`(x, y)` in a file, as arrays, and the numbers of rows that are read."""
    rng = np.random.default_rng(0)
    x, y = rng.random((ROWS, 3)), rng.integers(0, 9, (ROWS, 2))
    path = str(tmp_path / "data.h5")
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = x, y
    if request.param == "h5py":
        with h5py.File(path) as file:
            yield (file["x"], file["y"]), (x, y), None
        return
    reads = []
    normalizer = lambda rows: (reads.append(len(rows)), rows)[1]  # noqa: E731
    stored = HDF5Matrix(path, "x", normalizer=normalizer), HDF5Matrix(path, "y")
    yield stored, (x, y), reads
    HDF5Matrix.refs.pop(path).close()


def run(x, y, **options):
    np.random.seed(0)
    weights = [np.full((3, 2), 0.5), np.zeros(2)]
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.set_weights(weights)
    model.compile(optimizer="sgd", loss="mse")
    history = model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0, **options).history
    return history, model.evaluate(x, y, verbose=0), model.predict(x, verbose=0)


@pytest.mark.parametrize(
    ("options", "resident"),
    [({}, 2**31), ({"shuffle": "batch"}, 10), ({"validation_split": 0.25}, 10)],
    ids=str,
)
def test_the_same_numbers_as_from_arrays(files, options, resident, monkeypatch):
    stored, arrays, reads = files
    wanted = run(*arrays, **options)
    monkeypatch.setattr(data, "RESIDENT_BYTES", resident)
    if reads:
        reads.clear()
    got = run(*stored, **options)
    for key, values in wanted[0].items():
        np.testing.assert_allclose(got[0][key], values, rtol=1e-5)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-5)
    np.testing.assert_allclose(got[2], wanted[2], rtol=1e-5)
    if reads and resident == 10:
        assert max(reads[: 2 * -(-ROWS // BATCH)]) == BATCH  # the two epochs


def test_rows_of_a_file():
    source = np.arange(12.0).reshape(6, 2)
    rows = InFile(source)
    assert rows.shape == (6, 2) and rows.dtype == "float32" and rows.nbytes == 48
    part = rows.part(slice(2, None))
    assert len(part) == 4 and part.ndim == 2
    np.testing.assert_array_equal(part[:], source[2:])
    np.testing.assert_array_equal(part[[3, 0, 3]], source[[5, 2, 5]])
    np.testing.assert_array_equal(np.asarray(part.part(slice(1, 3))), source[3:5])
    assert InFile(source, wide=True)[[0]].dtype == "float64"
