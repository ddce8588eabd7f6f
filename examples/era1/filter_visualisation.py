"""What a filter looks for: gradient ascent on an image, until one filter of a network answers most."""

import numpy as np
from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Flatten
from keras.models import Sequential

np.random.seed(1337)
size, count = 8, 200
rows, cols = np.indices((size, size))

# Stripes of four directions, moved and noisy.
waves = [rows, cols, rows + cols, rows - cols]
y = np.random.randint(4, size=count)
X = np.array([np.sin(waves[k] * 1.5 + phase) for k, phase in zip(y, np.random.uniform(0, 6, count))])
X = (X + np.random.normal(0, 0.2, X.shape)).astype("float32").reshape(-1, size, size, 1)

model = Sequential()
model.add(Convolution2D(6, 3, 3, input_shape=(size, size, 1), dim_ordering="tf", name="conv1"))
model.add(Activation("relu"))
model.add(Convolution2D(8, 3, 3, dim_ordering="tf", name="conv2"))
model.add(Flatten())
model.add(Dense(4, activation="softmax"))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(X, y.reshape(-1, 1), batch_size=20, nb_epoch=5, verbose=0)

input_img = model.input
layer_dict = dict([(layer.name, layer) for layer in model.layers])


def normalize(x):
    return x / (K.sqrt(K.mean(K.square(x))) + 1e-5)


kept_filters = []
for filter_index in range(2):
    layer_output = layer_dict["conv2"].output
    loss = K.mean(layer_output[:, :, :, filter_index])
    grads = normalize(K.gradients(loss, input_img)[0])
    iterate = K.function([input_img], [loss, grads])

    input_img_data = np.random.random((1, size, size, 1)) * 0.1
    losses = []
    for i in range(10):
        loss_value, grads_value = iterate([input_img_data])
        input_img_data += grads_value * 0.05
        losses.append(float(loss_value))
    assert np.isclose(np.sqrt((grads_value**2).mean()), 1.0, atol=1e-2)
    assert losses[-1] > losses[0]
    kept_filters.append((input_img_data[0], losses[-1]))

kept_filters.sort(key=lambda x: x[1], reverse=True)
print("answers", [round(value, 3) for _, value in kept_filters])

# The same layer's answer to real images, in both phases.
answers = K.function([model.layers[0].input, K.learning_phase()], [model.layers[2].output])
assert np.allclose(answers([X[:5], 0])[0], answers([X[:5], 1])[0])
print("done")
