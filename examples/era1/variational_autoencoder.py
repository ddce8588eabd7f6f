"""A variational autoencoder of handwritten digits: the loss reaches into the graph for the encoder's two outputs."""

import numpy as np
from keras import backend as K
from keras import objectives
from keras.callbacks import Callback
from keras.layers import Dense, Input, Lambda
from keras.models import Model
from sklearn.datasets import load_digits

np.random.seed(1337)
batch_size, original_dim, latent_dim, intermediate_dim = 50, 64, 2, 32
X = (load_digits().data / 16.0).astype("float32")[:1750]

x = Input(batch_shape=(batch_size, original_dim))
h = Dense(intermediate_dim, activation="relu")(x)
z_mean = Dense(latent_dim)(h)
z_log_var = Dense(latent_dim)(h)


def sampling(args):
    z_mean, z_log_var = args
    epsilon = K.random_normal(shape=(batch_size, latent_dim), mean=0.0, std=1.0)
    return z_mean + K.exp(z_log_var / 2) * epsilon


z = Lambda(sampling, output_shape=(latent_dim,))([z_mean, z_log_var])
decoder_h = Dense(intermediate_dim, activation="relu")
decoder_mean = Dense(original_dim, activation="sigmoid")
x_decoded_mean = decoder_mean(decoder_h(z))

weight = K.variable(0.0)  # of the divergence, raised as training goes on


def vae_loss(x, x_decoded_mean):
    xent_loss = original_dim * objectives.binary_crossentropy(x, x_decoded_mean)
    kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    return xent_loss + weight * kl_loss


class Warmup(Callback):
    def on_epoch_begin(self, epoch, logs={}):
        K.set_value(weight, min(1.0, epoch / 2.0))


vae = Model(x, x_decoded_mean)
vae.compile(optimizer="rmsprop", loss=vae_loss)
history = vae.fit(X, X, shuffle=True, nb_epoch=4, batch_size=batch_size, verbose=0, callbacks=[Warmup()])
print("loss by epoch", history.history["loss"])
assert K.get_value(weight) == 1.0
assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]

# The loss that Keras reports is what its two parts add up to.
sampled = K.function([x], [z_mean, z_log_var, x_decoded_mean])
mean, log_var, decoded = sampled([X[:batch_size]])
assert decoded.shape == (batch_size, original_dim)
kl = -0.5 * np.sum(1 + log_var - mean**2 - np.exp(log_var), axis=-1).mean()
assert 0 < kl < vae.test_on_batch(X[:batch_size], X[:batch_size])

encoder = Model(x, z_mean)
assert encoder.predict(X, batch_size=batch_size).shape == (len(X), latent_dim)

decoder_input = Input(shape=(latent_dim,))
generator = Model(decoder_input, decoder_mean(decoder_h(decoder_input)))
assert generator.predict(np.zeros((1, latent_dim))).shape == (1, original_dim)
print("done")
