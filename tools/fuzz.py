"""Files that are wrong in many ways, read one after another: `python tools/fuzz.py --files 10000`.

Each file is a good one (`.keras`, `.h5`, `.weights.h5` or JSON) that a generator with a seed has changed: bytes, or
what is in it. Reading it must end in a model with just the weights of the file or in one clear error, within `SECONDS`
and `MEMORY`, and must leave a model that was there as it was when it fails. Files are read in processes of their own,
so that a crash is seen. `--only N` reads one file again, and shows the error.
"""

import argparse
import collections
import contextlib
import copy
import io
import json
import os
import random
import resource
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 5  # of computing that reading one file may take
SILENCE = 60  # seconds after which a process without a word is taken for hung
MEMORY = 1 << 30  # bytes that reading may take beyond what the process had
CLEAR = (ValueError, ImportError, NotImplementedError)  # what an error may be
TESTS = Path(__file__).resolve().parent.parent / "tests"
GOLDEN, OF_TENSORFLOW = TESTS / "golden" / "keras1", TESTS / "saving" / "files" / "tf_keras.zip"

VALUES: list[Any] = [
    None, True, -1, 0, 1, 3, 17, 10**5, 10**9, 10**12, 2**70, 10**400, 0.5, -1.5, 1e300, float("nan"), "", "x",
    "x" * 5000, "../../etc/passwd", "relu", "Dense", "channels_first", "float16", "int8", "\x00", "é" * 3, [], [None],
    [[]],     [0] * 40, [None, 10**9], [10**6, 10**6], {}, {"class_name": "Dense"},
    {"class_name": "Lambda", "config": {"function": "relu"}},
    {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "S99999999"}},
]  # fmt: skip


class Good(NamedTuple):
    """A file that is as it should be, and how to make a model that takes its weights."""

    name: str
    data: bytes
    make: Callable[[], Any] | None


def good_files() -> list[Good]:
    """What is changed: files of several models, in all formats."""
    import cornu
    from cornu import layers

    def dense():
        stack = [cornu.Input((3,)), layers.Dense(4, "relu", kernel_regularizer="l2"), layers.Dropout(0.1)]
        return cornu.Sequential([*stack, layers.BatchNormalization(), layers.Dense(2)], name="dense")

    def graph():
        image = cornu.Input((6, 6, 2), name="image")
        x = layers.Conv2D(3, 3, padding="same", activation="relu")(image)
        y = layers.Add()([x, layers.Conv2D(3, 1)(image)])
        y = layers.Dense(2)(layers.Flatten()(layers.MaxPooling2D()(y * 2.0)))
        return cornu.Model(image, y, name="graph")

    def sequence():
        inner = cornu.Sequential([cornu.Input((5,)), layers.Dense(4)], name="inner")
        words = [cornu.Input((7,)), layers.Embedding(9, 5), layers.TimeDistributed(inner)]
        return cornu.Sequential(
            [*words, layers.Bidirectional(layers.LSTM(3)), layers.Dense(1)], name="sequence"
        )

    made = []
    with tempfile.TemporaryDirectory() as folder:
        for make in (dense, graph, sequence):
            model = make()
            model.compile("adam", "mse", metrics=["mae"])
            model.optimizer.build(model.trainable_variables)
            for ending in ("keras", "h5"):
                path = Path(folder, f"{model.name}.{ending}")
                model.save(path)
                made.append(Good(path.name, path.read_bytes(), make))
            path = Path(folder, f"{model.name}.weights.h5")
            model.save_weights(path)
            made.append(Good(path.name, path.read_bytes(), make))
            made.append(Good(f"{model.name}.json", model.to_json().encode(), None))
    for name in ("mlp", "lstm", "graph"):
        found = sorted(GOLDEN.glob(f"*{name}*/model.h5"))[:1]
        made += [Good(f"keras1-{name}.h5", path.read_bytes(), None) for path in found]
    with zipfile.ZipFile(OF_TENSORFLOW) as archive:
        for name in ("nested.h5", "operations.h5", "classes.h5", "optimizer_adam.keras"):
            made.append(Good(f"tf-{name}", archive.read(name), None))
    return made


# ---- changes -------------------------------------------------------------------------------------


def flip(data: bytes, rng: random.Random) -> bytes:
    """Change bytes, most of all those at the beginning, where what is said about the rest stands."""
    made = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        if not made:
            return b""
        at = rng.randrange(min(len(made), rng.choice([100, 3000, len(made)])))
        made[at] = rng.choice([0, 255, rng.randrange(256), made[at] ^ (1 << rng.randrange(8))])
    return bytes(made)


def shift(data: bytes, rng: random.Random) -> bytes:
    """Cut, double, or move a piece."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return rng.choice(
        [data[:a], data[:a] + data[b:], data[:b] + data[a:], data[:a] + bytes(b - a) + data[b:]]
    )


def places(value, path: tuple = ()) -> Iterator[tuple]:
    """The paths to everything in a configuration."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from places(each, (*path, key))


def rewrite(text: bytes, rng: random.Random) -> bytes:
    """JSON that says something else."""
    said = json.loads(text)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        known = list(places(said))
        if not known:
            break
        *above, key = rng.choice(known)
        holder = said
        for step in above:
            holder = holder[step]
        *other, name = rng.choice(known)
        source = said
        for step in other:
            source = source[step]
        change = rng.randrange(6)
        if change == 0:
            del holder[key]
        elif change == 1:
            holder[key] = copy.deepcopy(source[name])
        elif change == 2 and isinstance(holder, dict):
            holder[rng.choice(["weights", "units", "layers", "vocabulary", "name", "x"])] = holder[key]
        elif change == 3:
            deep: Any = holder[key]
            for _ in range(rng.choice([1, 3, 50, 2000])):
                deep = [deep]
            holder[key] = deep
        else:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
    try:
        return json.dumps(said).encode()
    except RecursionError:
        return b"[" * 5000 + b"]" * 5000


def rebuild(data: bytes, rng: random.Random) -> bytes:
    """HDF5 with other things in it, written by the library."""
    import h5py
    import numpy as np

    image = io.BytesIO(data)
    with h5py.File(image, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = rng.choice(names)
        change = rng.randrange(9)
        if change == 0 and "model_config" in file.attrs:
            file.attrs["model_config"] = rewrite(bytes(file.attrs["model_config"]), rng)
        elif change == 1:
            del file[name]
        elif change == 2:
            file.move(name, rng.choice([f"{name}x", "moved", f"{rng.choice(names)}/y"]))
        elif change in (3, 4):
            array = rng.choice(
                [np.zeros((3, 5), "f4"), np.array(b"text"), np.zeros(0), np.ones(7, "i8"), np.array(True)]
            )
            del file[name]
            file[name] = array
        elif change == 5:
            del file[name]
            wide = {"chunks": (1000, 1000), "compression": "gzip"}
            file.create_dataset(name, (10 ** rng.randrange(3, 8), 10 ** rng.randrange(3, 8)), "f4", **wide)
        elif change == 6:
            kinds = [h5py.SoftLink("/"), h5py.ExternalLink("/etc/passwd", "/"), file[rng.choice(names)]]
            file[f"{rng.choice(names)}_link"] = rng.choice(kinds)
        else:
            item = file[name] if change == 7 else file
            for key in list(item.attrs)[:1]:
                item.attrs[key] = rng.choice([b"", b"x", "text", np.array([b"a", b"b"]), 3, np.zeros(2)])
    return image.getvalue()


def repack(data: bytes, rng: random.Random) -> bytes:
    """An archive with other members, whose checksums are right."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    target = rng.choice([*members, "config.json", "model.weights.h5"])
    change = rng.randrange(8)
    if change < 6:
        members[target] = MUTATE["json" if target.endswith("json") else "h5"](members[target], rng)
    elif change == 6:
        members[rng.choice(["../out", "/abs", target + "x", "model.weights.json"])] = members.pop(target)
    else:
        members[target] = bytes(rng.choice([0, 10**6, 7 * 10**7]))
    with zipfile.ZipFile(made, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as new:
        for name, each in members.items():
            new.writestr(name, each)
    return made.getvalue()


def one_of(*changes: Callable) -> Callable:
    def change(data: bytes, rng: random.Random) -> bytes:
        try:
            return rng.choice(changes)(data, rng)
        except Exception:  # the change could not be made
            return flip(data, rng)

    return change


MUTATE = {
    "json": one_of(rewrite, rewrite, rewrite, flip, shift),
    "h5": one_of(flip, flip, rebuild, rebuild, shift),
    "keras": one_of(repack, repack, repack, flip, shift),
}


# ---- reading -------------------------------------------------------------------------------------


class Fault(Exception):
    """What must not happen when a file is read."""


class Reader:
    """Reads changed files.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path, seed: int = 0):
        self.folder, self.seed, self.good = folder, seed, good_files()
        self.models = {good.name: good.make() for good in self.good if good.make}

    def file(self, number: int) -> tuple[Good, bytes]:
        """The changed file of that number, always the same."""
        rng = random.Random(f"{self.seed}/{number}")
        good = rng.choice(self.good)
        return good, MUTATE[good.name.rpartition(".")[2]](good.data, rng)

    def read(self, number: int) -> str:
        """What came of it: 'read', or the name of the error. Raises Fault."""
        import jax

        good, data = self.file(number)
        path = self.folder / f"{number}-{good.name}"
        path.write_bytes(data)
        try:
            outcome = self._model(path) if not good.name.endswith("weights.h5") else "weights"
            if good.make:
                self._weights(path, self.models[good.name])
        finally:
            path.unlink()
            if number % 200 == 0:
                jax.clear_caches()
        return outcome

    def _model(self, path: Path) -> str:
        from cornu import models
        from cornu.saving import load_model

        try:
            if path.suffix == ".json":
                models.model_from_json(path.read_text("utf8", "replace"))
            else:
                self._is_whole(path, load_model(path))
        except Exception as error:
            clear(error)
            return type(error).__name__
        return "read"

    def _is_whole(self, path: Path, model) -> None:
        """Raise Fault where a weight of a model does not come from its file."""
        if path.name.partition("-")[2].startswith("keras1"):
            return  # which are laid out otherwise
        there = {(array.shape, array.tobytes()) for array in arrays(path)}
        for cell in model.weights:
            value = cell.numpy()
            if (value.shape, value.tobytes()) not in there:
                raise Fault(f"{cell.path} has values that are not in the file")

    def _weights(self, path: Path, model) -> None:
        before = [cell.numpy().tobytes() for cell in model.variables]
        try:
            model.load_weights(path)
        except Exception as error:
            clear(error)
            if [cell.numpy().tobytes() for cell in model.variables] != before:
                raise Fault("load_weights failed and changed the model") from None


def arrays(path: Path) -> Iterator[Any]:
    """All arrays of a file."""
    import numpy as np

    from cornu.saving import h5_reader

    data = path.read_bytes()
    if not data.startswith(h5_reader.SIGNATURE):
        with zipfile.ZipFile(path) as archive:
            data = archive.read("model.weights.h5")
    with h5_reader.File(io.BytesIO(data)) as file:
        stack = [file]
        while stack:
            for item in stack.pop().values():
                if isinstance(item, h5_reader.Group):
                    stack.append(item)
                else:
                    yield np.asarray(item[()])


def clear(error: Exception) -> None:
    """Raise Fault for an error that is none for people, or that says that memory ran out."""
    if isinstance(error, Fault):
        raise error
    if not isinstance(error, CLEAR):
        raise Fault(f"{type(error).__name__}: {error}"[:300]) from error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or "out of memory" in str(cause).lower():
            raise Fault(f"memory: {cause}"[:300]) from error
        cause = cause.__cause__


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


# ---- processes -----------------------------------------------------------------------------------


def work(first: int, files: int, step: int, seed: int) -> None:
    """In a process of its own: read every `step`-th file from `first` on, and say what came of each."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(Path(folder), seed)
        for number in range(10):  # what is compiled once and for all
            with contextlib.suppress(Fault):
                reader.read(number)
        base = peak()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 3 * MEMORY, used + 3 * MEMORY))
        for number in range(first, files, step):
            say("begin", number)
            word, seconds = timed(reader, number)
            if seconds > SECONDS:
                say("fault", number, f"took {seconds:.1f} s")
            if peak() - base > MEMORY:
                say("fault", number, f"took {(peak() - base) >> 20} MiB")
                base = peak()
            say("end", number, word, round(seconds, 3), (peak() - base) >> 20)


def timed(reader: Reader, number: int) -> tuple[str, float]:
    """What came of reading a file, and how many seconds of computing it took; faults are said."""
    started, word = time.process_time(), ""
    try:
        word = reader.read(number)
    except Fault as fault:
        say("fault", number, str(fault))
    return word, time.process_time() - started


def say(*words) -> None:
    print(json.dumps(words), flush=True)


class Worker:
    """A process that reads every `step`-th file."""

    def __init__(self, first: int, args: argparse.Namespace):
        self.args, self.number, self.heard = args, None, time.monotonic()
        command = [sys.executable, __file__, "--worker", str(first), "--files", str(args.files)]
        command += ["--jobs", str(args.jobs), "--seed", str(args.seed)]
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, bufsize=0
        )
        self.rest = b""

    def lines(self) -> list[bytes]:
        """What it has said since, in whole lines; nothing where it has ended."""
        said = self.process.stdout.read(1 << 16)
        *lines, self.rest = (self.rest + said).split(b"\n")
        self.heard = time.monotonic()
        return lines


def run(args: argparse.Namespace) -> int:
    """Read all files; returns 1 when something happened that must not."""
    outcomes, faults, slowest, largest = collections.Counter(), [], 0.0, 0
    started, selector = time.monotonic(), selectors.DefaultSelector()

    def start(first: int) -> None:
        if first < args.files:
            worker = Worker(first, args)
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)

    def tell() -> None:
        done = sum(outcomes.values())
        if done % 500 == 0:
            rate = done / (time.monotonic() - started)
            print(f"{done:>7,} files, {len(faults)} faults, {rate:.0f} a second", flush=True)

    for first in range(args.jobs):
        start(first)
    while selector.get_map():
        for key, _ in selector.select(timeout=1):
            worker = key.data
            if lines := worker.lines():
                for kind, worker.number, *rest in map(json.loads, lines):
                    if kind == "fault":
                        faults.append((worker.number, *rest))
                    elif kind == "end":
                        outcomes[rest[0] or "fault"] += 1
                        slowest, largest = max(slowest, rest[1]), max(largest, rest[2])
                        tell()
                continue
            if worker.rest and worker.process.poll() is None:
                continue
            selector.unregister(key.fileobj)
            if worker.process.wait() != 0:
                if worker.number is None:
                    print("a process did not start", flush=True)
                    return 1
                faults.append((worker.number, f"the process ended with {worker.process.returncode}"))
                start(worker.number + args.jobs)
        for key in list(selector.get_map().values()):
            if time.monotonic() - key.data.heard > SILENCE * (1 if key.data.number is not None else 5):
                key.data.process.kill()
    print(
        f"{sum(outcomes.values()):,} files in {time.monotonic() - started:.0f} s: {dict(outcomes.most_common())}"
    )
    print(f"slowest {slowest:.2f} s (of {SECONDS}), most memory {largest} MiB (of {MEMORY >> 20})")
    for number, *what in sorted(faults):
        print(f"fault: file {number}: {' '.join(map(str, what))}")
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other files (0)")
    parser.add_argument("--only", type=int, help="read this file alone and show what came of it")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker is not None:
        work(args.worker, args.files, args.jobs, args.seed)
        return 0
    if args.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(Reader(Path(folder), args.seed).read(args.only))
            except Fault:
                traceback.print_exc()
        return 0
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
