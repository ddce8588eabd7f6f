"""A few of the files that `make fuzz` reads: whatever is changed in one, reading it ends well or in a clear error."""

import json
import random
import sys

import pytest

from tools import fuzz

FILES = 160

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are not there")


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return fuzz.Reader(tmp_path_factory.mktemp("files"), seed=1)


@pytest.mark.filterwarnings("ignore")
def test_changed_files(reader):
    outcomes = [reader.read(number) for number in range(FILES)]
    assert {"read", "UnsafeFile", "weights"} <= {*outcomes}
    assert not list(reader.folder.iterdir())


def test_files_are_the_same_each_time(reader):
    for number in range(5):
        assert reader.file(number) == reader.file(number)
    assert len({reader.file(number)[1] for number in range(30)}) > 20


@pytest.mark.parametrize("kind", fuzz.MUTATE)
def test_files_are_changed(reader, kind):
    good = next(good for good in reader.good if good.name.endswith(kind))
    changed = [fuzz.MUTATE[kind](good.data, random.Random(seed)) for seed in range(20)]
    assert sum(each != good.data for each in changed) > 15


def test_faults_are_seen(reader, monkeypatch):
    """Running out of memory, failing in words that are none, and changing weights before failing are found out."""
    for error in (MemoryError("no"), KeyError("x"), AttributeError("y")):
        with pytest.raises(fuzz.Fault):
            fuzz.clear(error)
    wrapped = ValueError("could not be read")
    wrapped.__cause__ = MemoryError("no")
    with pytest.raises(fuzz.Fault, match="memory"):
        fuzz.clear(wrapped)
    fuzz.clear(ValueError("fine"))

    model = reader.models["dense.weights.h5"]

    def half(path):
        model.weights[0].assign(model.weights[0].value + 1)
        raise ValueError("half way")

    monkeypatch.setattr(model, "load_weights", half)
    with pytest.raises(fuzz.Fault, match="changed the model"):
        reader._weights(reader.folder / "x", model)


def test_paths_of_a_configuration():
    assert list(fuzz.places({"a": [1, {"b": 2}]})) == [("a",), ("a", 0), ("a", 1), ("a", 1, "b")]
    text = json.dumps({"a": [1, 2, 3]}).encode()
    assert {fuzz.rewrite(text, random.Random(seed)) for seed in range(9)} != {text}
