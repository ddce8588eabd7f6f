"""`python -m benchmarks [names...]`: milliseconds a step for Cornu and every peer that is installed."""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

from .work import WORKLOADS

PEERS = {"cornu": ("cornu", {}), "keras-jax": ("keras", {"KERAS_BACKEND": "jax"})}
ROUNDS = 2  # processes a peer, taking turns, so that a slow minute meets all of them
RESULTS = pathlib.Path("out/benchmarks.json")


def time_once(workload: str, peer: str) -> dict:
    """One process of one peer."""
    module, environment = PEERS[peer]
    command = [sys.executable, "-m", "benchmarks.work", workload, module]
    done = subprocess.run(
        command, env={**os.environ, **environment, "JAX_PLATFORMS": "cpu"}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{peer} failed on {workload}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(WORKLOADS), help=f"of {', '.join(WORKLOADS)}")
    names = parser.parse_args().names
    if unknown := set(names) - set(WORKLOADS):
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    peers = [peer for peer, (module, _) in PEERS.items() if importlib.util.find_spec(module)]
    results: dict = {}
    print(f"{'workload':12}{'library':12}{'ms a step':>12}{'first epoch':>14}{'peak MB':>10}{'ratio':>8}")
    for name in names:
        runs: dict = {peer: [] for peer in peers}
        for _ in range(ROUNDS):
            for peer in peers:
                runs[peer].append(time_once(name, peer))
        best = {peer: min(each, key=lambda run: run["ms_per_step"]) for peer, each in runs.items()}
        results[name] = best
        for peer, run in best.items():
            ratio = run["ms_per_step"] / best["cornu"]["ms_per_step"]
            print(
                f"{name:12}{peer:12}{run['ms_per_step']:12.4f}{run['first_epoch_s']:12.2f} s"
                f"{run['peak_mb']:10.0f}{ratio:8.1f}"
            )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(f"Written to {RESULTS}; the ratio is a library's time over Cornu's.")


if __name__ == "__main__":
    main()
