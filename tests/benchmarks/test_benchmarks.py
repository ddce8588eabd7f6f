"""The benchmarks measure what they say: equal losses in all libraries, counts of flops, an honest table."""

import jax
import numpy as np
import pytest

import cornu
from benchmarks import __main__ as command
from benchmarks import costs, libraries, report, sides
from benchmarks.workloads import WORKLOADS, data

STEPS = 3


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["tiny", "mlp", "lstm"])
def test_losses_equal_those_of_keras_from_equal_weights(name):
    pytest.importorskip("keras")
    workload = WORKLOADS[name]._replace(batch=8)
    ours, theirs = (sides.Keras(module, workload, rate=0.0) for module in ("cornu", "keras"))
    theirs.load(ours.weights())
    x, y = data(workload, STEPS)
    losses = [side.fit(x, y, 2, shuffle=False) for side in (ours, theirs)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert losses[0][0] != losses[0][1]
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["tiny", "mlp", "cnn", "resnet"])
def test_flops_are_those_that_xla_counts(name, monkeypatch):
    monkeypatch.setenv("CORNU_KERNELS", "0")  # of the compiled kernels XLA knows nothing
    workload = WORKLOADS[name]
    model = workload.model(cornu, 0.0)
    image = jax.ShapeDtypeStruct((1, *workload.shape), "float32")
    counted = jax.jit(lambda x: model(x)).lower(image).cost_analysis()["flops"]
    stated = costs.count(workload, cornu).forward
    assert stated <= counted * 1.12, "XLA leaves out what a padded convolution multiplies by zero"
    assert counted <= stated * 1.25, "the rest are sums, scales and activations"


def test_flops_of_recurrence_and_attention():
    gates, both, words = 4, 128 + 128, 80
    lstm = costs.count(WORKLOADS["lstm"], cornu).forward
    assert lstm == 2 * gates * both * 128 * words + 2 * 128
    projections, wide, scores = 4 * 128 * 128, 2 * 128 * 512, 2 * 128 * 128
    transformer = costs.count(WORKLOADS["transformer"], cornu).forward
    assert transformer == 2 * 2 * 128 * (projections + wide + scores) + 2 * 128 * 2


def run(*ms, **more) -> dict:
    return {"ms": list(ms), "peak_mb": 100.0, **more}


def test_a_row_is_the_median_of_all_rounds_and_is_held_against_the_best_peer():
    results = {
        ("train", "cnn"): {
            "cornu": [run(9, 10, 11, first_s=8.0), run(10, first_s=2.0)],
            "keras-jax": [run(30, first_s=9.0)],
            "torch": [run(12, first_s=3.0)],
        }
    }
    ours, keras, torch = report.rows(results)
    assert (ours["ms"], ours["first_s"], ours["best_peer"], ours["ratio"]) == (10, 2.0, "torch", 1.2)
    assert ours["met"] and ours["target"] == WORKLOADS["cnn"].target
    assert (keras["ratio"], torch["ratio"]) == (3.0, 1.2)
    results["train", "cnn"]["torch"] = [run(11, first_s=3.0)]
    assert not report.rows(results)[0]["met"]


def test_the_page_names_what_is_missing_and_what_failed():
    machine = {"processor": "P", "cores": 2, "memory_gb": 24, "system": "S", "python": "3.11"}
    machine |= {"date": "today", "load_before": 0.1}
    whole = {
        "machine": machine,
        "rounds": 1,
        "versions": {"cornu": {"jax": "1"}},
        "missing": ["keras-torch"],
        "failed": [{"library": "torch", "workload": "cnn", "error": "first\nlast line"}],
        "table": report.rows({("row", "tiny"): {"cornu": [run(1.0)], "keras-jax": [run(4.0)]}}),
        "consists_of": ["tiny: all of it"],
    }
    page = report.markdown(whole)
    assert "keras-torch: not installed" in page and "torch failed on cnn: last line" in page
    assert "| tiny | cornu | 1 |" in page and "4.00, wanted 5: MISSED" in page and "tiny: all of it" in page


def test_a_peer_that_is_not_installed_is_said_to_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(libraries, "PEERS", tmp_path)
    monkeypatch.setattr(libraries, "importable", lambda modules: False)
    monkeypatch.setattr(libraries, "run", lambda library, *told: {"train": run(1.0, first_s=1.0)})
    made = command.measure(command.plan(["tiny"]), None, rounds=2)
    assert made["missing"] == [name for name in libraries.MODELS if name != "cornu"]
    assert len(made["results"]["train", "tiny"]["cornu"]) == 2


def test_a_peer_beside_cornu_is_measured_where_its_own_environment_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setattr(libraries, "PEERS", tmp_path)
    monkeypatch.setattr(libraries, "importable", lambda modules: modules == ("keras",))
    monkeypatch.setattr(libraries, "run", lambda library, *told: {"train": run(1.0, first_s=1.0)})
    made = command.measure(command.plan(["tiny"]), None, rounds=1)
    assert "keras-jax" in made["results"]["train", "tiny"] and "keras-jax" not in made["missing"]
    assert "keras-tensorflow" in made["missing"]


@pytest.mark.parametrize(
    "names, works, parts",
    [
        (["cnn"], ["cnn"], ("train",)),
        (["cnn", "predict"], ["cnn"], ("train", "predict")),
        (["predict"], list(WORKLOADS), ("predict",)),
        ([], [*WORKLOADS, "32×32", "224×224"], ("train", "predict")),
    ],
)
def test_names_choose_the_work(names, works, parts):
    planned = command.plan(names)
    assert [name for name, _, _ in planned] == works
    assert planned[0][2] == ("measure", works[0], *parts)


def test_the_chart_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    report.chart(
        report.rows({("row", "tiny"): {"cornu": [run(1.0)], "torch": [run(0.5)]}}), tmp_path / "chart.png"
    )
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
