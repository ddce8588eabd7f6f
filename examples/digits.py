"""Handwritten digits, from pixels to a saved model that another process trusts.

    python examples/digits.py [--epochs N] [--out FOLDER]

Trains a small convolutional network on the 1,797 digits that scikit-learn carries, keeps the weights of the
best epoch, saves the model, loads it in a fresh process, and draws how the training went.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MaxNLocator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import cornu
from cornu import layers

SEED = 7
TOLERANCE = 1e-6  # rounding, where the other process shares its work among other threads
INK, GREY, BLUE, ORANGE, RED = "#22262b", "#8a9199", "#2f6fb0", "#e07b39", "#c0392b"
SHOWN = 14  # digits in the strip under the curves
ENDINGS = {"model": ".keras", "predictions": ".npy", "curves": ".png"}


def load() -> list[np.ndarray]:
    """The digits as (train, held back) images of shape (8, 8, 1) in 0..1, then their (train, held back) labels."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16.0).astype("float32").reshape(-1, 8, 8, 1)
    return train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=SEED)


def convolution(filters: int) -> list[layers.Layer]:
    """Convolve, normalize, rectify."""
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),  # epochs are short: the averages must follow quickly
        layers.Activation("relu"),
    ]


def network() -> cornu.Model:
    """Two convolutions on the whole image, one on its half, and a vote."""
    return cornu.Sequential(
        [
            cornu.Input((8, 8, 1)),
            *convolution(32),
            *convolution(32),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            *convolution(64),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def train(model: cornu.Model, images: np.ndarray, labels: np.ndarray, epochs: int) -> dict[str, list[float]]:
    """Fit until validation stops getting better; returns what each epoch measured."""
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    stopping = cornu.callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
    options = {"batch_size": 32, "epochs": epochs, "validation_split": 0.15, "callbacks": [stopping]}
    return model.fit(images, labels, **options).history


def predict(model: cornu.Model, images: np.ndarray) -> np.ndarray:
    """The probability of each digit, for each image."""
    return np.asarray(model.predict(images, batch_size=len(images), verbose=0))


def predict_elsewhere(file: Path, answer: Path) -> np.ndarray:
    """What the saved model says about the held-back digits when a process that knows nothing else loads it."""
    subprocess.run([sys.executable, __file__, "--predict", str(file), str(answer)], check=True)
    return np.load(answer)


def draw_curve(axes, history: dict[str, list[float]], metric: str, best: int) -> None:
    """One metric over the epochs, in training and in validation, with the epoch that was kept."""
    epochs = range(1, len(history[metric]) + 1)
    for key, label, color in ((metric, "train", GREY), (f"val_{metric}", "validation", BLUE)):
        axes.plot(epochs, history[key], color=color, linewidth=2, label=label, clip_on=False)
    kept = history[f"val_{metric}"][best]
    axes.plot(best + 1, kept, "o", color=ORANGE, markersize=8, label="weights kept", clip_on=False)
    axes.set_title(metric.capitalize(), loc="left", color=INK, fontsize=13, fontweight="bold")
    axes.set_xlabel("epoch", color=GREY)
    axes.set_xlim(1, max(2, len(epochs)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e6e8eb")
    axes.tick_params(colors=GREY, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c9cdd2")
    axes.legend(labelcolor=INK, facecolor="white", edgecolor="white", framealpha=1, loc="best")


def draw(history: dict[str, list[float]], images, labels, probabilities, file: Path) -> None:
    """The training curves, and below them a few held-back digits: the mistakes first."""
    said = probabilities.argmax(axis=1)
    right = said == labels
    chosen = np.argsort(right, kind="stable")[:SHOWN]

    figure = Figure(figsize=(11, 6.4), facecolor="white")
    title = f"{right.mean():.1%} of {len(labels)} held-back digits read correctly"
    figure.suptitle(title, x=0.06, ha="left", color=INK, fontsize=17)
    figure.text(0.06, 0.255, "Some of them, mistakes first", color=INK, fontsize=13, fontweight="bold")
    curves = GridSpec(1, 2, figure, left=0.06, right=0.97, bottom=0.41, top=0.84, wspace=0.14)
    strip = GridSpec(1, SHOWN, figure, left=0.06, right=0.97, bottom=0.03, top=0.19, wspace=0.15)

    best = int(np.argmin(history["val_loss"]))
    for place, metric in zip(curves, ("loss", "accuracy"), strict=True):
        draw_curve(figure.add_subplot(place), history, metric, best)
    for place, index in zip(strip, chosen, strict=False):
        axes = figure.add_subplot(place)
        axes.imshow(images[index, ..., 0], cmap="Greys", interpolation="nearest")
        axes.set_axis_off()
        if right[index]:
            axes.set_title(said[index], color=INK, fontsize=14)
        else:
            axes.set_title(f"{said[index]}, not {labels[index]}", color=RED, fontsize=10)
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train, save, check the saved model in a fresh process, draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="at most this many (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where files go (default: %(default)s)")
    parser.add_argument(
        "--predict", type=Path, nargs=2, metavar=("MODEL", "ANSWER"), help="only load and predict"
    )
    options = parser.parse_args()

    images, held_images, labels, held_labels = load()
    if options.predict:
        file, answer = options.predict
        np.save(answer, predict(cornu.models.load_model(file), held_images))
        return

    began = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    files = {name: options.out / f"digits{ending}" for name, ending in ENDINGS.items()}
    cornu.utils.set_random_seed(SEED)
    model = network()
    model.summary()
    history = train(model, images, labels, options.epochs)
    loss, accuracy = model.evaluate(held_images, held_labels, verbose=0)
    print(f"\nHeld-back digits: {accuracy:.2%} correct of {len(held_labels)}, loss {loss:.4f}")

    model.save(files["model"])
    here, there = predict(model, held_images), predict_elsewhere(files["model"], files["predictions"])
    difference = np.abs(here - there).max()
    if not difference <= TOLERANCE:
        sys.exit(f"The loaded model predicts otherwise: by up to {difference:.1e}")
    print(f"Loaded in a fresh process: the same predictions (largest difference {difference:.0e})")

    draw(history, held_images, held_labels, here, files["curves"])
    print(f"\nDone in {time.perf_counter() - began:.0f} seconds.")
    for name, file in files.items():
        print(f"  {name:12} {file.resolve()}")


if __name__ == "__main__":
    main()
