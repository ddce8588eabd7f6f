"""How `fit` answers SIGTERM: it finishes the step, lets everything be saved, and leaves."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from .callback import Callback
from .run import Run

CODE = 128 + signal.SIGTERM  # what shells say of a program that this signal ended


@contextlib.contextmanager
def leaving(run: Run) -> Iterator[None]:
    """Let SIGTERM end a run between two steps, for the length of a `with`; a second one ends it at once.

    A handler of the program's own stays as it is, and outside of the main thread nothing can be done.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    leave = Leave()
    signal.signal(signal.SIGTERM, leave.ask)
    run.told.append(leave)
    leave.set_run(run)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if leave.asked and not leave.done:  # after the last step
            os.kill(os.getpid(), signal.SIGTERM)


class Leave(Callback):
    """Ends the program after a step, once it was asked to; callbacks with a method `save_now` save before that."""

    every_batch = False
    told_last = True
    kept = ()

    def __init__(self):
        super().__init__()
        self.asked = self.done = False

    def ask(self, number=None, frame=None) -> None:
        """The handler of the signal."""
        if self.asked:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        self.asked = True

    def on_train_batch_end(self, batch, logs=None):
        if self.asked:
            self._leave()

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            self._leave()

    def on_test_batch_end(self, batch, logs=None):
        if self.asked:
            self._leave()

    def _leave(self) -> None:
        savers = [each.save_now for each in self.run.told if hasattr(each, "save_now")]
        saved = list(filter(None, (save() for save in savers)))
        epoch, step = self.run.place
        where = f"after batch {step} of epoch {epoch + 1}" if step else f"after epoch {epoch}"
        said = (
            f"The training is saved in {', '.join(map(str, saved))}; `fit` goes on from there."
            if saved
            else "Nothing is saved: BackupAndRestore among the callbacks would do that."
        )
        print(f"\nSIGTERM: `fit` stops {where}. {said}", file=sys.stderr, flush=True)
        self.done = True
        raise SystemExit(CODE)
