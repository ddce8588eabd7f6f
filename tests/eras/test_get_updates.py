"""Optimizers of a user's own that state their updates, and updates of the library's, in Keras 1 and 2."""

import numpy as np
import pytest

import cornu
from cornu import constraints, layers, models, optimizers
from cornu.eras import optimizers as past

draw = np.random.default_rng(0)
X, Y = draw.random((48, 5)).astype("float32"), draw.random((48, 1)).astype("float32")


@pytest.fixture(params=[1, 2])
def K(request, keras_is_cornu):  # noqa: N802 - as programs call it
    cornu.set_era(request.param)
    return keras_is_cornu.backend


def own_sgd(K):
    """SGD as Keras 1 and 2 wrote it, in the words that both had."""

    class Own(optimizers.Optimizer):
        def __init__(self, lr=0.01, momentum=0.0, decay=0.0, nesterov=False, **kwargs):
            super().__init__(**kwargs)
            self.__dict__.update(locals())
            self.iterations = K.variable(0.0)
            self.lr, self.momentum, self.decay = K.variable(lr), K.variable(momentum), K.variable(decay)
            self.first_decay = decay

        def get_updates(self, *given):
            params, constraints, loss = given if len(given) == 3 else (given[1], {}, given[0])
            grads = self.get_gradients(loss, params)
            self.updates, lr = [], self.lr
            if self.first_decay > 0:
                lr *= 1.0 / (1.0 + self.decay * self.iterations)
                self.updates.append(K.update_add(self.iterations, 1))
            moments = [K.zeros(K.get_value(p).shape) for p in params]
            self.weights = [self.iterations, *moments]
            for p, g, m in zip(params, grads, moments, strict=True):
                v = self.momentum * m - lr * g
                self.updates.append(K.update(m, v))
                new = p + self.momentum * v - lr * g if self.nesterov else p + v
                hold = constraints.get(p) or getattr(p, "constraint", None)
                self.updates.append((p, new if hold is None else hold(new)))
            return self.updates

    return Own


def own_adam(K):
    class Own(optimizers.Optimizer):
        def __init__(self, lr=0.001, **kwargs):
            super().__init__(**kwargs)
            self.lr, self.iterations = K.variable(lr), K.variable(0)

        def get_updates(self, *given):
            params, loss = (given[0], given[2]) if len(given) == 3 else (given[1], given[0])
            t = self.iterations + 1
            rate = self.lr * K.sqrt(1.0 - K.pow(0.999, t)) / (1.0 - K.pow(0.9, t))
            self.updates = [K.update(self.iterations, t)]
            for p, g in zip(params, K.gradients(loss, params), strict=True):
                m, v = K.zeros(K.int_shape(p)), K.zeros(K.int_shape(p))
                new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * K.square(g)
                self.updates += [K.update(m, new_m), K.update(v, new_v)]
                self.updates.append(K.update(p, p - rate * new_m / (K.sqrt(new_v) + 1e-7)))
            return self.updates

    return Own


EPOCHS = {1: "nb_epoch", 2: "epochs"}


def trained(optimizer, weights=None, held=None):
    hidden = layers.Dense(4, activation="tanh", kernel_constraint=held, input_shape=(5,))
    model = models.Sequential([hidden, layers.Dense(1)])
    if weights is not None:
        model.set_weights(weights)
    first = model.get_weights()
    model.compile(optimizer, "mse")
    history = model.fit(
        X, Y, batch_size=16, shuffle=False, verbose=0, **{EPOCHS[cornu.config.era()]: 3}
    ).history
    return model, first, history["loss"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9, "decay": 0.01, "nesterov": True},
        {"clipnorm": 0.3},
        {"clipvalue": 0.01, "momentum": 0.5},
    ],
)
def test_own_sgd_is_sgd(K, options):
    held = constraints.MaxNorm(0.7)
    theirs, first, losses = trained(optimizers.SGD(0.1, **options), held=held)
    mine, _, same = trained(own_sgd(K)(0.1, **options), first, held)
    np.testing.assert_allclose(same, losses, rtol=1e-4)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert int(K.get_value(mine.optimizer.iterations)) == (9 if options.get("decay") else 0)
    assert [each.shape for each in mine.optimizer.get_weights()] == [(), (5, 4), (4,), (4, 1), (1,)]


def test_own_adam_is_adam(K):
    mine, first, losses = trained(own_adam(K)(0.01))
    _, _, same = trained(optimizers.Adam(0.01, epsilon=1e-7), first)
    np.testing.assert_allclose(same, losses, rtol=1e-4)
    assert int(K.get_value(mine.optimizer.iterations)) == 9


def test_the_rate_is_live(K):
    model, _, _ = trained(own_sgd(K)(0.1))
    K.set_value(model.optimizer.lr, 0.0)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(model.optimizer.lr) == 0
    model.optimizer.lr.set_value(0.5)
    model.train_on_batch(X, Y)
    assert np.abs(before[0] - model.get_weights()[0]).max() > 0


@pytest.mark.parametrize("kind", ["own", "SGD", "Adam"])
def test_updates_in_a_function(K, kind):
    """The training loops of one's own that reinforcement learning used, beside those of `train_on_batch`."""
    make = own_sgd(K) if kind == "own" else getattr(optimizers, kind)
    models_ = [models.Sequential([layers.Dense(1, input_shape=(5,))]) for _ in range(2)]
    models_[1].set_weights(models_[0].get_weights())
    target = K.placeholder((None, 1))
    loss, params = K.mean(K.square(models_[0].output - target)), models_[0].trainable_weights
    given = (params, {}, loss) if cornu.config.era() == 1 else (loss, params)
    step = K.function([models_[0].input, target], [loss], updates=make(lr=0.05).get_updates(*given))
    models_[1].compile(make(lr=0.05), "mse")
    for _ in range(5):
        assert float(step([X, Y])[0]) == pytest.approx(models_[1].train_on_batch(X, Y), rel=1e-4)
    for a, b in zip(*(model.get_weights() for model in models_), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_more_of_the_loss_than_its_gradients(K):
    class Odd(optimizers.Optimizer):
        def get_updates(self, *given):
            params, loss = (given[0], given[2]) if len(given) == 3 else (given[1], given[0])
            return [K.update(params[0], params[0] * loss)]

    model = models.Sequential([layers.Dense(1, input_shape=(5,))])
    model.compile(Odd(), "mse")
    with pytest.raises(ValueError, match="Odd.get_updates uses more of the loss than its gradients"):
        model.train_on_batch(X, Y)


def test_what_keras_optimizers_had(K):
    g = np.array([3.0, 4.0], "float32")
    np.testing.assert_allclose(past.clip_norm(g, 1.0, 5.0), g / 5, rtol=1e-6)
    np.testing.assert_array_equal(past.clip_norm(g, 0, 5.0), g)
    np.testing.assert_array_equal(past.clip_norm(g, 9.0, 5.0), g)
    made = past.optimizer_from_config({"class_name": "SGD", "config": {"lr": 0.5}})
    assert isinstance(made, optimizers.SGD) and float(made.lr) == 0.5
    assert optimizers.get("sgd", {"lr": 0.25}).lr.get_value() == 0.25
    with pytest.raises(ValueError, match="belongs to TensorFlow"):
        past.TFOptimizer(object())
