"""`cornu convert`, `cornu summary`, `cornu diff`: what they print and their exit codes."""

import pathlib

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.cli import main

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "keras1"


@pytest.fixture
def saved(tmp_path):
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.save(tmp_path / "a.keras")
    return model, tmp_path


def test_convert_keeps_the_numbers_of_keras_1(tmp_path, capsys):
    old, new = GOLDEN / "conv2d_th" / "model.h5", tmp_path / "new.keras"
    assert main(["convert", str(old), str(new)]) == 0
    assert "numbers in" in capsys.readouterr().out
    data = np.load(GOLDEN / "conv2d_th" / "data.npz")
    np.testing.assert_allclose(cornu.models.load_model(new)(data["x0"]), data["predict_0"], atol=1e-5)
    assert main(["diff", str(old), str(new)]) == 0
    assert main(["convert", str(old), str(new)]) == 2  # it is there already
    assert "--force" in capsys.readouterr().err
    assert main(["convert", "--force", str(old), str(new)]) == 0


def test_summary_shows_layers_or_weights(saved, capsys):
    model, folder = saved
    assert main(["summary", str(folder / "a.keras")]) == 0
    assert f"{model.layers[-1].name} (Dense)" in capsys.readouterr().out
    model.save_weights(folder / "w.weights.h5")
    assert main(["summary", str(folder / "w.weights.h5")]) == 0
    out = capsys.readouterr().out
    assert "layers/dense/vars/0  float32[4, 3]" in out and "23 numbers in 4 weights" in out


def test_diff_says_what_differs_and_by_how_much(saved, capsys):
    model, folder = saved
    a, b = str(folder / "a.keras"), str(folder / "b.keras")
    kernel = model.layers[0].kernel
    changed = kernel.numpy().copy()
    changed[0, 0] += 0.5
    kernel.assign(changed)
    model.save(b)
    assert main(["diff", a, a]) == 0
    assert main(["diff", a, b]) == 1
    assert "layers/dense/vars/0: 1 of 12 numbers differ, by 0.5 at most" in capsys.readouterr().out
    assert main(["diff", "--tolerance", "0.6", a, b]) == 0
    kernel.assign(np.full((4, 3), np.nan))
    model.save(b)
    assert main(["diff", a, b]) == 1 and main(["diff", b, b]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["diff", "a"],
        ["diff", "none.h5", "none.h5"],
        ["summary", "none"],
        ["convert", "x"],
        ["summary", "--what"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_2(words, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert (
        captured.err.startswith(f"cornu {words[0]}: ") and captured.err.count("\n") == 1 and not captured.out
    )


@pytest.mark.parametrize("name", ["convert", "summary", "diff"])
def test_help(name, capsys):
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert "exit code" in capsys.readouterr().out
