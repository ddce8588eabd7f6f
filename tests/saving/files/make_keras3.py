"""Writes `keras3_layouts.json`: what Keras 3.15.1 names what in the files of the models in `model_table.py`."""

import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import keras  # noqa: E402
from layouts import layout  # noqa: E402
from model_table import CASES  # noqa: E402

if __name__ == "__main__":
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            keras.backend.clear_session()
            model = case.make(keras)
            model(case.data()[0])
            model.save(f"{folder}/model.keras")
            found[case.name] = layout(f"{folder}/model.keras")
    rows = (f"{json.dumps(name)}: {json.dumps(each, sort_keys=True)}" for name, each in found.items())
    (HERE / "keras3_layouts.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
