"""Deep dream: an image is changed so that chosen layers of a network answer more strongly, while staying smooth."""

import numpy as np
from keras import backend as K
from keras.layers import Convolution2D, Input, MaxPooling2D
from keras.models import Model

np.random.seed(1337)
rows, cols = 24, 32
settings = {"features": {"conv2": 0.5, "conv3": 1.0}, "continuity": 0.1, "dream_l2": 0.05}

# A small network with fixed weights stands in for VGG16.
dream = Input(batch_shape=(1, rows, cols, 3), name="dream")
y = Convolution2D(8, 3, 3, activation="relu", border_mode="same", name="conv1")(dream)
y = MaxPooling2D((2, 2), strides=(2, 2))(y)
y = Convolution2D(12, 3, 3, activation="relu", border_mode="same", name="conv2")(y)
y = Convolution2D(12, 3, 3, activation="relu", border_mode="same", name="conv3")(y)
model = Model(input=dream, output=y)
layer_dict = dict([(layer.name, layer) for layer in model.layers])


def continuity_loss(x):
    assert K.ndim(x) == 4
    a = K.square(x[:, : rows - 1, : cols - 1, :] - x[:, 1:, : cols - 1, :])
    b = K.square(x[:, : rows - 1, : cols - 1, :] - x[:, : rows - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


loss = K.variable(0.0)
for layer_name in settings["features"]:
    assert layer_name in layer_dict, "Layer " + layer_name + " not found in model."
    coeff = settings["features"][layer_name]
    x = layer_dict[layer_name].output
    shape = layer_dict[layer_name].output_shape
    loss -= coeff * K.sum(K.square(x[:, 2 : shape[1] - 2, 2 : shape[2] - 2, :])) / np.prod(shape[1:])
loss += settings["continuity"] * continuity_loss(dream) / (3 * rows * cols)
loss += settings["dream_l2"] * K.sum(K.square(dream)) / (3 * rows * cols)

grads = K.gradients(loss, dream)
outputs = [loss]
if type(grads) in {list, tuple}:
    outputs += grads
else:
    outputs.append(grads)
f_outputs = K.function([dream], outputs)


def eval_loss_and_grads(x):
    outs = f_outputs([x.reshape((1, rows, cols, 3))])
    return outs[0], np.array(outs[1:]).flatten().astype("float64")


x = np.random.uniform(-0.5, 0.5, (1, rows, cols, 3))
losses = []
for i in range(20):
    value, gradient = eval_loss_and_grads(x)
    x = x - 0.5 * gradient.reshape(x.shape) / (np.abs(gradient).mean() + 1e-7) * 0.02
    losses.append(float(value))
print("loss from %.4f to %.4f" % (losses[0], losses[-1]))
assert losses[-1] < losses[0]
print("done")
