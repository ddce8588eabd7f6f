"""What models of Keras 2.3 did beside training: metrics added in calls, losses as symbols, frozen averages, no data."""

import io

import numpy as np
import pytest

import cornu
from cornu import Model, Sequential, layers, metrics, models
from cornu import backend as K
from cornu.layers import BatchNormalization, Dense, Input, Layer

draw = np.random.default_rng(0)
X = draw.normal(size=(10, 3)).astype("float32")
Y = draw.normal(size=(10, 2)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(2)


# ---- add_metric --------------------------------------------------------------------------------


class Counting(Layer):
    def call(self, inputs):
        self.add_metric(K.sum(inputs), name="total")
        return inputs * 2


def sums(size):
    return np.mean([X[start : start + size].sum() for start in range(0, len(X), size)])


def test_add_metric_in_a_call():
    x = Input((3,))
    model = Model(x, Dense(2)(Counting()(x)))
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=5, shuffle=False, verbose=0, validation_data=(X[:5], Y[:5])).history
    np.testing.assert_allclose(history["total"], sums(5), rtol=1e-5)
    np.testing.assert_allclose(history["val_total"], X[:5].sum(), rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(X, Y)[1], X.sum(), rtol=1e-5)
    assert model.predict(X).shape == (10, 2)


def test_add_metric_of_symbols():
    x = Input((3,))
    y = Dense(2, kernel_initializer="ones", trainable=False)(x)
    model = Model(x, y)
    model.add_metric(K.sum(y), name="total")
    model.add_metric(metrics.Mean(name="mean")(y))
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.metrics_names == ["loss", "mae", "total", "mean"]
    assert [metric.name for metric in model.metrics] == ["mae", "total", "mean"]
    _, _, total, mean = model.evaluate(X, Y, batch_size=5, verbose=0)
    np.testing.assert_allclose([total, mean], [2 * sums(5), X.sum(1).mean()], rtol=1e-4)


def test_add_metric_needs_a_name_of_its_own():
    x = Input((3,))
    model = Model(x, Dense(2)(x))
    with pytest.raises(ValueError, match="name"):
        model.add_metric(K.sum(x))
    model.add_metric(K.sum(x), name="total")
    with pytest.raises(ValueError, match="total"):
        model.add_metric(K.mean(x), name="total")
    with pytest.raises(ValueError, match="aggregation"):
        model.add_metric(K.sum(x), name="other", aggregation="max")


def test_metrics_have_names_before_the_first_batch():
    x = Input((3,))
    model = Model(x, [Dense(2, name="a")(x), Dense(1, name="b")(x)])
    model.compile("sgd", "mse", metrics=["mae"])
    names = ["loss", "a_loss", "b_loss", "a_mae", "b_mae"]
    assert model.metrics_names == names
    assert len(model.train_on_batch(X, [Y, Y[:, :1]])) == len(names)
    assert model.metrics_names == names


def test_one_metric_object_counts_each_output_by_itself():
    x = Input((3,))
    model = Model(x, [Dense(2, name="a")(x), Dense(2, name="b")(x)])
    model.compile("sgd", "mse", metrics=[metrics.MeanAbsoluteError(name="mae")])
    found = dict(zip(model.metrics_names, model.evaluate(X, [Y, Y + 9], verbose=0), strict=True))
    a, b = model.predict(X)
    np.testing.assert_allclose(
        [found["a_mae"], found["b_mae"]], [abs(a - Y).mean(), abs(b - Y - 9).mean()], rtol=1e-4
    )


# ---- losses ------------------------------------------------------------------------------------


def test_losses_are_symbols_of_the_graph():
    shared = Dense(2, kernel_regularizer="l1", activity_regularizer="l2")
    x, z = Input((3,)), Input((3,))
    model = Model([x, z], layers.add([shared(x), shared(z)]))
    model.add_loss(K.mean(model.output))
    model.add_loss(3.0)
    assert len(model.losses) == 2 + 2 + 1  # added, two calls, one weight
    kernel, bias = shared.get_weights()
    outputs = [each @ kernel + bias for each in (X, 2 * X)]
    told = K.function([x, z], [K.stack([K.sum(loss) for loss in model.losses])])([X, 2 * X])[0]
    wanted = [
        sum(outputs).mean(),
        3.0,
        *(0.01 * (each**2).sum() for each in outputs),
        0.01 * abs(kernel).sum(),
    ]
    np.testing.assert_allclose(told, wanted, rtol=1e-4)
    model.compile("sgd", None)
    np.testing.assert_allclose(model.test_on_batch([X, 2 * X]), sum(wanted), rtol=1e-4)


# ---- what is frozen ----------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", ["model", "layer", "inner", None])
def test_averages_of_what_is_frozen_stand_still(frozen):
    x = Input((3,))
    layer = BatchNormalization()
    inner = Model(x, layer(x))
    z = Input((3,))
    model = Model(z, Dense(2)(inner(z)))
    if frozen:
        {"model": model, "layer": layer, "inner": inner}[frozen].trainable = False
    model.compile("sgd", "mse")
    before = layer.get_weights()[2:]
    model.train_on_batch(X + 5, Y)
    moved = not all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()[2:], strict=True))
    assert moved == (frozen is None) == bool(model.updates)


# ---- inputs ------------------------------------------------------------------------------------


def test_no_samples_give_no_predictions():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2)])
    assert model.predict(X[:0]).shape == (0, 2)
    cornu.set_era(3)
    with pytest.raises(ValueError, match="empty"):
        Sequential([Input((3,)), Dense(2)]).predict(X[:0])


def test_predictions_are_as_many_as_rows_of_the_first_input():
    x, z = Input((3,)), Input((3,))
    model = Model([x, z], layers.add([x, z]))
    np.testing.assert_allclose(model.predict([X[:4], X]), 2 * X[:4], rtol=1e-6)


def test_inputs_that_lead_nowhere_are_layers_and_are_saved(tmp_path):
    x, z = Input((3,), name="x"), Input((5,), name="z")
    model = Model([x, z], Dense(2)(x))
    assert [layer.name for layer in model.layers if layer.is_input] == ["x", "z"]
    model.save(tmp_path / "model.h5")
    again = models.load_model(tmp_path / "model.h5")
    assert [each.shape for each in again.inputs] == [(None, 3), (None, 5)]
    given = [X, np.zeros((10, 5), "float32")]
    np.testing.assert_allclose(again.predict(given), model.predict(given), rtol=1e-6)


# ---- files -------------------------------------------------------------------------------------


def test_streams_and_open_files_take_models(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = Sequential([Dense(2, input_shape=(3,))])
    stream = io.BytesIO()
    models.save_model(model, stream)
    stream.seek(0)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        models.save_model(model, file.create_group("inside"))
        read = [models.load_model(stream), models.load_model(file["inside"])]
    for each in read:
        np.testing.assert_array_equal(each.predict(X), model.predict(X))


def test_arrays_of_another_shape_fill_weights_where_asked(tmp_path):
    model = Sequential([Dense(6, input_shape=(1,), name="a")])
    model.save_weights(tmp_path / "w.h5")
    other = Sequential([layers.Conv2D(6, 1, input_shape=(1, 1, 1), name="a")])
    with pytest.raises(ValueError, match="a"):
        other.load_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5", by_name=True, reshape=True)
    np.testing.assert_array_equal(other.get_weights()[0].ravel(), model.get_weights()[0].ravel())


def test_one_optimizer_of_two_models_is_saved_with_each(tmp_path):
    optimizer, path = cornu.optimizers.Adam(), tmp_path / "model.h5"
    for units in (4, 5):
        model = Sequential([Dense(units, input_shape=(3,)), Dense(2)])
        model.compile(optimizer, "mse")
        model.fit(X, Y, verbose=0)
    model.save(path)
    again = models.load_model(path)
    mine = [
        slot.numpy()
        for cell in model.trainable_weights
        for slot in optimizer.slots_of(cell)
        if slot is not None
    ]
    read = [
        slot.numpy()
        for cell in again.trainable_weights
        for slot in again.optimizer.slots_of(cell)
        if slot is not None
    ]
    assert len(mine) == 8 and all(map(np.array_equal, mine, read))
