"""Models as JSON and YAML, and what they say about the era they were made in."""

import json
import sys

import numpy as np
import pytest

import cornu
from cornu import config, layers, models, saving
from cornu.saving import objects

X = np.random.default_rng(0).random((4, 6, 6, 2)).astype("float32")

YAML_OF_KERAS_1 = """
class_name: Sequential
config:
- class_name: Dense
  config:
    activation: relu
    batch_input_shape: !!python/tuple [null, 3]
    init: glorot_uniform
    name: !!python/unicode 'first'
    output_dim: 2
keras_version: 1.2.2
"""


def test_yaml_of_keras_1():
    pytest.importorskip("yaml")
    model = models.model_from_yaml(YAML_OF_KERAS_1)
    assert (model.input_shape, model.output_shape, model.layers[0].name) == ((None, 3), (None, 2), "first")
    assert model._era == 1
    again = models.model_from_yaml(model.to_yaml())
    assert again.get_config() == model.get_config() and again._era == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!!python/object/apply:os.system ['true']", "no YAML that can be read without running code"),
        ("a: [1", "no YAML that can be read"),
        ("[1, 2]", "`class_name` and `config`"),
    ],
)
def test_yaml_that_is_no_model(text, words):
    pytest.importorskip("yaml")
    with pytest.raises(ValueError, match=words):
        models.model_from_yaml(text)


def test_yaml_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match="pip install 'cornu"):
        models.Sequential([layers.Dense(1, input_shape=(3,))]).to_yaml()


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_files_keep_the_arithmetic_of_their_era(name, tmp_path):
    """Theano's 'same' lays windows elsewhere: a model made so has to come back so, in whatever era it is read."""
    cornu.set_era(1)
    with config.backend_scope("theano"):
        model = models.Sequential(
            [layers.Conv2D(3, kernel_size=(2, 2), strides=2, padding="same", input_shape=(6, 6, 2))]
        )
        model.save(tmp_path / name)
        expected = model.predict(X)
    for era in (1, 3):
        cornu.set_era(era)
        again = saving.load_model(tmp_path / name)
        np.testing.assert_allclose(again.predict(X, verbose=0), expected, rtol=1e-6)
        assert again._era == 1
    cornu.set_era(3)
    assert "cornu" not in json.loads(models.Sequential([layers.Dense(1, input_shape=(3,))]).to_json())
    assert objects.describe(model)["cornu"] == {"era": 1, "backend": "theano"}
