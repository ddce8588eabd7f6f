"""From the measurements of all processes to one table: in the terminal, as Markdown, as a chart."""

import statistics

from .workloads import AUGMENT_TARGET, PREDICT_TARGET, ROW_TARGET, WORKLOADS

OURS = "cornu"
TITLES = {
    "train": "Training: ms a step",
    "predict": "`predict` over the data: ms a batch",
    "row": "`predict` on one row: ms a call",
    "augment": "`ImageDataGenerator`: ms an image",
}
COLORS = {
    "cornu": "#111111",
    "keras-jax": "#d1495b",
    "keras-tensorflow": "#edae49",
    "keras-torch": "#66a182",
    "torch": "#2e4057",
    "torch-compiled": "#8d96a3",
    "keras-2.3.1": "#d1495b",
}


def target(part: str, name: str) -> float:
    """What best peer over Cornu must reach."""
    fixed = {"predict": PREDICT_TARGET, "row": ROW_TARGET, "augment": AUGMENT_TARGET}
    return fixed.get(part) or WORKLOADS[name].target


def joined(runs: list[dict]) -> dict:
    """One library's processes as one: median and quartiles of all epochs after each first."""
    times = sorted(ms for run in runs for ms in run["ms"])
    low, middle, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    whole = {"ms": middle, "low": low, "high": high, "peak_mb": max(run["peak_mb"] for run in runs)}
    if "first_s" in runs[0]:
        whole |= {"first_s": runs[-1]["first_s"], "first_cold_s": runs[0]["first_s"]}
    if "calls" in runs[0]:
        whole["calls"] = sum(run["calls"] for run in runs)
    return whole


def rows(results: dict) -> list[dict]:
    """A row for each part, workload and library, with the ratio to Cornu; Cornu's says whether it met its target.

    `results` maps `(part, workload)` to a dict from library to its runs.
    """
    table = []
    for (part, name), libraries in results.items():
        sums = {library: joined(runs) for library, runs in libraries.items() if runs}
        ours = sums.get(OURS, {}).get("ms")
        peers = {library: each for library, each in sums.items() if library != OURS}
        best = min(peers, key=lambda library: peers[library]["ms"], default=None)
        for library, each in sums.items():
            row = {"part": part, "workload": name, "library": library, **each}
            if ours:
                row["ratio"] = each["ms"] / ours
            if library == OURS and best:
                ratio, wanted = peers[best]["ms"] / ours, target(part, name)
                row |= {"ratio": ratio, "best_peer": best, "target": wanted, "met": ratio >= wanted}
                row["peak_over_best"] = each["peak_mb"] / peers[best]["peak_mb"]
            table.append(row)
    return table


def spread(row: dict) -> str:
    return f"{row['low']:.3g}–{row['high']:.3g}"


def verdict(row: dict) -> str:
    if "met" not in row:
        return ""
    said = "met" if row["met"] else "MISSED"
    return f"best peer {row['best_peer']} ÷ Cornu {row['ratio']:.2f}, wanted {row['target']:g}: {said}"


def cells(row: dict) -> list[str]:
    """A row as text: library, ms, spread, first epoch, peak, ratio, verdict."""
    first = f"{row['first_s']:.1f}" if "first_s" in row else ""
    time = f"{row['ms']:.3g}" + (f" ({1e3 / row['ms']:.0f}/s)" if row["part"] == "augment" else "")
    ratio = "" if row["library"] == OURS or "ratio" not in row else f"{row['ratio']:.2f}"
    return [
        row["library"],
        time,
        spread(row),
        first,
        f"{row['peak_mb']:.0f}",
        ratio,
        verdict(row),
    ]


HEAD = ["library", "ms", "quartiles", "first epoch s", "peak MB", "÷ Cornu", "target"]


def text(table: list[dict]) -> str:
    """For the terminal, in columns."""
    widths = [18, 16, 17, 14, 9, 9, 0]
    lines, before = [], None
    for row in table:
        if (row["part"], row["workload"]) != before:
            before = row["part"], row["workload"]
            title = TITLES[row["part"]].replace("`", "")
            lines += ["", f"{row['workload']} – {title}"]
            lines.append(
                "".join(f"{head:{width}}" for head, width in zip(HEAD, widths, strict=True)).rstrip()
            )
        lines.append(
            "".join(f"{cell:{width}}" for cell, width in zip(cells(row), widths, strict=True)).rstrip()
        )
    return "\n".join(lines)


def markdown(report: dict) -> str:
    """The whole report as one page."""
    machine, ceiling = report["machine"], report.get("ceiling")
    lines = [
        "# Results",
        "",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}; {machine['date']}; processes of each library: {report['rounds']}, taking turns; "
        f"load of the machine before the run {machine['load_before']:.1f}.",
        "",
    ]
    for where, found in report["versions"].items():
        lines.append(f"- {where}: " + ", ".join(f"{name} {version}" for name, version in found.items()))
    for library in report["missing"]:
        lines.append(f"- {library}: not installed, so not measured (`make bench-peers`)")
    for said in report["failed"]:
        lines.append(f"- {said['library']} failed on {said['workload']}: {said['error'].splitlines()[-1]}")
    if ceiling:
        lines += [
            "",
            f"The machine at its best: {ceiling['gflops']:.0f} Gflop/s in a float32 matrix product, "
            f"{ceiling['gb_s']:.1f} GB/s of memory, {ceiling['random_ns']:.2f} ns a random number for a mask, "
            f"{ceiling['dispatch_us']:.1f} µs to dispatch compiled code.",
        ]
    lines += [
        "",
        "`ms` is the median of all epochs after the first of each process. The first epoch is counted from the "
        "start of the process, imports included, in the last round, when whatever a library keeps on disk by "
        "itself is there. `÷ Cornu` is a library's time over Cornu's.",
    ]
    for part, title in TITLES.items():
        of_part = [row for row in report["table"] if row["part"] == part]
        if not of_part:
            continue
        lines += ["", f"## {title}", "", f"| workload | {' | '.join(HEAD)} |", "|---" * (len(HEAD) + 1) + "|"]
        for row in of_part:
            lines.append(f"| {row['workload']} | {' | '.join(cells(row))} |")
    if report["consists_of"]:
        lines += ["", "## What Cornu's time consists of", ""]
        lines += [f"- {line}" for line in report["consists_of"]]
    return "\n".join(lines) + "\n"


def chart(table: list[dict], path) -> None:
    """How many times as long as Cornu each library takes: a panel a part, a group of bars a workload."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    compared = [row for row in table if "ratio" in row and row["library"] != OURS]
    shown = [part for part in TITLES if any(row["part"] == part for row in compared)]
    if not shown:
        return
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(11, 3.2 * len(shown)), squeeze=False)
    for part, axis in zip(shown, axes[:, 0], strict=True):
        of_part = [row for row in compared if row["part"] == part]
        names = list(dict.fromkeys(row["workload"] for row in of_part))
        libraries = list(dict.fromkeys(row["library"] for row in of_part))
        width = min(0.8 / len(libraries), 0.2)
        for row in of_part:
            at = (
                names.index(row["workload"])
                + (libraries.index(row["library"]) - len(libraries) / 2 + 0.5) * width
            )
            # a bar grows from 1: up where Cornu is faster, down where it is slower
            axis.bar(at, row["ratio"] - 1, width * 0.92, bottom=1, color=COLORS[row["library"]])
            up = row["ratio"] >= 1
            axis.annotate(
                f"{row['ratio']:.3g}",
                (at, row["ratio"]),
                xytext=(0, 2 if up else -2),
                textcoords="offset points",
                ha="center",
                va="bottom" if up else "top",
                fontsize=7,
            )
        for place, name in enumerate(names):
            wanted = target(part, name)
            axis.plot([place - 0.45, place + 0.45], [wanted, wanted], "--", color="#555555", linewidth=1)
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter("")
        axis.axhline(1, color=COLORS[OURS], linewidth=1.2)
        low, high = axis.get_ylim()
        axis.set_ylim(low / 1.3, high * 1.4)
        axis.set_xticks(range(len(names)), names)
        axis.set_xlim(-0.6, len(names) - 0.4)
        axis.set_title(TITLES[part].replace("`", "").split(":")[0], loc="left", fontsize=11)
        axis.set_ylabel("time ÷ Cornu's")
        axis.grid(axis="y", alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        marks = [pyplot.Rectangle((0, 0), 1, 1, color=COLORS[library]) for library in libraries]
        marks.append(pyplot.Line2D([], [], linestyle="--", color="#555555", linewidth=1))
        axis.legend(
            marks,
            [*libraries, "target"],
            ncols=6,
            fontsize=8,
            frameon=False,
            loc="lower right",
            bbox_to_anchor=(1, 1),
        )
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
