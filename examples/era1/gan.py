"""Two networks against each other: one draws points on a ring out of noise, the other tells them from real ones."""

import numpy as np
from keras.layers import Dense, Input
from keras.layers.advanced_activations import LeakyReLU
from keras.models import Model, Sequential
from keras.optimizers import Adam

np.random.seed(1337)
latent_dim, batch_size = 4, 64


def real_points(n):
    angle = np.random.uniform(0, 2 * np.pi, n)
    return np.c_[np.cos(angle), np.sin(angle)] + np.random.normal(0, 0.05, (n, 2))


def make_trainable(net, val):
    net.trainable = val
    for layer in net.layers:
        layer.trainable = val


generator = Sequential()
generator.add(Dense(32, input_dim=latent_dim, init="glorot_normal"))
generator.add(LeakyReLU(0.2))
generator.add(Dense(32, init="glorot_normal"))
generator.add(LeakyReLU(0.2))
generator.add(Dense(2))

discriminator = Sequential()
discriminator.add(Dense(32, input_shape=(2,)))
discriminator.add(LeakyReLU(0.2))
discriminator.add(Dense(32))
discriminator.add(LeakyReLU(0.2))
discriminator.add(Dense(1, activation="sigmoid"))
discriminator.compile(loss="binary_crossentropy", optimizer=Adam(lr=2e-3, beta_1=0.5))

# The discriminator learns when it is trained by itself, and keeps still while the generator learns through it.
make_trainable(discriminator, False)
gan_input = Input(shape=[latent_dim])
gan_V = discriminator(generator(gan_input))
GAN = Model(gan_input, gan_V)
GAN.compile(loss="binary_crossentropy", optimizer=Adam(lr=1e-3, beta_1=0.5))
assert len(GAN.trainable_weights) == len(generator.trainable_weights) == 6

losses = {"d": [], "g": []}
frozen = discriminator.get_weights()
GAN.train_on_batch(np.random.uniform(-1, 1, (batch_size, latent_dim)), np.ones((batch_size, 1)))
assert all(np.array_equal(a, b) for a, b in zip(frozen, discriminator.get_weights()))

for step in range(600):
    noise = np.random.uniform(-1, 1, size=(batch_size, latent_dim))
    fakes = generator.predict(noise)
    X = np.concatenate((real_points(batch_size), fakes))
    y = np.zeros((2 * batch_size, 1))
    y[:batch_size] = 0.9

    make_trainable(discriminator, True)
    losses["d"].append(float(discriminator.train_on_batch(X, y)))

    make_trainable(discriminator, False)
    noise = np.random.uniform(-1, 1, size=(2 * batch_size, latent_dim))
    losses["g"].append(float(GAN.train_on_batch(noise, np.ones((2 * batch_size, 1)))))

made = generator.predict(np.random.uniform(-1, 1, (500, latent_dim)))
radius = np.sqrt((made**2).sum(axis=1))
print("losses: discriminator %.3f, generator %.3f" % (np.mean(losses["d"][-50:]), np.mean(losses["g"][-50:])))
print("radius of what is drawn: %.2f, give or take %.2f" % (radius.mean(), radius.std()))
assert abs(radius.mean() - 1) < 0.35 and radius.std() < 0.35
print("done")
