"""Weights in safetensors."""

import sys

import numpy as np
import pytest

import cornu
from cornu import layers


def model(units: int = 3):
    return cornu.Sequential(
        [cornu.Input((4,)), layers.Dense(units), layers.BatchNormalization(), layers.Dense(2)]
    )


def test_names_and_arrays_are_those_of_the_model(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    first, second = model(), model()
    first.save_weights(tmp_path / "w.safetensors")
    arrays = numpy.load_file(tmp_path / "w.safetensors")
    kernel = arrays["layers/dense/vars/0"]
    np.testing.assert_array_equal(kernel, first.get_weights()[0])
    assert len(arrays) == 8
    second.load_weights(tmp_path / "w.safetensors")
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_does_not_fit_changes_nothing(tmp_path):
    pytest.importorskip("safetensors")
    model().save_weights(tmp_path / "w.safetensors")
    other = model(5)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"Dense 'dense.*shape \(4, 3\)"):
        other.load_weights(tmp_path / "w.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="bad.safetensors"):
        other.load_weights(tmp_path / "bad.safetensors")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_the_package_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"cornu\[safetensors\]"):
        model().save_weights(tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
