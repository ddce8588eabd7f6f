"""The callback that writes logs for TensorBoard."""

import os
import time

import numpy as np

from . import events
from .callback import Callback, log_rates

IMAGES = 3  # how many slices of a weight are shown


class TensorBoard(Callback):
    """Writes the logs of training into files that TensorBoard shows: `tensorboard --logdir logs`.

    In era 3 what is trained on and what is validated on lie in folders of their own, and names begin with `epoch_`, as
    Keras 3 has it; in eras 1 and 2 there is one file, with the names of the logs.

    Args:
        log_dir: folder of the files.
        histogram_freq: every so many epochs, how the values of each weight are distributed; 0: never.
        write_graph: whether the model's architecture is written.
        write_images: whether weights are written as pictures, along with the histograms.
        write_steps_per_second: whether the speed of each epoch is written.
        update_freq: 'epoch', 'batch', or a number of batches: when losses and metrics are written.
        profile_batch, embeddings_freq: 0; jax.profiler.trace and a file of one's own do that here.
        embeddings_metadata: None.

    Raises ValueError for other values of these.

    Example:
        >>> board = TensorBoard("logs", histogram_freq=1)
    """

    kept = ("_batches",)

    def __init__(
        self, log_dir: str | os.PathLike = "logs", histogram_freq: int = 0, write_graph: bool = True,
        write_images: bool = False, write_steps_per_second: bool = False, update_freq: str | int = "epoch",
        profile_batch: int = 0, embeddings_freq: int = 0, embeddings_metadata=None,
    ):  # fmt: skip
        super().__init__()
        if profile_batch:
            raise ValueError(
                "TensorBoard: `profile_batch` is 0 here; jax.profiler.trace(log_dir) profiles a block"
            )
        if embeddings_freq or embeddings_metadata is not None:
            raise ValueError("TensorBoard: embeddings are not written; `embeddings_freq` is 0 here")
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(
                f"TensorBoard: `update_freq` is 'epoch', 'batch' or a number of batches; got {update_freq!r}"
            )
        self.log_dir, self.histogram_freq = os.fspath(log_dir), histogram_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second, self.update_freq = write_steps_per_second, update_freq
        self.every_batch = update_freq != "epoch"
        self._files: dict[str, events.EventFile] = {}
        self._batches, self._began = 0, 0.0

    def _file(self, part: str) -> events.EventFile:
        """The file of 'train' or 'validation', which is the same in eras 1 and 2."""
        part = part if self._era == 3 else ""
        if part not in self._files:
            self._files[part] = events.EventFile(os.path.join(self.log_dir, part))
        return self._files[part]

    def on_train_begin(self, logs=None):
        self._batches = 0
        if self.write_graph and self.model.built:
            self._file("train").add(0, events.text("keras", "graph_keras_model", self.model.to_json()))

    def on_epoch_begin(self, epoch, logs=None):
        self._began, self._first = time.perf_counter(), self._batches

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        every = 1 if self.update_freq == "batch" else self.update_freq
        if self.every_batch and self._batches % every == 0:
            prefix = "batch_" if self._era == 3 else ""
            self._write(
                "train", self._batches, {f"{prefix}{name}": value for name, value in (logs or {}).items()}
            )

    def on_epoch_end(self, epoch, logs=None):
        logs = dict(logs or {})
        if self._era == 3:
            log_rates(self, logs)
            if self.write_steps_per_second:
                seconds = time.perf_counter() - self._began
                logs["steps_per_second"] = (self.params or {}).get("steps", 0) / max(seconds, 1e-9)
            for part, prefix in (("train", ""), ("validation", "val_")):
                mine = {name for name in logs if name.startswith("val_") == bool(prefix)}
                self._write(part, epoch, {f"epoch_{n.removeprefix(prefix)}": logs[n] for n in sorted(mine)})
        else:
            self._write("train", epoch, logs)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for file in self._files.values():
            file.flush()

    def _write(self, part: str, step: int, logs: dict) -> None:
        numbers = {name: value for name, value in logs.items() if np.ndim(value) == 0}
        if numbers:
            self._file(part).add(
                step, *(events.scalar(name, float(value)) for name, value in numbers.items())
            )

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for cell in self.model.weights:
            value = cell.numpy()
            file.add(
                epoch, events.histogram(f"{cell.path}/histogram" if self._era == 3 else cell.path, value)
            )
            if self.write_images:
                for number, picture in enumerate(slices(value)[:IMAGES]):
                    file.add(epoch, events.image(f"{cell.path}/image/{number}", picture))

    def on_train_end(self, logs=None):
        for file in self._files.values():
            file.close()
        self._files = {}


def slices(weight: np.ndarray) -> list[np.ndarray]:
    """A weight as pictures `(rows, columns)`: the wide way for a matrix, one for each last index of three axes."""
    weight = np.squeeze(weight)
    if weight.ndim < 2:
        return [weight.reshape(1, -1)]
    if weight.ndim == 2:
        return [weight.T if weight.shape[0] > weight.shape[1] else weight]
    return list(np.moveaxis(weight, -1, 0)) if weight.ndim == 3 else []
