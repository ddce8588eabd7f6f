"""Noisy digits made clean by an autoencoder; the best weights are kept in a file, and the whole model in another."""

import os

import numpy as np
from keras.callbacks import Callback, CSVLogger, LearningRateScheduler, ModelCheckpoint, TensorBoard
from keras.layers import Dense, Input
from keras.layers.noise import GaussianNoise
from keras.models import Model, Sequential, load_model
from keras.regularizers import activity_l1
from sklearn.datasets import load_digits

np.random.seed(1337)
encoding_dim = 16
x = load_digits().data.astype("float32") / 16
x_train, x_test = x[:1500], x[1500:]

input_img = Input(shape=(64,))
noisy = GaussianNoise(sigma=0.2)(input_img)
encoded = Dense(encoding_dim, activation="relu", activity_regularizer=activity_l1(1e-7))(noisy)
decoded = Dense(64, activation="sigmoid")(encoded)
autoencoder = Model(input=input_img, output=decoded)
encoder = Model(input=input_img, output=encoded)
encoded_input = Input(shape=(encoding_dim,))
decoder = Model(input=encoded_input, output=autoencoder.layers[-1](encoded_input))
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")


class LossHistory(Callback):
    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get("loss"))


history = LossHistory()
checkpoint = ModelCheckpoint("best.h5", monitor="val_loss", save_best_only=True, save_weights_only=True)
autoencoder.fit(
    x_train,
    x_train,
    nb_epoch=12,
    batch_size=64,
    shuffle=True,
    validation_data=(x_test, x_test),
    verbose=0,
    callbacks=[
        history,
        checkpoint,
        LearningRateScheduler(lambda epoch: 0.01 if epoch < 8 else 0.002),
        CSVLogger("log.csv"),
        TensorBoard(log_dir="logs", histogram_freq=4),
    ],
)
print("loss of the first batch %.3f, of the last %.3f" % (history.losses[0], history.losses[-1]))
assert len(history.losses) == 12 * 24 and history.losses[-1] < history.losses[0]
assert len(open("log.csv").readlines()) == 13 and os.listdir("logs")

loss = autoencoder.evaluate(x_test, x_test, verbose=0)
autoencoder.load_weights("best.h5")
best = autoencoder.evaluate(x_test, x_test, verbose=0)
print("test loss %.4f, of the best epoch %.4f" % (loss, best))
assert best <= loss + 1e-6

decoded_imgs = decoder.predict(encoder.predict(x_test))
assert np.allclose(decoded_imgs, autoencoder.predict(x_test), atol=1e-5)

autoencoder.save("autoencoder.h5")
again = load_model("autoencoder.h5")
assert np.allclose(again.predict(x_test), decoded_imgs, atol=1e-5)
again.fit(x_train, x_train, nb_epoch=1, verbose=0)

classifier = Sequential()
classifier.add(
    Dense(encoding_dim, input_dim=64, activation="relu", weights=autoencoder.layers[2].get_weights())
)
assert np.allclose(classifier.predict(x_test), encoder.predict(x_test), atol=1e-5)
print("done")
