"""Trainings that are killed at random moments, and started again until they are through: `python tools/torture.py`.

Every training saves its state every few steps. It counts as lost where it cannot go on, or begins before the last
state that it said it had saved; as different, where its losses or weights are not bit for bit those of a training
that was never killed.
"""

import argparse
import concurrent.futures
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np

import cornu
from cornu import callbacks, layers

EPOCHS, SAMPLES, BATCH = 5, 200, 8
TERM = 0.2  # of the signals are SIGTERM, which lets a training save
EARLY = 0.15  # of the signals come before the first step
MOST = 10  # kills of one training
PATIENCE = 120  # seconds until a training is taken to hang


# ---- what is trained ------------------------------------------------------------------------------


class Shuffled(cornu.utils.PyDataset):
    """Batches whose order the data itself makes anew each epoch."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y
        self.rng = np.random.default_rng(5)
        self.order = np.arange(len(x))

    def __len__(self):
        return len(self.x) // BATCH

    def __getitem__(self, index):
        rows = self.order[index * BATCH : (index + 1) * BATCH]
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.rng.shuffle(self.order)


class Losses(callbacks.Callback):
    """Keeps the loss after every batch; its list is kept with the training."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


class Told(callbacks.Callback):
    """Says into a pipe where the training begins, and what is saved."""

    told_last, every_batch, kept = True, False, ()

    def __init__(self, pipe: int, keeper):
        super().__init__()
        self.pipe, self.keeper = pipe, keeper
        save = keeper._write if isinstance(keeper, callbacks.ModelCheckpoint) else keeper.save_now

        def saved(*args):
            made = save(*args)
            self.say("saved")
            return made

        setattr(keeper, save.__name__, saved)

    def say(self, what: str) -> None:
        os.write(self.pipe, f"{what} {self.run.epoch} {self.run.step}\n".encode())

    def on_train_begin(self, logs=None):
        self.say("begun")
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 1:  # everything is compiled
            self.say("stepped")


KINDS = {
    "arrays": lambda folder: callbacks.BackupAndRestore(folder / "backup", 3, delete_checkpoint=False),
    "epochs": lambda folder: callbacks.BackupAndRestore(folder / "backup", "epoch", True, False),
    "dataset": lambda folder: callbacks.BackupAndRestore(folder / "backup", 4, True, False),
    "checkpoint": lambda folder: callbacks.ModelCheckpoint(
        folder / "{epoch}-{batch}.keras", save_freq=7, save_state=True
    ),
}


def train(kind: str, folder: Path, pipe: int) -> None:
    """One training, from where it was; its losses and weights come to lie in the folder."""
    cornu.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(SAMPLES, 10)).astype("float32")
    y = (x[:, :1] * x[:, 1:2] > 0).astype("float32")
    model = cornu.Sequential(
        [
            cornu.Input((10,)),
            layers.Dense(24, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    keeper, losses = KINDS[kind](folder), Losses()
    # what a restart would draw must not matter
    np.random.seed(int.from_bytes(os.urandom(4), "little") if keeper.found() else 3)
    watch = [
        callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_loss", 0.5, patience=1, min_delta=0.05),
        callbacks.CSVLogger(folder / "log.csv"),
    ]
    data = (Shuffled(x[:160], y[:160]),) if kind == "dataset" else (x[:160], y[:160])
    history = model.fit(
        *data, batch_size=None if kind == "dataset" else BATCH, epochs=EPOCHS, verbose=0,
        validation_data=(x[160:], y[160:]), callbacks=[*watch, losses, keeper, Told(pipe, keeper)],
    )  # fmt: skip
    numbers = [np.array(value) for _, value in sorted(history.history.items())]
    table = np.frombuffer((folder / "log.csv").read_bytes(), "uint8")
    part = folder / "part.npz"
    np.savez(part, *numbers, np.array(losses.losses), table, *model.get_weights())
    part.rename(folder / "result.npz")


# ---- how it is killed -----------------------------------------------------------------------------


class Attempt(NamedTuple):
    """What became of one process."""

    ended: str  # 'through', 'killed', 'terminated' or what went wrong
    begun: tuple[int, int] | None  # epoch and step
    saved: tuple[int, int] | None
    startup: float  # seconds until the first step
    training: float  # seconds after it


def attempt(kind: str, folder: Path, delay: float | None, sign: int, early: bool) -> Attempt:
    """Run a training in a process of its own, and send it a signal `delay` seconds after its first step.

    None: never. `early`: counted from the start of the process.
    """
    inner, outer = os.pipe()
    command = [sys.executable, __file__, "--child", kind, str(folder), str(outer)]
    started = time.monotonic()
    with open(folder / "errors.txt", "a") as errors:
        process = subprocess.Popen(command, stderr=errors, pass_fds=[outer])
    os.close(outer)
    begun = saved = None
    at: float | None = None
    due = started + delay if early and delay is not None else None
    text, sent = b"", False
    with open(inner, "rb", buffering=0) as pipe:
        while True:
            wait = max((due or started + PATIENCE) - time.monotonic(), 0)
            if select.select([pipe], [], [], wait)[0]:
                piece = pipe.read(4096)
                if not piece:
                    break
                *lines, text = (text + piece).split(b"\n")
                for what, *place in map(bytes.split, lines):
                    if what == b"saved":
                        saved = tuple(map(int, place))
                    elif what == b"begun":
                        begun = tuple(map(int, place))
                    else:
                        at = time.monotonic()
                        if due is None and delay is not None:
                            due = at + delay
            elif not sent:
                process.send_signal(sign if due else signal.SIGKILL)
                sent, due = True, None
            else:
                process.kill()
    code = process.wait()
    # SIGTERM before `fit` begins, or after it, ends the process by itself
    ended = {0: "through", -signal.SIGKILL: "killed"}
    ended |= dict.fromkeys((-signal.SIGTERM, 128 + signal.SIGTERM), "terminated")
    at = at or time.monotonic()
    name = ended.get(code, f"exit code {code}: {(folder / 'errors.txt').read_text()[-300:]}")
    return Attempt(name, begun, saved, at - started, time.monotonic() - at)


class Outcome(NamedTuple):
    """What became of one training."""

    kind: str
    kills: int
    terms: int
    fault: str  # '', 'lost: ...' or 'different: ...'


def whole(kind: str) -> tuple[dict, Attempt]:
    """A training that nobody kills: its numbers, and how long it took."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        made = attempt(kind, Path(folder), None, signal.SIGKILL, False)
        if made.ended != "through":
            raise SystemExit(f"The training that nobody kills did not come through: {made.ended}")
        with np.load(Path(folder, "result.npz")) as numbers:
            return {name: numbers[name].tobytes() for name in numbers.files}, made


def tortured(job: tuple) -> Outcome:
    """One training, killed again and again until it is through."""
    kind, seed, most, wanted, calm = job
    chance = random.Random(seed)
    kills = terms = 0
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    try:
        last = (0, 0)
        while True:
            calmly = kills >= most  # so that it comes through at last
            early, term = chance.random() < EARLY, chance.random() < TERM
            delay = chance.uniform(0, calm.startup if early else 1.1 * calm.training)
            sign = signal.SIGTERM if term else signal.SIGKILL
            made = attempt(kind, folder, None if calmly else delay, sign, early)
            if made.ended not in ("through", "killed", "terminated"):
                return Outcome(kind, kills, terms, f"lost: {made.ended}")
            if made.begun and made.begun < last:
                return Outcome(kind, kills, terms, f"lost: began at {made.begun}, {last} was saved")
            last = max(last, made.saved or last)
            if made.ended == "through":
                break
            kills, terms = kills + 1, terms + (made.ended == "terminated")
        with np.load(folder / "result.npz") as numbers:
            made = {name: numbers[name].tobytes() for name in numbers.files}
        names = sorted(made.keys() ^ wanted.keys()) or [n for n in made if made[n] != wanted[n]]
        litter = [str(each) for each in folder.glob("**/.*")]
        fault = f"different: {', '.join(names)}" if names else ""
        return Outcome(kind, kills, terms, fault or (f"litter: {litter}" if len(litter) > kills else ""))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def jobs(kinds: list[str], seed: int, most: int, calm: dict) -> Iterator[tuple]:
    """What `tortured` is given, one kind of training after the other."""
    number = seed
    while True:
        for kind in kinds:
            yield (kind, number, most, *calm[kind])
            number += 1


def main(arguments: list[str] | None = None) -> int:
    """Torture trainings until there were enough kills; returns 1 where one was lost or came out different."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="how many, at least")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="what is trained")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    calm = {kind: whole(kind) for kind in asked.kinds}
    seconds = sum(each.startup + each.training for _, each in calm.values())
    print(f"{len(calm)} trainings that nobody kills: {seconds:.1f} s", flush=True)
    done: list[Outcome] = []
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        source, waiting = jobs(asked.kinds, asked.seed, min(MOST, asked.kills), calm), []
        while sum(each.kills for each in done) < asked.kills or waiting:
            enough = sum(each.kills for each in done) >= asked.kills
            while len(waiting) < asked.jobs and not enough:
                waiting.append(pool.submit(tortured, next(source)))
            ready = next((each for each in waiting if each.done()), None)
            if ready is None:
                time.sleep(0.05)
                continue
            waiting.remove(ready)
            done.append(ready.result())
            kills = sum(each.kills for each in done)
            print(
                f"{kills:4d} of {asked.kills} kills, {len(done)} trainings through, "
                f"{time.monotonic() - began:.0f} s: {done[-1].kind} {done[-1].fault or 'equal'}",
                flush=True,
            )
    faults = [each.fault for each in done if each.fault]
    lost = sum(fault.startswith("lost") for fault in faults)
    print(
        f"\n{sum(each.kills for each in done)} kills ({sum(each.terms for each in done)} by SIGTERM) of "
        f"{len(done)} trainings in {time.monotonic() - began:.0f} s: {lost} lost, {len(faults) - lost} different"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        train(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main())
