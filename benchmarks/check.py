"""Speed that changes the numbers does not count: from equal weights and batches, all libraries' losses are equal."""

import pathlib
import tempfile

import numpy as np

from . import libraries
from .workloads import WORKLOADS

STEPS = 5
AGAINST = ("keras-jax", "torch")
TOLERANCE = 2e-3  # relative, after some steps of an optimizer that magnifies the last digit of a small slope


def furthest(ours: list, theirs: list) -> float:
    """The largest relative difference; of numbers below one the absolute."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1)))


def losses(name: str, steps: int = STEPS) -> dict[str, dict]:
    """Losses and outputs of each library that is there, from the weights that Cornu began with."""
    there = {key: libraries.MODELS[key] for key in ("cornu", *AGAINST) if libraries.MODELS[key].installed}
    with tempfile.TemporaryDirectory() as folder:
        weights = str(pathlib.Path(folder) / "weights.npz")
        return {
            key: libraries.run(library, "losses", name, str(steps), weights) for key, library in there.items()
        }


def main(names: list[str]) -> bool:
    """Print the losses of each library; whether all are equal within the tolerance."""
    missing = [key for key in AGAINST if not libraries.MODELS[key].installed]
    for key in missing:
        print(f"{key} is not installed, so it is not compared (make bench-peers)")
    equal = True
    for name in names or WORKLOADS:
        try:
            made = losses(name)
        except libraries.Failed as error:
            print(f"{name} failed:\n{error}")
            equal = False
            continue
        ours = made.pop("cornu")
        print(f"{name:14}{'cornu':12}" + " ".join(f"{loss:.6f}" for loss in ours["losses"]), flush=True)
        for key, theirs in made.items():
            apart = max(furthest(ours[part], theirs[part]) for part in ("losses", "outputs"))
            equal &= apart <= TOLERANCE
            said = f"apart by {apart:.1e}" + ("" if apart <= TOLERANCE else f", more than {TOLERANCE:g}")
            print(f"{name:14}{key:12}" + " ".join(f"{loss:.6f}" for loss in theirs["losses"]) + f"  {said}")
    return equal and not missing
