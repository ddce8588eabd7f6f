"""A layer, a regularizer, a constraint, an objective and an optimizer of one's own, as programs of 2016 had them."""

import numpy as np
from keras import activations, constraints, initializations, regularizers
from keras import backend as K
from keras.constraints import Constraint
from keras.engine.topology import InputSpec, Layer
from keras.layers import Dense
from keras.models import Sequential, model_from_json
from keras.optimizers import Optimizer
from keras.regularizers import Regularizer
from sklearn.datasets import load_iris

np.random.seed(1337)


class Antirectifier(Layer):
    """The positive parts of the inputs and of what is opposite, side by side; their mean is taken off before."""

    def compute_output_shape(self, input_shape):
        return self.get_output_shape_for(input_shape)

    def get_output_shape_for(self, input_shape):
        shape = list(input_shape)
        assert len(shape) == 2
        shape[-1] *= 2
        return tuple(shape)

    def call(self, x, mask=None):
        x -= K.mean(x, axis=1, keepdims=True)
        x = K.l2_normalize(x, axis=1)
        return K.concatenate([K.relu(x), K.relu(-x)], axis=1)


class Scaled(Layer):
    """`activation(gain * (x W) + b)`, and a running mean of what comes out."""

    def __init__(
        self,
        output_dim,
        init="he_uniform",
        activation="linear",
        W_regularizer=None,
        W_constraint=None,
        weights=None,
        input_dim=None,
        **kwargs,
    ):
        self.init = initializations.get(init)
        self.activation = activations.get(activation)
        self.output_dim = output_dim
        self.W_regularizer = regularizers.get(W_regularizer)
        self.W_constraint = constraints.get(W_constraint)
        self.initial_weights = weights
        self.input_spec = [InputSpec(ndim=2)]
        self.input_dim = input_dim
        if self.input_dim:
            kwargs["input_shape"] = (self.input_dim,)
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        assert len(input_shape) == 2
        input_dim = input_shape[1]
        self.input_spec = [InputSpec(dtype=K.floatx(), shape=(None, input_dim))]
        self.W = self.add_weight(
            (input_dim, self.output_dim),
            initializer=self.init,
            name="{}_W".format(self.name),
            regularizer=self.W_regularizer,
            constraint=self.W_constraint,
        )
        self.b = K.zeros((self.output_dim,), name="{}_b".format(self.name))
        self.gain = K.ones((), name="{}_gain".format(self.name))
        self.mean = K.zeros((self.output_dim,), name="{}_mean".format(self.name))
        self.trainable_weights = [self.W, self.b, self.gain]
        self.non_trainable_weights = [self.mean]
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
            del self.initial_weights
        self.built = True

    def call(self, x, mask=None):
        output = self.activation(self.gain * K.dot(x, self.W) + self.b)
        self.add_update([K.moving_average_update(self.mean, K.mean(output, axis=0), 0.9)], x)
        return K.in_train_phase(output + K.random_normal(shape=K.shape(output), std=0.01), output)

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        config = {
            "output_dim": self.output_dim,
            "init": self.init.__name__,
            "input_dim": self.input_dim,
            "activation": self.activation.__name__,
        }
        base_config = super(Scaled, self).get_config()
        return dict(list(base_config.items()) + list(config.items()))


class Centered(Regularizer):
    def __init__(self, strength=0.01):
        self.strength = strength

    def __call__(self, x):
        return self.strength * K.sum(K.square(K.mean(x, axis=0)))

    def get_config(self):
        return {"name": self.__class__.__name__, "strength": self.strength}


class Clipped(Constraint):
    def __init__(self, c):
        self.c = c

    def __call__(self, p):
        return K.clip(p, -self.c, self.c)


class SignSGD(Optimizer):
    """Steps of one size against the sign of a moving average of the gradients."""

    def __init__(self, lr=0.01, momentum=0.9, decay=0.0, **kwargs):
        super(SignSGD, self).__init__(**kwargs)
        self.__dict__.update(locals())
        self.iterations = K.variable(0.0)
        self.lr = K.variable(lr)
        self.decay = K.variable(decay)

    def get_updates(self, params, constraints, loss):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        lr = self.lr * (1.0 / (1.0 + self.decay * self.iterations))
        shapes = [K.get_variable_shape(p) for p in params]
        averages = [K.zeros(shape) for shape in shapes]
        self.weights = [self.iterations] + averages
        for p, g, a in zip(params, grads, averages):
            a_t = self.momentum * a + (1.0 - self.momentum) * g
            self.updates.append(K.update(a, a_t))
            new_p = p - lr * K.sign(a_t)
            if p in constraints:
                new_p = constraints[p](new_p)
            self.updates.append(K.update(p, new_p))
        return self.updates


def smooth_crossentropy(y_true, y_pred):
    """The usual one, of targets moved a little towards all classes alike."""
    nb_classes = K.int_shape(y_pred)[-1]
    return K.categorical_crossentropy(y_pred, 0.95 * y_true + 0.05 / nb_classes)


X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
Y = np.eye(3)[y]

model = Sequential()
model.add(Scaled(12, input_dim=4, W_regularizer=Centered(0.1), W_constraint=Clipped(0.8)))
model.add(Antirectifier())
model.add(Dense(3, activation="softmax"))
optimizer = SignSGD(lr=0.02, decay=0.01)
model.compile(loss=smooth_crossentropy, optimizer=optimizer, metrics=["accuracy"])
model.summary()
history = model.fit(X, Y, batch_size=16, nb_epoch=30, verbose=0)
print("accuracy %.3f" % history.history["acc"][-1])
assert history.history["acc"][-1] > 0.9

layer = model.layers[0]
print(
    "gain %.3f, largest weight %.3f, updates %d"
    % (K.get_value(layer.gain), np.abs(K.get_value(layer.W)).max(), K.get_value(optimizer.iterations))
)
assert np.abs(K.get_value(layer.W)).max() <= 0.8 + 1e-6 and K.get_value(optimizer.iterations) == 300
assert [w.shape for w in layer.get_weights()] == [(4, 12), (12,), (), (12,)] and K.get_value(layer.mean).any()

mine = {"Scaled": Scaled, "Antirectifier": Antirectifier}
again = model_from_json(model.to_json(), mine)
again.set_weights(model.get_weights())
assert np.allclose(again.predict(X), model.predict(X), atol=1e-6)
print("done")
