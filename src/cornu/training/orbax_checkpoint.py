"""The callback that saves the model with the package orbax-checkpoint, in the background and from many devices."""

import os
import pathlib

from ..saving import orbax
from .callback import announce
from .monitors import Monitor


class OrbaxCheckpoint(Monitor):
    """Saves the model in a folder for each epoch, or each time so many batches are through, while training goes on.

    `load_model` and `load_weights` read the last of them, or the one that is named. Needs the package
    orbax-checkpoint: `pip install 'cornu[orbax]'`.

    Args:
        directory: the folder; steps are folders in it, named by the epoch, from 0 on, or the number of batches so far.
            Where it has such folders already, they are counted on from the last.
        monitor: name of the number that tells which epoch is best.
        verbose: 1 says what is saved.
        save_best_only: whether only what improves on all before is saved.
        mode: 'min', 'max' or 'auto', as in `Monitor`.
        save_freq: 'epoch', or after how many batches to save.
        initial_value_threshold: what the first that is saved has to beat.
        max_to_keep: how many of the last are kept; None keeps all.
        save_on_background: whether training goes on while files are written.
        save_weights_only: whether the configuration, the optimizer and the metrics are left out.

    Raises ImportError where the package is not installed.

    Example:
        >>> keep = OrbaxCheckpoint("checkpoints", max_to_keep=3)  # doctest: +SKIP

    Source: Keras 3.15.1.
    """

    kept = ("best", "_waiting", "_total")

    def __init__(
        self, directory, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        mode: str = "auto", save_freq: int | str = "epoch", initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1, save_on_background: bool = True, save_weights_only: bool = False,
    ):  # fmt: skip
        super().__init__(monitor=monitor, mode=mode)
        self._package = orbax.package()
        self.every_batch = save_freq != "epoch"
        if self.every_batch and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"OrbaxCheckpoint: save_freq is 'epoch' or a number of batches; got {save_freq!r}"
            )
        self.directory = os.fspath(directory)
        self.verbose, self.save_best_only, self.save_freq = verbose, save_best_only, save_freq
        self.max_to_keep, self.best = max_to_keep, initial_value_threshold
        self.save_on_background, self.save_weights_only = save_on_background, save_weights_only
        self._waiting = self._total = 0  # batches since the last was saved, and in all
        self._last, self._beyond = -1, 0  # the last step that is there, and what is added to those to come
        self._responses: list = []
        self.checkpointer = None

    def on_train_begin(self, logs=None):
        training = self._package.training
        keep = None if self.max_to_keep is None else training.preservation_policies.LatestN(self.max_to_keep)
        self.checkpointer = training.Checkpointer(
            pathlib.Path(self.directory).absolute(),
            preservation_policy=keep,
            save_decision_policy=training.save_decision_policies.FixedIntervalPolicy(1),
        )
        latest = self.checkpointer.latest
        self._last, self._beyond = -1 if latest is None else latest.step, 0
        self._total = max(self._total, int(self.model.optimizer.iterations))

    def on_train_batch_end(self, batch, logs=None):
        self._total, self._waiting = self._total + 1, self._waiting + 1
        if self.save_freq != "epoch" and self._waiting >= self.save_freq:
            self._waiting = 0
            self._save(self._total, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, step: int, logs: dict) -> None:
        if self.save_best_only:
            value = self.read(logs)
            if value is None or not self.better(value, self.best):
                return
            self.best = value
        step += self._beyond
        if step <= self._last:  # what an earlier training left there
            self._beyond, step = self._beyond + self._last + 1 - step, self._last + 1
        self._last = step
        if self.verbose:
            announce(self, self.run.epoch, f"saving step {step} in {self.directory}")
        what = orbax.payload(self.model, self.save_weights_only)
        if self.save_on_background:
            self._responses.append(self.checkpointer.save_checkpointables_async(step, what, overwrite=True))
        else:
            self.checkpointer.save_checkpointables(step, what, overwrite=True)

    def save_now(self) -> None:
        """Before `fit` ends at SIGTERM: wait for what is being written; nothing new is."""
        self.wait_until_finished()

    def wait_until_finished(self) -> None:
        """Wait until everything is on the disk.

        Raises what went wrong while it was written.
        """
        for response in self._responses:
            response.result()
        self._responses.clear()

    def on_train_end(self, logs=None):
        self.wait_until_finished()
        self.checkpointer.close()
        self.checkpointer = None

    def is_multihost_enabled(self) -> bool:
        """Whether several processes train together."""
        import orbax.checkpoint  # is here, since the constructor asked for it

        return orbax.checkpoint.multihost.is_jax_distributed_client_initialized()

    def is_primary_host(self) -> bool:
        """Whether this process is the first of those that train together."""
        import orbax.checkpoint

        return not self.is_multihost_enabled() or orbax.checkpoint.multihost.is_primary_host(0)
