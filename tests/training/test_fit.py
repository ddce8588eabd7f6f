"""The loop: spans, callbacks that want every batch, a user's own steps, data of every kind."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import Input, Model, Sequential, callbacks, layers, ops


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


X, Y = rows(50, 4), np.random.default_rng(1).integers(0, 3, 50)


def classifier(dropout=0.0, **compiled):
    cornu.utils.set_random_seed(7)
    stack = [Input((4,)), layers.Dense(8, "relu"), layers.Dropout(dropout), layers.Dense(3, "softmax")]
    model = Sequential(stack)
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **compiled})
    return model


class Watch(callbacks.Callback):
    """Wants to see every batch, so that each is a dispatch of its own."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs["loss"], self.model.get_weights()[0].copy()))


def test_spans_and_single_steps_do_the_same():
    together, apart = classifier(0.3), classifier(0.3)
    watch = Watch()
    how = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
    a = together.fit(X, Y, **how).history
    b = apart.fit(X, Y, **how, callbacks=[watch]).history
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-5)
    for left, right in zip(together.get_weights(), apart.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
    assert [batch for batch, _, _ in watch.seen] == [*range(13)] * 3
    kernels = [kernel for _, _, kernel in watch.seen]
    assert all((one != other).any() for one, other in zip(kernels, kernels[1:], strict=False))


def test_eager_steps_do_the_same():
    compiled, eager = classifier(0.3), classifier(0.3, run_eagerly=True)
    how = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    a, b = (model.fit(X, Y, **how).history for model in (compiled, eager))
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-4)


def test_same_seed_same_run_and_dropout_differs_between_steps():
    first, second = (classifier(0.5).fit(X, Y, epochs=2, verbose=0).history["loss"] for _ in range(2))
    assert first == second
    model = classifier(0.5)
    a, b = model(X, training=True), model(X, training=True)
    assert (np.asarray(a) != np.asarray(b)).any()
    assert (np.asarray(model(X)) == np.asarray(model(X))).all()


def test_what_a_callback_changes_takes_effect_at_once():
    class Change(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0 if epoch == 1 else 0.1
            if epoch == 2:
                self.model.set_weights([np.zeros_like(w) for w in self.model.get_weights()])
            self.before = self.model.get_weights()

        def on_epoch_end(self, epoch, logs=None):
            moved = any((a != b).any() for a, b in zip(self.before, self.model.get_weights(), strict=True))
            assert moved == (epoch != 1)

    classifier(optimizer="sgd").fit(X, Y, epochs=3, verbose=0, callbacks=[Change()])


def test_stop_training_inside_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    model = classifier()
    assert len(model.fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stop()]).epoch) == 1
    assert int(model.optimizer.iterations) == 3


def test_initial_epoch_counts_on():
    history = classifier().fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


class Sequence(cornu.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ended, self.threads = 0, set()

    def __len__(self):
        return 13

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        at = slice(4 * index, 4 * index + 4)
        return X[at], Y[at]

    def on_epoch_end(self):
        self.ended += 1


def generator():
    while True:
        for start in range(0, 50, 4):
            yield X[start : start + 4], Y[start : start + 4]


class Batches:
    """Yields the same batches each time it is asked."""

    def __iter__(self):
        return iter(zip(np.array_split(X[:48], 12), np.array_split(Y[:48], 12), strict=True))


SOURCES = {
    "generator": lambda: ((generator(),), {"steps_per_epoch": 13}),
    "sequence": lambda: ((Sequence(),), {"shuffle": False}),
    "list of lists": lambda: ((X.tolist(), Y.tolist()), {"batch_size": 4, "shuffle": False}),
    "jax": lambda: ((jnp.asarray(X), jnp.asarray(Y)), {"batch_size": 4, "shuffle": False}),
    "double": lambda: ((X.astype("float64"), Y.astype("int64")), {"batch_size": 4, "shuffle": False}),
    "iterable": lambda: ((Batches(),), {}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_data_of_every_kind_trains_the_same(name):
    n = 48 if name == "iterable" else 50
    how = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    expected = classifier().fit(X[:n], Y[:n], **how).history["loss"]
    data, more = SOURCES[name]()
    got = classifier().fit(*data, epochs=2, verbose=0, **more).history["loss"]
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_sequence_is_prepared_by_its_workers_and_told_of_each_epoch():
    data = Sequence(workers=2)
    classifier().fit(data, epochs=3, verbose=0)
    assert data.ended == 3 and threading.get_ident() not in data.threads


def test_a_generator_loses_nothing_between_two_fits():
    source = iter(range(100))
    seen = []

    def batches():
        for i in source:
            seen.append(i)
            yield X[:4], Y[:4]

    stream = batches()
    model = classifier()
    model.fit(stream, steps_per_epoch=3, epochs=2, verbose=0)
    model.fit(stream, steps_per_epoch=3, verbose=0)
    assert seen == list(range(9))


def test_shuffling_covers_every_row_once():
    rows_seen = []

    class Keep(Model):
        def train_step(self, data):
            jax.debug.callback(lambda x: rows_seen.append(np.asarray(x)), data[0])
            return super().train_step(data)

    x = Input((1,))
    model = Keep(x, layers.Dense(1)(x))
    model.compile("sgd", "mse")
    model.fit(np.arange(50.0)[:, None], np.zeros((50, 1)), batch_size=8, verbose=0)
    jax.effects_barrier()
    order = np.concatenate(rows_seen).ravel()
    assert sorted(order) == list(range(50)) and list(order) != list(range(50))


# ---- a user's own model and step ----------------------------------------------------------------


class Autoencoder(Model):
    """Lazy layers in lists and dicts, an added loss, its own metric."""

    def __init__(self):
        super().__init__()
        self.encoders = [layers.Dense(3, "tanh"), layers.Dense(2)]
        self.parts = {"decoder": layers.Dense(4)}
        self.energy = cornu.metrics.Mean(name="energy")

    def call(self, x, training=False):
        for layer in self.encoders:
            x = layer(x)
        self.add_loss(0.01 * ops.sum(x**2))
        return self.parts["decoder"](x)


def test_a_subclassed_model_builds_itself_and_adds_losses():
    model = Autoencoder()
    model.compile("adam", "mse")
    plain = model.evaluate(X, X, verbose=0)
    codes = X
    for layer in model.encoders:
        codes = layer(codes)
    mse = float(np.mean((np.asarray(model(X)) - X) ** 2))
    batches = [codes[:32], codes[32:]]
    added = sum(len(b) * float(0.01 * (np.asarray(b) ** 2).sum()) for b in batches) / 50
    assert plain[0] == pytest.approx(mse + added, rel=1e-4)
    history = model.fit(X, X, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert len(model.trainable_variables) == 6


def test_a_train_step_that_minimises():
    class Scaled(Model):
        def train_step(self, data):
            x, y = data[:2]
            loss, y_pred = self.minimize(
                lambda: (lambda p: (10 * ops.mean((p - y) ** 2), p))(self(x, training=True))
            )
            return {"ten": loss, "largest": ops.max(ops.abs(y_pred))}

    x = Input((4,))
    model = Scaled(x, layers.Dense(1, kernel_initializer="zeros")(x))
    model.compile(cornu.optimizers.SGD(0.01))
    y = rows(50, 1, seed=2)
    logs = model.fit(X, y, batch_size=50, verbose=0).history
    assert logs["ten"][0] == pytest.approx(10 * float((y**2).mean()), rel=1e-5)
    expected = 0.01 * 10 * 2 * X.T @ y / 50
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-4, atol=1e-6)


def test_a_stateless_train_step_as_keras_3_on_jax_has_it():
    class Stateless(Model):
        def loss_of(self, trained, others, x, y):
            y_pred, others = self.stateless_call(trained, others, x, training=True)
            return ops.mean((y_pred - y) ** 2), (y_pred, others)

        def train_step(self, state, data):
            trained, others, slots, meters = state
            x, y = data[:2]
            (loss, (_, others)), grads = jax.value_and_grad(self.loss_of, has_aux=True)(trained, others, x, y)
            trained, slots = self.optimizer.stateless_apply(slots, grads, trained)
            return {"loss": loss}, (trained, others, slots, meters)

    def make(cls):
        cornu.utils.set_random_seed(3)
        x = Input((4,))
        model = cls(x, layers.Dense(1)(layers.BatchNormalization()(x)))
        model.compile("adam", "mse")
        return model

    y = rows(50, 1, seed=2)
    own, plain = make(Stateless), make(Model)
    for model in (own, plain):
        model.fit(X, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(own.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# ---- types --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_learns_with_float32_weights(policy):
    x = Input((4,))
    hidden = layers.Dense(8, "relu", dtype=policy)(x)
    model = Model(x, layers.Dense(3, "softmax", dtype="float32")(hidden), dtype=policy)
    model.compile("adam", "sparse_categorical_crossentropy")
    labels = X[:, :3].argmax(1)
    history = model.fit(X, labels, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    assert {cell.dtype for cell in model.weights} == {"float32"}
    assert (type(model.optimizer).__name__ == "LossScaleOptimizer") == (policy == "mixed_float16")


def test_trainable_is_read_at_compile():
    model = classifier(optimizer="sgd")
    model.layers[0].trainable = False
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert (before[0] != model.get_weights()[0]).any()
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert (before[0] == model.get_weights()[0]).all()


def test_memory_stays_flat_over_many_fits():
    model = classifier()
    model.fit(X, Y, verbose=0)
    live = len(jax.live_arrays())
    for _ in range(30):
        model.fit(X, Y, verbose=0)
        model.predict(X, verbose=0)
    assert len(jax.live_arrays()) <= live + 20


def test_no_name_means_two_things():
    from cornu.layers.layer import Layer
    from cornu.training.loop import Trainer

    def names(*classes):
        return {n for c in classes for each in c.__mro__[:-1] for n in vars(each) if not n.startswith("__")}

    assert not (names(Trainer) & names(Layer))
