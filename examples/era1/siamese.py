"""Two images through one network: how far apart are they, and do they show the same digit?"""

import random

import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Input, Lambda
from keras.models import Model, Sequential
from keras.optimizers import RMSprop
from sklearn.datasets import load_digits

np.random.seed(1337)
random.seed(1337)
digits = load_digits()
X, y = (digits.data / 16.0).astype("float32"), digits.target


def euclidean_distance(vects):
    x, y = vects
    return K.sqrt(K.maximum(K.sum(K.square(x - y), axis=1, keepdims=True), K.epsilon()))


def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)


def contrastive_loss(y_true, y_pred):
    """Close where the labels agree, at least a margin apart where they differ (Hadsell et al. 2006)."""
    margin = 1
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(margin - y_pred, 0)))


def create_pairs(x, indices):
    pairs, labels = [], []
    n = min([len(indices[d]) for d in range(10)]) - 1
    for d in range(10):
        for i in range(n):
            pairs += [[x[indices[d][i]], x[indices[d][i + 1]]]]
            other = (d + random.randrange(1, 10)) % 10
            pairs += [[x[indices[d][i]], x[indices[other][i]]]]
            labels += [1, 0]
    return np.array(pairs), np.array(labels)


def create_base_network(input_dim):
    seq = Sequential()
    seq.add(Dense(64, input_shape=(input_dim,), activation="relu"))
    seq.add(Dropout(0.1))
    seq.add(Dense(32, activation="relu"))
    return seq


def compute_accuracy(predictions, labels):
    return labels[predictions.ravel() < 0.5].mean()


pairs, labels = create_pairs(X, [np.where(y == i)[0] for i in range(10)])
base_network = create_base_network(64)
input_a, input_b = Input(shape=(64,)), Input(shape=(64,))
processed_a, processed_b = base_network(input_a), base_network(input_b)
distance = Lambda(euclidean_distance, output_shape=eucl_dist_output_shape)([processed_a, processed_b])
model = Model(input=[input_a, input_b], output=distance)

model.compile(loss=contrastive_loss, optimizer=RMSprop())
history = model.fit([pairs[:, 0], pairs[:, 1]], labels, batch_size=128, nb_epoch=5, verbose=0)
predictions = model.predict([pairs[:, 0], pairs[:, 1]])
print("loss", history.history["loss"], "accuracy %.3f" % compute_accuracy(predictions, labels))
assert compute_accuracy(predictions, labels) > 0.7

# The distance is symmetric, and of an image to itself as small as the square root lets it be.
swapped = model.predict([pairs[:, 1], pairs[:, 0]])
assert np.allclose(predictions, swapped, atol=1e-5)
assert np.allclose(model.predict([X[:9], X[:9]]), np.sqrt(K.epsilon()), atol=1e-6)
print("done")
