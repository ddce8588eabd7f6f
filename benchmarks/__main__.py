"""Time Cornu beside every peer that is installed, or compare their losses.

python -m benchmarks                       all workloads, all parts
python -m benchmarks cnn lstm              training only, of these
python -m benchmarks cnn predict           training and predict of cnn
python -m benchmarks predict augment       predict of all models, and the image code
python -m benchmarks check [names...]      losses from equal weights: equal within tolerance?
"""

import argparse
import json
import os
import pathlib
import time

from . import check, costs, libraries, machine, report
from .workloads import WORKLOADS

OUT = pathlib.Path("out")
SIZES = (32, 224)  # of images
NAMES = (*WORKLOADS, "predict", "augment")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; or check, then names"
    )
    parser.add_argument("--peers", nargs="*", metavar="peer", help="only these: " + ", ".join(peers()))
    parser.add_argument("--rounds", type=int, default=2, help="processes a library, taking turns (2)")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there too: benchmarks/RESULTS.md")
    asked = parser.parse_args()
    asked.check = asked.names[:1] == ["check"]
    asked.names = asked.names[asked.check :]
    if unknown := set(asked.names) - set(WORKLOADS if asked.check else NAMES):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if unknown := set(asked.peers or ()) - set(peers()):
        parser.error(f"no peer {', '.join(sorted(unknown))}; there are {', '.join(peers())}")
    if asked.rounds < 1:
        parser.error(f"--rounds must be at least 1; got {asked.rounds}")
    return asked


def peers() -> list[str]:
    return [name for name in {**libraries.MODELS, **libraries.IMAGES} if name != report.OURS]


def plan(names: list[str]) -> list[tuple[str, dict, tuple]]:
    """What to run: a workload's name, the libraries it is for, and what their worker is told."""
    models = [name for name in names if name in WORKLOADS]
    parts = [
        part
        for part, asked in (("train", not names or models), ("predict", not names or "predict" in names))
        if asked
    ]
    work = []
    if parts:
        for name in models or WORKLOADS:
            work.append((name, libraries.MODELS, ("measure", name, *parts)))
    if not names or "augment" in names:
        work += [(f"{size}×{size}", libraries.IMAGES, (str(size),)) for size in SIZES]
    return work


def measure(work: list, peers: list[str] | None, rounds: int) -> dict:
    """Run it all, one process at a time, the libraries taking turns; say what is seen as it comes."""

    def wanted(library: str) -> bool:
        return peers is None or library in (*peers, report.OURS)

    total = rounds * sum(each.installed and wanted(key) for _, of, _ in work for key, each in of.items())
    results, missing, failed, done = {}, [], [], 0
    for name, of, told in work:
        for _turn in range(rounds):
            for key, library in of.items():
                if not wanted(key) or any(f["library"] == key and f["workload"] == name for f in failed):
                    continue
                if not library.installed:
                    missing += [key] if key not in missing else []
                    continue
                done, start = done + 1, time.perf_counter()
                try:
                    made = libraries.run(library, *told)
                except libraries.Failed as error:
                    failed.append({"library": key, "workload": name, "error": str(error)})
                    print(f"[{done}/{total}] {name} in {key} failed:\n{error}", flush=True)
                    continue
                if of is libraries.IMAGES:
                    made = {"augment": made}
                seen = []
                for part, run in made.items():
                    results.setdefault((part, name), {}).setdefault(key, []).append(run)
                    seen.append(f"{part} {report.joined([run])['ms']:.3g} ms")
                took = time.perf_counter() - start
                print(f"[{done}/{total}] {name:12} {key:17} {', '.join(seen)} ({took:.0f} s)", flush=True)
    return {"results": results, "missing": missing, "failed": failed}


def consists_of(table: list[dict], ceiling: dict) -> list[str]:
    """A line for each workload that was trained."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import cornu

    ours = [row for row in table if row["part"] == "train" and row["library"] == report.OURS]
    return [costs.line(row["workload"], row["ms"], ceiling, cornu) for row in ours]


def versions() -> dict[str, dict[str, str]]:
    """Of the environment of Cornu, and of each that peers have."""
    code = "import json; from benchmarks import machine; print(json.dumps(machine.versions()))"
    found = {"cornu": machine.versions()}
    for home in sorted(
        {each.home for each in (*libraries.MODELS.values(), *libraries.IMAGES.values()) if each.home}
    ):
        python = libraries.PEERS / home / "bin" / "python"
        if python.exists():
            done = libraries.subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
            found[f"peers of {home}"] = json.loads(done.stdout)
    return found


def main() -> None:
    asked = parse()
    if asked.check:
        raise SystemExit(not check.main(asked.names))
    whole = {"machine": machine.description(), "rounds": asked.rounds, "versions": versions()}
    print("Measuring the machine itself", flush=True)
    whole["ceiling"] = libraries.run(libraries.Library("machine", ""))
    made = measure(plan(asked.names), asked.peers, asked.rounds)
    table = report.rows(made.pop("results"))
    whole |= {**made, "table": table, "consists_of": consists_of(table, whole["ceiling"])}
    print(report.text(table), *[f"\n{line}" for line in whole["consists_of"]])
    for key in whole["missing"]:
        print(f"\n{key} is not installed, so it was not measured: make bench-peers")
    OUT.mkdir(exist_ok=True)
    (OUT / "benchmarks.json").write_text(json.dumps(whole, indent=1) + "\n")
    page = pathlib.Path(asked.markdown) if asked.markdown else OUT / "benchmarks.md"
    page.write_text(report.markdown(whole))
    try:
        report.chart(table, OUT / "benchmarks.png")
    except ImportError:
        print("\nNo chart without matplotlib: pip install 'cornu[bench]'")
    print(f"\nWritten to {OUT}/benchmarks.json, {OUT}/benchmarks.png and {page}")
    raise SystemExit(bool(whole["failed"]))


if __name__ == "__main__":
    main()
