"""What the user sees while a run goes on: progress bars on a terminal, plain lines elsewhere; always on stderr."""

import os
import sys
import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.execution.messages import Progressed
from bench.util.text import shown

LINE_EVERY = 20.0  # seconds between two lines about one task where there is no terminal


class Bars:
    """One bar a running task."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.fields[name]}"),
            TextColumn("[dim]{task.fields[phase]}"),
            BarColumn(24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("[dim]{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._ids: dict[str, TaskID] = {}
        self._phases: dict[str, tuple[str, int, float]] = {}

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._bars.stop()

    def started(self, name: str) -> None:
        self._ids[name] = self._bars.add_task("", total=None, name=escape(name), phase="", detail="")

    def progress(self, name: str, event: Progressed) -> None:
        bar = self._ids[name]
        if self._phases.get(name, ("",))[0] != event.phase:
            self._phases[name] = (event.phase, event.images, time.monotonic())
            self._bars.reset(bar, total=event.of)
        detail = detail_of(event, *self._phases[name][1:])
        phase = escape(shown(event.phase))
        self._bars.update(bar, completed=event.images, phase=phase, detail=escape(shown(detail)))

    def ended(self, name: str, end: str, reason: str, seconds: float) -> None:
        if name in self._ids:
            self._bars.remove_task(self._ids.pop(name))
        self._bars.console.print(ending(name, end, reason, seconds), markup=False, highlight=False)

    def note(self, text: str) -> None:
        if text:
            self._bars.console.print(text, markup=False, highlight=False)


class Lines:
    """Plain lines, now and then."""

    def __init__(self, console: Console) -> None:
        self._last: dict[str, float] = {}
        self._first: dict[str, tuple[str, int, float]] = {}

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def started(self, name: str) -> None:
        self._last[name] = time.monotonic()
        self.note(f"{name}: started")

    def progress(self, name: str, event: Progressed) -> None:
        if self._first.get(name, ("",))[0] != event.phase:
            self._first[name] = (event.phase, event.images, time.monotonic())
        if time.monotonic() - self._last[name] > LINE_EVERY:
            self._last[name] = time.monotonic()
            share = 100 * event.images / max(event.of, 1)
            self.note(
                f"{name}: {shown(event.phase)} {share:.0f}% {shown(detail_of(event, *self._first[name][1:]))}".rstrip()
            )

    def ended(self, name: str, end: str, reason: str, seconds: float) -> None:
        self.note(ending(name, end, reason, seconds))

    def note(self, text: str) -> None:
        if not text:
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:  # nobody reads on: no reason to end the run
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def show(console: Console) -> Any:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)


def detail_of(event: Progressed, first: int, since: float) -> str:
    """Images per second and losses, where this is training."""
    seconds = time.monotonic() - since
    if not event.scalars or seconds <= 0 or event.images <= first:
        return ""
    speed = f"{(event.images - first) / seconds:,.0f} img/s"
    return " ".join([speed, *(f"{name} {value:.4g}" for name, value in event.scalars.items())])


def ending(name: str, end: str, reason: str, seconds: float) -> str:
    """The last line about a task."""
    return f"{name}: {end}{f': {shown(reason)}' if reason else ''} ({seconds:.1f} s)"
