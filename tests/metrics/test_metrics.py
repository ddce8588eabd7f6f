"""Every metric over a table: against Keras 3.15.1 across several updates, and against the laws of all metrics."""

import copy
import inspect
import os
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import config, metrics
from cornu.variable import Variable

os.environ.setdefault("KERAS_BACKEND", "jax")
WHY = "Keras 3.15.1 says what is right here"

RNG = np.random.default_rng(11)
BATCHES, N, C = 2, 9, 4


def simplex(*shape):
    raw = RNG.random(shape).astype("float32") + 0.05
    return raw / raw.sum(-1, keepdims=True)


B = (BATCHES, N)
REAL = RNG.normal(size=(*B, C)).astype("float32"), RNG.normal(size=(*B, C)).astype("float32")
SCORES = RNG.random(B).astype("float32")
BITS = (RNG.random(B) > 0.4).astype("float32"), SCORES
MANY = (RNG.random((*B, C)) > 0.5).astype("float32"), RNG.random((*B, C)).astype("float32")
LABELS = RNG.integers(0, C, B), simplex(*B, C)
ONEHOT = np.eye(C, dtype="float32")[LABELS[0]], LABELS[1]
STEPS = RNG.integers(0, C, (*B, 3)), simplex(*B, 3, C)
SAME = RNG.integers(0, C, B), RNG.integers(0, C, B)
SIGNS = MANY[0] * 2 - 1, REAL[1]
COLUMN = BITS[0][..., None], BITS[1][..., None]
IDS = LABELS[0], np.argsort(-LABELS[1], -1).astype("int32")

PER_SAMPLE = RNG.random(B).astype("float32")
PER_STEP = RNG.random((*B, 3)).astype("float32")
PER_VALUE = RNG.random((*B, C)).astype("float32")
INTS = RNG.integers(0, 3, B)

# class, options, data, the weights that go with it
TABLE = [
    ("Accuracy", {}, SAME, PER_SAMPLE),
    ("BinaryAccuracy", {}, BITS, PER_SAMPLE),
    ("BinaryAccuracy", {"threshold": 0.7}, MANY, PER_SAMPLE),
    ("BinaryAccuracy", {}, COLUMN, PER_SAMPLE),
    ("CategoricalAccuracy", {}, ONEHOT, PER_SAMPLE),
    ("SparseCategoricalAccuracy", {}, LABELS, PER_SAMPLE),
    ("SparseCategoricalAccuracy", {}, (LABELS[0][..., None], LABELS[1]), PER_SAMPLE),
    ("SparseCategoricalAccuracy", {}, STEPS, PER_STEP),
    ("SparseCategoricalAccuracy", {}, STEPS, PER_SAMPLE),
    ("TopKCategoricalAccuracy", {"k": 2}, ONEHOT, PER_SAMPLE),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, PER_SAMPLE),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, STEPS, PER_STEP),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, IDS, PER_SAMPLE),
    ("MeanSquaredError", {}, REAL, PER_SAMPLE),
    ("RootMeanSquaredError", {}, REAL, PER_SAMPLE),
    ("RootMeanSquaredError", {}, REAL, PER_VALUE),
    ("MeanAbsoluteError", {}, REAL, PER_SAMPLE),
    ("MeanAbsolutePercentageError", {}, REAL, PER_SAMPLE),
    ("MeanSquaredLogarithmicError", {}, REAL, PER_SAMPLE),
    ("CosineSimilarity", {}, REAL, PER_SAMPLE),
    ("LogCoshError", {}, REAL, PER_SAMPLE),
    ("PearsonCorrelation", {}, REAL, PER_SAMPLE),
    ("ConcordanceCorrelation", {}, REAL, PER_SAMPLE),
    ("R2Score", {}, REAL, PER_SAMPLE),
    ("R2Score", {"class_aggregation": None}, REAL, PER_VALUE),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, REAL, PER_SAMPLE),
    ("R2Score", {"num_regressors": 5}, REAL, PER_SAMPLE),
    ("Hinge", {}, SIGNS, PER_SAMPLE),
    ("SquaredHinge", {}, SIGNS, PER_SAMPLE),
    ("CategoricalHinge", {}, ONEHOT, PER_SAMPLE),
    ("KLDivergence", {}, (simplex(*B, C), simplex(*B, C)), PER_SAMPLE),
    ("Poisson", {}, (simplex(*B, C), simplex(*B, C)), PER_SAMPLE),
    ("BinaryCrossentropy", {}, MANY, PER_SAMPLE),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, (MANY[0], REAL[1]), PER_SAMPLE),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ONEHOT, PER_SAMPLE),
    ("CategoricalCrossentropy", {"from_logits": True}, (ONEHOT[0], REAL[1]), PER_SAMPLE),
    ("SparseCategoricalCrossentropy", {}, LABELS, PER_SAMPLE),
    ("SparseCategoricalCrossentropy", {}, STEPS, PER_STEP),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, STEPS, PER_STEP),
    ("F1Score", {}, ONEHOT, PER_SAMPLE),
    ("F1Score", {"average": "macro", "threshold": 0.5}, MANY, PER_SAMPLE),
    ("FBetaScore", {"beta": 2.0, "average": "micro"}, MANY, PER_SAMPLE),
    ("FBetaScore", {"beta": 0.5, "average": "weighted", "threshold": 0.4}, MANY, PER_SAMPLE),
    ("TruePositives", {}, BITS, PER_SAMPLE),
    ("TrueNegatives", {"thresholds": [0.2, 0.6, 0.4]}, BITS, PER_SAMPLE),
    ("FalsePositives", {"thresholds": [0.0, 0.5, 1.0]}, MANY, PER_SAMPLE),
    ("FalseNegatives", {"thresholds": 0.3}, COLUMN, PER_SAMPLE),
    ("Precision", {}, BITS, PER_SAMPLE),
    ("Precision", {"thresholds": [0.3, 0.8]}, MANY, PER_VALUE),
    ("Precision", {"top_k": 2}, MANY, PER_SAMPLE),
    ("Precision", {"top_k": 2, "class_id": 1}, MANY, PER_SAMPLE),
    ("Recall", {}, BITS, PER_SAMPLE),
    ("Recall", {"class_id": 3}, MANY, PER_SAMPLE),
    ("Recall", {"top_k": 1, "thresholds": 0.5}, MANY, None),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, BITS, PER_SAMPLE),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 1}, BITS, PER_SAMPLE),
    ("PrecisionAtRecall", {"recall": 0.6, "num_thresholds": 50}, BITS, PER_SAMPLE),
    ("RecallAtPrecision", {"precision": 0.6, "class_id": 2}, MANY, PER_SAMPLE),
    ("AUC", {}, BITS, PER_SAMPLE),
    ("AUC", {"num_thresholds": 20}, MANY, PER_SAMPLE),
    ("AUC", {"thresholds": [0.1, 0.5, 0.55, 0.9]}, BITS, PER_SAMPLE),
    ("AUC", {"curve": "PR"}, BITS, PER_SAMPLE),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, BITS, PER_SAMPLE),
    ("AUC", {"curve": "PRGAIN"}, BITS, PER_SAMPLE),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, BITS, PER_SAMPLE),
    ("AUC", {"summation_method": "majoring"}, BITS, PER_SAMPLE),
    ("AUC", {"multi_label": True}, MANY, PER_SAMPLE),
    ("AUC", {"multi_label": True, "num_labels": C, "label_weights": [1.0, 0.5, 0.2, 2.0]}, MANY, PER_SAMPLE),
    ("AUC", {"multi_label": True, "curve": "PR", "label_weights": [1.0, 0.5, 0.2, 2.0]}, MANY, None),
    ("AUC", {"label_weights": [1.0, 0.5, 0.2, 2.0]}, MANY, PER_SAMPLE),
    ("AUC", {"from_logits": True}, (BITS[0], REAL[1][..., 0]), PER_SAMPLE),
    ("IoU", {"num_classes": C, "target_class_ids": [0, 2]}, SAME, INTS),
    (
        "IoU",
        {"num_classes": 3, "target_class_ids": [1], "ignore_class": 2, "dtype": "float32"},
        SAME,
        PER_SAMPLE,
    ),
    ("MeanIoU", {"num_classes": C}, SAME, INTS),
    ("MeanIoU", {"num_classes": C, "sparse_y_pred": False}, LABELS, INTS),
    ("BinaryIoU", {}, BITS, INTS),
    ("BinaryIoU", {"target_class_ids": [1], "threshold": 0.3}, BITS, None),
    ("OneHotIoU", {"num_classes": C, "target_class_ids": [0, 1]}, ONEHOT, INTS),
    ("OneHotMeanIoU", {"num_classes": C}, ONEHOT, INTS),
]
NAMES = [f"{name}-{options}" for name, options, _, _ in TABLE]
every = pytest.mark.parametrize("name, options, data, weights", TABLE, ids=NAMES)
# an ignored class leaves the mean only where there are weights, as in Keras
ONE_EACH = list({row[0]: row for row in TABLE if "ignore_class" not in row[1]}.values())
one_each = pytest.mark.parametrize("name, options, data, weights", ONE_EACH, ids=[row[0] for row in ONE_EACH])


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason=WHY)


def same(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=tolerance, atol=1e-6)


def results(metric, data, weights):
    """What the metric says after each of the batches."""
    weights = [None] * BATCHES if weights is None else weights
    return [np.asarray(metric(*batch, sample_weight=w)) for *batch, w in zip(*data, weights, strict=True)]


# ---- against Keras 3 ---------------------------------------------------------------------------


@pytest.mark.oracle
@every
def test_results_equal_those_of_keras(keras, name, options, data, weights):
    ours, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    same(results(ours, data, weights), results(theirs, data, weights))
    if weights is not None:
        ours.reset_state()
        theirs.reset_state()
        batch = [x[0] for x in data]
        same(ours(*batch), theirs(*batch))
    assert ours.name.rstrip("_0123456789") == theirs.name.rstrip("_0123456789")
    assert ours._direction == getattr(theirs, "_direction", None)
    assert [cell.shape for cell in ours.variables] == [cell.shape for cell in theirs.variables]


PUBLIC = sorted({name for name, *_ in TABLE} | {"Mean", "Sum", "MeanMetricWrapper"})


@pytest.mark.oracle
@pytest.mark.parametrize("name", PUBLIC)
def test_constructors_take_what_those_of_keras_take(keras, name):
    def known(cls):
        return [
            (p.name, p.default)
            for p in inspect.signature(cls).parameters.values()
            if p.kind is not p.VAR_KEYWORD
        ]

    assert known(getattr(metrics, name)) == known(getattr(keras.metrics, name))


FUNCTIONS = [
    ("binary_accuracy", MANY, {"threshold": 0.6}),
    ("binary_accuracy", (COLUMN[0], BITS[1]), {}),
    ("categorical_accuracy", ONEHOT, {}),
    ("sparse_categorical_accuracy", STEPS, {}),
    ("top_k_categorical_accuracy", ONEHOT, {"k": 2}),
    ("sparse_top_k_categorical_accuracy", STEPS, {"k": 3}),
    ("pearson_correlation", REAL, {"axis": 0}),
    ("concordance_correlation", REAL, {"axis": 0}),
    ("huber", REAL, {"delta": 0.5}),
    ("binary_focal_crossentropy", MANY, {"gamma": 1.0}),
    ("mean_squared_error", REAL, {}),
]


@pytest.mark.oracle
@pytest.mark.parametrize("name, data, options", FUNCTIONS)
def test_functions_equal_those_of_keras(keras, name, data, options):
    batch = data[0][0], data[1][0]
    same(getattr(metrics, name)(*batch, **options), getattr(keras.metrics, name)(*batch, **options))


@pytest.mark.oracle
def test_names_mean_what_they_mean_in_keras(keras):
    from keras.src.metrics import ALL_OBJECTS_DICT

    for name, cls in ALL_OBJECTS_DICT.items():
        parameters = [p for p in inspect.signature(cls).parameters.values() if p.kind is not p.VAR_KEYWORD]
        if all(p.default is not p.empty for p in parameters):
            ours = metrics.get(name)
            assert type(ours).__name__ == cls.__name__
            assert ours.name == keras.metrics.get(name).name or name in ("auc", "metric") or "_" in ours.name


# ---- laws --------------------------------------------------------------------------------------


@one_each
def test_compiled_with_its_state_lent_equals_eager(name, options, data, weights):
    metric = getattr(metrics, name)(**options)
    expected = results(metric, data, weights)
    metric.reset_state()
    state = [cell.value for cell in metric.variables]
    traced = []

    @jax.jit
    def step(state, *batch):
        traced.append(batch)
        state = metric.stateless_update_state(state, *batch)
        return state, metric.stateless_result(state)

    weights = [None] * BATCHES if weights is None else weights
    for *batch, wanted in zip(*data, weights, expected, strict=True):
        state, result = step(state, *batch)
        same(result, wanted)
    assert len(traced) == 1
    assert all(float(jnp.sum(jnp.abs(cell.value))) == 0 for cell in metric.variables)
    same(jnp.concatenate([jnp.ravel(x) for x in metric.stateless_reset_state()]), 0)


@one_each
def test_configuration_and_copies_make_the_same_metric_again(name, options, data, weights):
    metric = getattr(metrics, name)(**options, name="mine")
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert again.get_config() | options == again.get_config()
    expected = results(metric, data, weights)[-1]
    same(results(again, data, weights)[-1], expected)
    for twin in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        same(twin.result(), expected)
        twin.reset_state()
        same(metric.result(), expected)


@pytest.mark.parametrize(
    "kind", ["AUC", "FBetaScore", "MeanIoU", "Precision", "R2Score", "RootMeanSquaredError"]
)
def test_one_batch_of_all_equals_many(kind):
    name, options, data, weights = next(row for row in ONE_EACH if row[0] == kind)
    whole = [x.reshape(-1, *x.shape[2:]) for x in (*data, weights) if x is not None]
    many = results(getattr(metrics, name)(**options), data, weights)[-1]
    same(getattr(metrics, name)(**options)(*whole), many)


@one_each
def test_lists_and_weights_of_one(name, options, data, weights):
    lists = [x[0].tolist() for x in data]
    result = getattr(metrics, name)(**options)(*lists)
    same(getattr(metrics, name)(**options)(*lists, sample_weight=[1] * N), result)


# ---- one by one --------------------------------------------------------------------------------


def test_state_is_found_by_looking():
    class Several(metrics.Metric):
        def __init__(self, **kwargs):
            self.parts = {"mean": metrics.Mean(), "list": [metrics.Sum()]}  # before the base's constructor
            super().__init__(**kwargs)
            self.own = self.add_weight(name="own", initializer="ones")
            self.lonely = Variable(2.0, name="lonely")

        def update_state(self, values, sample_weight=None):
            self.own.assign_add(1)
            self.parts["mean"].update_state(values)

        def result(self):
            return {"mean": self.parts["mean"].result(), "own": self.own.value}

    metric = Several(name="several")
    assert [cell.name for cell in metric.variables] == ["own", "total", "count", "total", "lonely"]
    assert metric.own.path == "several/own"
    found = metric([1.0, 3.0])
    assert (float(found["mean"]), float(found["own"])) == (2.0, 2.0)
    state = metric.stateless_update_state(metric.stateless_reset_state(), [5.0])
    assert float(metric.stateless_result(state)["mean"]) == 5.0
    assert float(metric.result()["mean"]) == 2.0
    with pytest.raises(ValueError, match="5 variables; got 2"):
        metric.stateless_result(state[:2])


def test_mean_and_sum_with_weights_of_every_rank():
    values = RNG.random((5, 3, 2)).astype("float32")
    for shape in ((), (5,), (5, 1), (5, 3), (5, 3, 1), (5, 3, 2)):
        weights = RNG.random(shape).astype("float32")
        full = np.broadcast_to(weights.reshape(shape + (1,) * (3 - len(shape))), values.shape)
        if shape:
            same(metrics.Mean()(values, weights), (values * full).sum() / full.sum())
        same(metrics.Sum()(values, weights), (values * full).sum())
    assert float(metrics.Mean()(3.0)) == 3.0
    with pytest.raises(ValueError, match=r"\(4,\).*\(5,\)"):
        metrics.Mean()(values[:, 0, 0], np.ones(4))


def test_options_are_handed_to_the_function():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, threshold=0.7)
    same(metric(*(x[0] for x in BITS)), metrics.BinaryAccuracy(threshold=0.7)(*(x[0] for x in BITS)))
    again = metrics.MeanMetricWrapper.from_config(metric.get_config())
    assert again.threshold == 0.7
    assert again.name == metric.name


def test_a_mask_that_travels_with_the_predictions_counts():
    from cornu import scope

    y_true, y_pred, mask = STEPS[0][0], jnp.asarray(STEPS[1][0]), PER_STEP[0] > 0.5
    scope.set_mask(y_pred, jnp.asarray(mask))
    hits = y_true == np.argmax(y_pred, -1)
    for weights, counts in (
        (None, mask),
        (PER_STEP[0], mask * PER_STEP[0]),
        (PER_SAMPLE[0], mask * PER_SAMPLE[0][:, None]),
    ):
        metric = metrics.SparseCategoricalAccuracy()
        same(metric(y_true, y_pred, sample_weight=weights), (hits * counts).sum() / counts.sum())


def test_a_function_of_the_whole_batch_counts_once_a_batch_and_before_era_3_by_size():
    def largest(y_true, y_pred):
        return jnp.max(y_pred)

    metric = metrics.MeanMetricWrapper(largest)
    with config.era_scope(1):
        old = metrics.MeanMetricWrapper(largest)
    for each in (metric, old):
        each.update_state(np.zeros(1), np.array([1.0]))
        each.update_state(np.zeros(3), np.array([1.0, 5.0, 2.0]))
    assert float(metric.result()) == 3.0
    assert float(old.result()) == 4.0


def test_weights_that_are_no_ints_are_not_cut_in_silence():
    with pytest.warns(UserWarning, match="float32"):
        metrics.MeanIoU(2)([0, 1], [0, 1], sample_weight=[0.5, 1.5])


def test_scores_that_are_equal_to_a_threshold_are_a_no():
    metric = metrics.TruePositives(thresholds=[0.0, 0.25, 0.5, 0.75])
    assert metric([1, 1, 1, 1], [0.0, 0.25, 0.5, 0.75]).tolist() == [3, 2, 1, 0]


def test_adjusted_r2_is_not_adjusted_where_that_cannot_be():
    y = np.arange(3.0)[:, None], np.array([[0.0], [1.0], [1.0]])
    same(metrics.R2Score(num_regressors=2)(*y), metrics.R2Score()(*y))


BAD = [
    (lambda: metrics.AUC(curve="XY"), "`curve` is one of ROC, PR, PRGAIN"),
    (lambda: metrics.AUC(summation_method="none"), "summation_method"),
    (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
    (lambda: metrics.AUC(num_labels=2), "multi_label"),
    (lambda: metrics.AUC(thresholds=[0.5, 2.0]), "between 0 and 1"),
    (lambda: metrics.AUC(multi_label=True)(np.ones(3), np.ones(3)), r"\(batch, labels\)"),
    (lambda: metrics.Precision(thresholds=[-1]), "between 0 and 1"),
    (lambda: metrics.Precision(class_id=1)(np.ones(3), np.ones(3)), "class_id"),
    (lambda: metrics.Recall()(np.ones((3, 2)), np.ones((3, 4))), r"\(3, 2\).*\(3, 4\)"),
    (lambda: metrics.Recall()(np.ones(3), np.ones(3), np.ones(2)), "sample_weight"),
    (lambda: metrics.SensitivityAtSpecificity(1.5), "specificity"),
    (lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0), "num_thresholds"),
    (lambda: metrics.FBetaScore(beta=1), "float above 0"),
    (lambda: metrics.F1Score(average="mean"), "average"),
    (lambda: metrics.F1Score(threshold=2.0), "threshold"),
    (lambda: metrics.F1Score()(np.ones(3), np.ones(3)), r"\(batch, columns\)"),
    (lambda: metrics.R2Score("mean"), "class_aggregation"),
    (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
    (lambda: metrics.IoU(2, [0, 2]), "class 2"),
    (lambda: metrics.MeanIoU(2)([0, 1], [0, 1, 1]), r"\(2,\).*\(3,\)"),
    (lambda: metrics.CategoricalAccuracy()(np.ones((3, 1)), np.ones((3, 2))), "categorical_accuracy"),
    (lambda: metrics.SparseCategoricalAccuracy()(np.ones((3, 2)), np.ones((3, 2))), "integer labels"),
    (lambda: metrics.get("precission"), "precision"),
]


@pytest.mark.parametrize("make, said", BAD)
def test_mistakes_are_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_unknown_arguments_and_identifiers():
    with pytest.raises(TypeError, match="threshold"):
        metrics.BinaryAccuracy(treshold=0.5)
    with pytest.raises(TypeError, match="metrics"):
        metrics.get(3)
    assert metrics.get(None) is None
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert metrics.get(max) is max
