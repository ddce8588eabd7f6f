"""Style transfer: an image with the content of one picture and the correlations between features of another."""

import numpy as np
from keras import backend as K
from keras.layers import AveragePooling2D, Convolution2D, Input
from keras.models import Model
from scipy.optimize import fmin_l_bfgs_b

np.random.seed(1337)
rows, cols = 16, 20
content_weight, style_weight, total_variation_weight = 0.025, 100.0, 1e-3

grid = np.indices((rows, cols)).astype("float32") / rows
content = np.stack([grid[0], grid[1], 1 - grid[0]], axis=-1)[np.newaxis]
style = np.stack([np.sin(20 * grid[1]), np.cos(20 * grid[0]), np.sin(9 * grid.sum(0))], axis=-1)[np.newaxis]

content_image = K.variable(content)
style_image = K.variable(style)
combination_image = K.placeholder((1, rows, cols, 3))
input_tensor = K.concatenate([content_image, style_image, combination_image], axis=0)

# A small network with fixed weights stands in for VGG16.
image = Input(tensor=input_tensor, shape=(rows, cols, 3))
y = Convolution2D(8, 3, 3, activation="relu", border_mode="same", name="conv1")(image)
y = AveragePooling2D((2, 2))(y)
y = Convolution2D(16, 3, 3, activation="relu", border_mode="same", name="conv2")(y)
model = Model(image, y)
outputs_dict = dict([(layer.name, layer.output) for layer in model.layers])


def gram_matrix(x):
    assert K.ndim(x) == 3
    features = K.batch_flatten(K.permute_dimensions(x, (2, 0, 1)))
    return K.dot(features, K.transpose(features))


def style_loss(style, combination):
    S, C = gram_matrix(style), gram_matrix(combination)
    return K.sum(K.square(S - C)) / (4.0 * (3**2) * ((rows * cols) ** 2))


def content_loss(base, combination):
    return K.sum(K.square(combination - base))


def total_variation_loss(x):
    a = K.square(x[:, : rows - 1, : cols - 1, :] - x[:, 1:, : cols - 1, :])
    b = K.square(x[:, : rows - 1, : cols - 1, :] - x[:, : rows - 1, 1:, :])
    return K.sum(K.pow(a + b, 1.25))


loss = K.variable(0.0)
layer_features = outputs_dict["conv2"]
loss += content_weight * content_loss(layer_features[0, :, :, :], layer_features[2, :, :, :])
for layer_name in ["conv1", "conv2"]:
    layer_features = outputs_dict[layer_name]
    sl = style_loss(layer_features[1, :, :, :], layer_features[2, :, :, :])
    loss += (style_weight / 2) * sl
loss += total_variation_weight * total_variation_loss(combination_image)

grads = K.gradients(loss, combination_image)
f_outputs = K.function([combination_image], [loss] + grads)


class Evaluator(object):
    """Loss and gradients, computed in one pass, asked for one after the other."""

    def __init__(self):
        self.loss_value = None
        self.grads_values = None

    def loss(self, x):
        assert self.loss_value is None
        outs = f_outputs([x.reshape((1, rows, cols, 3))])
        self.loss_value, self.grads_values = float(outs[0]), outs[1].flatten().astype("float64")
        return self.loss_value

    def grads(self, x):
        grad_values = np.copy(self.grads_values)
        self.loss_value = self.grads_values = None
        return grad_values


evaluator = Evaluator()
x = content.flatten().astype("float64")
values = []
for i in range(3):
    x, min_val, info = fmin_l_bfgs_b(evaluator.loss, x, fprime=evaluator.grads, maxfun=10)
    values.append(min_val)
print("loss by iteration", values)
assert values[-1] < 0.9 * values[0]

# What one number of the gradient says is what a small step shows.
place, eps = 100, 1e-1
gradient = (evaluator.loss(x), evaluator.grads(x))[1][place]
ends = []
for sign in (1, -1):
    moved = x.copy()
    moved[place] += sign * eps
    ends.append((evaluator.loss(moved), evaluator.grads(moved))[0])
assert np.isclose((ends[0] - ends[1]) / (2 * eps), gradient, rtol=0.1, atol=1e-3)
print("done")
