"""Small parts of Keras 2.3 that programs reached for: reductions of losses, stores, metrics, helpers of training."""

import io

import numpy as np
import pytest

import cornu
from cornu import backend as K
from cornu import losses, metrics
from cornu.eras import engine
from cornu.eras import optimizers as old
from cornu.utils import h5dict, losses_utils, metrics_utils

draw = np.random.default_rng(2)


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(2)


# ---- reductions --------------------------------------------------------------------------------

VALUES, WEIGHTS = np.array([[1.0, 2], [3, 4]]), np.array([1.0, 3])
WEIGHED = VALUES * WEIGHTS[:, None]


@pytest.mark.parametrize(
    "reduction, wanted", [("none", WEIGHED), ("sum", WEIGHED.sum()), ("sum_over_batch_size", WEIGHED.mean())]
)
def test_weighted_losses(reduction, wanted):
    for weights in (WEIGHTS, WEIGHTS[:, None]):
        made = losses_utils.compute_weighted_loss(VALUES, weights, reduction)
        np.testing.assert_allclose(made, wanted, rtol=1e-6)
    np.testing.assert_allclose(losses_utils.compute_weighted_loss(VALUES, 2.0, "sum"), 20)


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(3,\).*\(2, 2\)"):
        losses_utils.broadcast_weights(VALUES, np.ones(3))
    with pytest.raises(ValueError, match="mean"):
        losses_utils.Reduction.validate("mean")


def test_axes_of_one_come_and_go():
    p, y, w = losses_utils.squeeze_or_expand_dimensions(np.ones((4, 1)), np.ones(4), np.ones((4, 1)))
    assert [np.shape(each) for each in (p, y, w)] == [(4,), (4,), (4,)]
    assert np.shape(losses_utils.squeeze_or_expand_dimensions(np.ones((4, 2)), None, np.ones(4))[2]) == (4, 1)


def test_masked_objective():
    y, p = draw.normal(size=(2, 3, 4, 2))
    mask, weights = np.ones((3, 4)), np.array([1.0, 0, 2])
    mask[1, 0] = mask[2, 3] = 0
    objective = engine.weighted_masked_objective(losses.get("mae"))
    values = abs(y - p).mean(-1) * mask / (mask.mean() + 1e-7)
    wanted = (values.mean(1) * weights / (weights != 0).mean()).mean()
    cells = [K.variable(each) for each in (y, p, weights, mask)]
    np.testing.assert_allclose(K.eval(objective(*cells)), wanted, rtol=1e-5)
    assert K.eval(objective(*cells[:3], K.variable(mask * 0))) == 0
    assert engine.weighted_masked_objective(None) is None


# ---- helpers of training -----------------------------------------------------------------------


def test_lengths_of_arrays():
    a, b = np.ones((4, 3)), np.ones((3, 3))
    for fine in (([a, a], [a], [a]), ([None], [None], [None]), (None, None, None)):
        engine.check_array_length_consistency(*fine)
    for wrong in (([a], [b], None), ([a], [None], None), ([a], None, [b])):
        with pytest.raises(ValueError, match="as many samples"):
            engine.check_array_length_consistency(*wrong)


def test_weights_of_samples_and_classes_multiply():
    y, own = np.array([0, 1, 2]), np.array([0.5, 1, 2])
    made = engine.standardize_weights(y, own, {0: 2, 1: 3, 2: 4})
    np.testing.assert_allclose(made, [1, 3, 8])
    cornu.set_era(1)
    np.testing.assert_allclose(engine.standardize_weights(y, own, {0: 2, 1: 3, 2: 4}), own)


def test_a_queue_gives_all_there_is_and_what_went_wrong():
    enqueuer = engine.GeneratorEnqueuer(iter(range(20)), use_multiprocessing=False)
    enqueuer.start(3, 10)
    assert sorted(enqueuer.get()) == list(range(20))
    enqueuer.stop()

    def failing():
        yield 1
        raise IndexError("beyond")

    enqueuer = engine.GeneratorEnqueuer(failing())
    enqueuer.start(workers=1, max_queue_size=2)
    with pytest.raises(IndexError, match="beyond"):
        list(enqueuer.get())
    enqueuer.stop()


def test_optimizers_from_data():
    data = {"class_name": "SGD", "config": {"lr": 0.5}}
    assert float(old.deserialize(data).learning_rate.numpy()) == 0.5
    assert data["class_name"] == "sgd"  # as it was left there


# ---- stores ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "dict"])
def test_stores(kind, tmp_path):
    pytest.importorskip("h5py")
    path, array = (tmp_path / "store.h5" if kind == "file" else {}), draw.normal(size=(2, 3))
    with h5dict.H5Dict(path, "w") as store:
        store["word"], store["words"], store["array"] = "abc", [b"de", b"f"], array
        store["group"]["below"]["more"] = array + 1
    with h5dict.H5Dict(path, "r") as store:
        assert store["word"] == "abc" and list(store["words"]) == [b"de", b"f"]
        np.testing.assert_array_equal(store["array"], array)
        np.testing.assert_array_equal(store["group"]["below"]["more"], array + 1)
        assert "group" in store and "other" not in store and store.get("other", 3) == 3
        for change in (lambda: store["new"], lambda: store.__setitem__("new", 1)):
            with pytest.raises(ValueError, match="new"):
                change()
    with pytest.raises(TypeError, match="3"):
        h5dict.H5Dict(3)


def test_long_lists_are_split(tmp_path):
    words = [f"word{i}" + "x" * 1000 for i in range(200)]
    with h5dict.H5Dict(tmp_path / "store.h5", "w") as store:
        store["words"] = words
        assert store["words"] == words and len(store.data.attrs) > 1


def test_files_in_memory():
    stream, array = io.BytesIO(), draw.normal(size=(2, 3))
    h5dict.save_to_binary_h5py(lambda file: file.__setitem__("a", array), stream)
    stream.seek(0)
    np.testing.assert_array_equal(h5dict.load_from_binary_h5py(lambda file: file["a"][()], stream), array)


# ---- metrics -----------------------------------------------------------------------------------


def test_metrics_were_layers():
    metric = metrics.Mean()
    metric([1.0, 3.0])
    assert metric.stateful and len(metric.weights) == 2
    metric.reset_states()
    assert float(metric.result()) == 0

    class Own(metrics.Mean):
        def reset_states(self):
            super().reset_states()
            self.total.assign(7.0)

    own = Own()
    own.reset_state()
    assert float(own.total) == 7


def test_the_threshold_that_comes_closest():
    scores, labels = [0.0, 0.1, 0.2, 0.3, 0.4, 0.1, 0.45, 0.5, 0.8, 0.9], [0] * 5 + [1] * 5
    thresholds = np.arange(200) / 199
    above = np.array(scores)[None] > thresholds[:, None]
    sensitivity = above[:, 5:].mean(1)
    wanted = (~above[:, :5]).mean(1)[abs(sensitivity - 0.8).argmin()]
    made = metrics.SpecificityAtSensitivity(0.8)(np.array(labels), np.array(scores, "float32"))
    np.testing.assert_allclose(made, wanted)


def test_weights_count_in_fractions():
    made = metrics.MeanIoU(2)([0, 1, 1], [0, 0, 1], sample_weight=[0.5, 0.25, 0.25])
    np.testing.assert_allclose(made, (0.5 / 0.75 + 0.25 / 0.5) / 2, rtol=1e-6)


def test_losses_of_that_time():
    p = np.array([[1.0, 0.0]], "float32")
    edge = np.float32(1) - np.float32(1e-7)
    wanted = -(np.log(1 - edge + np.float32(1e-7))) / 2
    np.testing.assert_allclose(losses.binary_crossentropy(np.array([[0.0, 0.0]]), p), [wanted], rtol=1e-3)
    np.testing.assert_allclose(losses.hinge(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), [1.0])


def test_words_of_metrics():
    assert metrics.AUC(curve="PR").curve == metrics_utils.AUCCurve.PR
    assert metrics_utils.AUCSummationMethod.from_str("Majoring") == "majoring"
    kept = metrics_utils.filter_top_k(np.array([[1.0, 3, 2]], "float32"), 2)
    assert kept.tolist() == [[metrics_utils.NEG_INF, 3.0, 2.0]]


# ---- backend -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, shape, wanted",
    [(2, (2, 2), [[2, 2], [2, 2]]), ([1, 2, 3, 4], (2, 2), [[1, 2], [3, 4]]), ([1, 2], (4,), [1, 2, 2, 2])],
)
def test_constants_fill_their_shape(value, shape, wanted):
    assert K.constant(value, shape=shape).tolist() == wanted


def test_constants_do_not_overflow():
    with pytest.raises(ValueError, match="5 numbers"):
        K.constant(np.arange(5), shape=(2, 2))
