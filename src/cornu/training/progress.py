"""The progress bar, with the look of Keras 1, 2 and 3."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from .. import config
from ..eras import border

LOG_SECONDS = 60.0  # between lines, where a line cannot be redrawn
STYLES = {"bold": "\33[1m", "done": "\33[32m", "rest": "\33[37m", "plain": "\33[0m"}


def duration(seconds: float) -> str:
    """Seconds as '7s', '1:05' or '2:00:09'."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes}:{seconds:02d}" if minutes else f"{seconds}s"


def pace(seconds: float, unit: str) -> str:
    """Seconds a step as '2s/step', '13ms/step' or '40us/step'."""
    if seconds >= 1 or not seconds:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def number(value: float) -> str:
    """Four digits after the point, or an exponent where those would not show anything."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def _arrow(done: int, width: int) -> str:
    head = "=" if done == width else ">"
    return f"[{'=' * (done - 1) + head if done else ''}{'.' * (width - done)}]"


def _line(done: int, width: int) -> str:
    return f"{{done}}{'━' * done}{{plain}}{{rest}}{'━' * (width - done)}{{plain}}"


class Look(NamedTuple):
    """How an era draws: templates of the count before the bar, of what follows it while it runs and at its end, and
    of the short form.
    """

    width: int
    count: str
    bar: Callable[[int, int], str]
    running: str
    ended: str
    short: str


LOOKS = {
    1: Look(30, "{count}", _arrow, " - ETA: {eta}", " - {elapsed}s", "{elapsed}s"),
    2: Look(30, "{count}", _arrow, " - ETA: {eta}", " - {elapsed}s {pace}", " - {elapsed}s"),
    3: Look(
        20,
        "{bold}{count}{plain}",
        _line,
        " {bold}{eta}{plain} {pace}",
        " {bold}{elapsed}s{plain} {pace}",
        "{count} - {elapsed}s - {pace}",
    ),
}


_unfinished = 0  # characters of a bar that stands on the last line and will be drawn over


def say(text: str) -> None:
    """Print a line, in the place of a bar that is being drawn; the next drawing comes below."""
    _write("\r" + " " * _unfinished + "\r" + text + "\n" if _unfinished else text + "\n", 0)


def _write(text: str, unfinished: int) -> None:
    global _unfinished
    _unfinished = unfinished
    sys.stdout.write(text)
    sys.stdout.flush()


def _can_redraw() -> bool:
    """Whether what is printed is seen by someone, so that a line may be drawn over."""
    tty = getattr(sys.stdout, "isatty", lambda: False)()
    return tty or "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ


class Progbar:
    """A line that shows how far something is, how long it takes, and some numbers.

    Where the output is no terminal, a line is printed at the end, and once a minute before that.

    Args:
        target: how many steps there are; None if that is not known.
        width: characters of the bar; 20, in eras 1 and 2 30.
        verbose: 0 is silent, 1 (or 'auto') draws, 2 prints one short line at the end.
        stateful_metrics: names whose values are shown as they are; others are averaged over the steps.
        stateless_metrics: instead of that, names whose values are averaged; others are shown as they are.
        interval: seconds between two redraws.
        unit_name: what a step is called.

    Raises ValueError when both kinds of names are given.

    Example:
        >>> bar = Progbar(10, verbose=0)
        >>> for loss in (3.0, 1.0):
        ...     bar.add(5, values=[("loss", loss)])
    """

    def __init__(
        self,
        target: int | None,
        width: int | None = None,
        verbose: int | str = 1,
        interval: float = 0.1,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give stateful_metrics or stateless_metrics, not both")
        self.look = LOOKS[config.era()]
        self.target, self.width = target, width or self.look.width
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.redraws = _can_redraw()
        self.interval = interval if self.redraws else max(interval, LOG_SECONDS)
        self._totals: dict[str, tuple[float, float]] = {}  # name -> (sum, weight)
        self._seen = 0
        self._start = time.monotonic()
        self._due = self._start if self.redraws else self._start + self.interval
        self._first: tuple[int, float] | None = None  # steps and time at the first update
        self._pace = 0.0

    @border.method("Progbar.update")
    def update(
        self, current: int, values: Iterable[tuple[str, float]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that `current` steps are done.

        Args:
            current: steps so far.
            values: pairs of a name and its value in the steps since the last update.
            finalize: whether this is the end; by default when `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        now = time.monotonic()
        self._measure(current, now)
        for name, value in values or ():
            self._note(name, value, max(current - self._seen, 1))
        self._seen = current
        if self.verbose == 1 and (finalize or now >= self._due):
            self._due = now + self.interval
            self._draw(now, finalize)
        elif self.verbose == 2 and finalize:
            _write(self.look.short.format(**self._words(now)) + self._numbers() + "\n", 0)

    def add(self, n: int, values: Iterable[tuple[str, float]] | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _note(self, name: str, value, steps: int) -> None:
        averaged = (
            name not in self.stateful_metrics
            if self.stateless_metrics is None
            else name in self.stateless_metrics
        )
        total, weight = self._totals.get(name, (0.0, 0)) if averaged else (0.0, 0)
        self._totals[name] = total + float(np.mean(value)) * steps, weight + steps

    def _measure(self, current: int, now: float) -> None:
        """Time of a step; what went before the second update, compiling most of all, may be left out."""
        if current <= self._seen:
            return
        self._pace = (now - self._start) / current
        if self._first is None:
            self._first = current, now
        else:
            steps, since = self._first
            self._pace = min(self._pace, (now - since) / (current - steps))

    def _count(self) -> str:
        if not self.target:
            return f"{self._seen:7d}/Unknown"
        return f"{self._seen:>{len(str(self.target))}}/{self.target}"

    def _words(self, now: float) -> dict[str, str]:
        """What the templates of a `Look` may say."""
        left = (self.target or self._seen) - self._seen
        return {
            "count": self._count(),
            "eta": duration(self._pace * left),
            "elapsed": f"{now - self._start:.0f}",
            "pace": pace(self._pace, self.unit_name),
        }

    def _numbers(self) -> str:
        return "".join(
            f" - {name}: {number(total / weight)}" for name, (total, weight) in self._totals.items()
        )

    def _draw(self, now: float, finalize: bool) -> None:
        bar = ""
        if self.target:
            done = min(int(self.width * self._seen / self.target), self.width)
            bar = " " + self.look.bar(done, self.width)
        ended = finalize or not self.target
        template = self.look.count + bar + (self.look.ended if ended else self.look.running)
        words, plain = self._words(now), dict.fromkeys(STYLES, "")
        size = len(template.format(**words, **plain))
        numbers = self._numbers()
        if not self.redraws:
            _write(template.format(**words, **plain) + numbers + "\n", 0)
            return
        if not finalize:  # a line that wraps cannot be drawn over
            numbers = numbers[: max(shutil.get_terminal_size().columns - size - 1, 0)]
        size += len(numbers)
        rest = " " * (_unfinished - size) + ("\n" if finalize else "")
        _write("\r" + template.format(**words, **STYLES) + numbers + rest, 0 if finalize else size)
