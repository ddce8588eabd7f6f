"""Digits by a small convolutional network, channels first as Theano liked them."""

import numpy as np
from keras import backend as K
from keras.callbacks import EarlyStopping, ReduceLROnPlateau
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import np_utils
from sklearn.datasets import load_digits

np.random.seed(1337)
batch_size, nb_classes, nb_epoch = 16, 10, 10
img_rows, img_cols = 8, 8
nb_filters, pool_size, kernel_size = 12, (2, 2), (3, 3)

digits = load_digits()
X, y = digits.data, digits.target
X_train, X_test, y_train, y_test = X[:1500], X[1500:], y[:1500], y[1500:]

K.set_image_dim_ordering("th")
if K.image_dim_ordering() == "th":
    X_train = X_train.reshape(X_train.shape[0], 1, img_rows, img_cols)
    X_test = X_test.reshape(X_test.shape[0], 1, img_rows, img_cols)
    input_shape = (1, img_rows, img_cols)
else:
    X_train = X_train.reshape(X_train.shape[0], img_rows, img_cols, 1)
    X_test = X_test.reshape(X_test.shape[0], img_rows, img_cols, 1)
    input_shape = (img_rows, img_cols, 1)
X_train, X_test = X_train.astype("float32") / 16, X_test.astype("float32") / 16
print("X_train shape:", X_train.shape)

Y_train = np_utils.to_categorical(y_train, nb_classes)
Y_test = np_utils.to_categorical(y_test, nb_classes)

model = Sequential()
model.add(
    Convolution2D(nb_filters, kernel_size[0], kernel_size[1], border_mode="valid", input_shape=input_shape)
)
model.add(Activation("relu"))
model.add(Convolution2D(nb_filters, kernel_size[0], kernel_size[1]))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=pool_size))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64))
model.add(Activation("relu"))
model.add(Dropout(0.25))
model.add(Dense(nb_classes))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
assert [each.shape for each in model.get_weights()[:2]] == [(12, 1, 3, 3), (12,)]

model.fit(
    X_train,
    Y_train,
    batch_size=batch_size,
    nb_epoch=nb_epoch,
    verbose=2,
    validation_data=(X_test, Y_test),
    callbacks=[EarlyStopping(patience=3), ReduceLROnPlateau(patience=2)],
)
score = model.evaluate(X_test, Y_test, verbose=0)
print("Test score: %.3f" % score[0])
print("Test accuracy: %.3f" % score[1])
assert score[1] > 0.85
print("done")
