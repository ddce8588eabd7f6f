"""One model in one library behind one face: what a user of each would write to train and to predict."""

import importlib
from collections.abc import Callable

import numpy as np

from . import workloads
from .workloads import Workload


class Keras:
    """Cornu, or Keras on any backend; `rate` 0 turns dropout off, `exact` says nothing here."""

    def __init__(self, module: str, workload: Workload, rate: float = 1.0, exact: bool = False):
        self.keras, self.workload = importlib.import_module(module), workload
        self.keras.utils.set_random_seed(0)
        self.model = workload.model(self.keras, rate)
        self.model.compile(workloads.optimizer(self.keras, workload), workloads.loss(workload))

    def prepare(self, x: np.ndarray, y: np.ndarray) -> tuple:
        """The data as this library wants it."""
        return x, y

    def fit(self, x, y, epochs: int, ended: Callable = lambda: None, shuffle: bool = True) -> list[float]:
        """Train; `ended` is called after each epoch. Returns the loss of every epoch."""

        class Ended(self.keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                ended()

        history = self.model.fit(
            x,
            y,
            batch_size=self.workload.batch,
            epochs=epochs,
            verbose=0,
            shuffle=shuffle,
            callbacks=[Ended()],
        )
        return [float(each) for each in history.history["loss"]]

    def predict(self, x) -> np.ndarray:
        return self.model.predict(x, batch_size=self.workload.batch, verbose=0)

    def weights(self) -> list[np.ndarray]:
        return self.model.get_weights()

    def load(self, weights: list[np.ndarray]) -> None:
        self.model.set_weights(weights)


class Torch:
    """Plain PyTorch, eager or compiled, on batches by index, without a `DataLoader`."""

    def __init__(self, mode: str, workload: Workload, rate: float = 1.0, exact: bool = False):
        import torch

        from . import torch_models

        torch.manual_seed(0)
        self.torch, self.made, self.workload = torch, torch_models, workload
        self.model = torch_models.MODELS[workload.model.__name__](rate, exact)
        torch_models.start(self.model)
        self.optimizer, loss = torch_models.optimizer(workload, self.model), torch_models.loss(workload)
        self.objective = lambda x, y: loss(self.model(x), y)
        self.outputs = lambda x: torch_models.outputs(workload, self.model(x))
        self.step = self.optimizer.step
        if mode == "compiled":
            self.objective, self.outputs = torch.compile(self.objective), torch.compile(self.outputs)
            if workload.optimizer == "rmsprop":  # the others are one fused kernel
                self.step = torch.compile(self.step)

    def prepare(self, x: np.ndarray, y: np.ndarray) -> tuple:
        """Channels first, and classes as 64-bit numbers."""
        if x.ndim == 4:
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return x, y.astype("int64") if y.dtype == np.int32 else y

    def fit(self, x, y, epochs: int, ended: Callable = lambda: None, shuffle: bool = True) -> list[float]:
        """Train; `ended` is called after each epoch. Returns the loss of every epoch."""
        torch, batch, losses = self.torch, self.workload.batch, []
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        self.model.train()
        for _ in range(epochs):
            order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            total = torch.zeros(())
            for rows in order.split(batch):
                self.optimizer.zero_grad()
                loss = self.objective(x[rows], y[rows])
                loss.backward()
                self.step()
                total += loss.detach() * len(rows)
            losses.append(total.item() / len(x))
            ended()
        return losses

    def predict(self, x: np.ndarray) -> np.ndarray:
        self.model.eval()
        with self.torch.inference_mode():
            parts = [
                self.outputs(part).numpy() for part in self.torch.from_numpy(x).split(self.workload.batch)
            ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def load(self, weights: list[np.ndarray]) -> None:
        self.made.load(self.model, weights)
