"""What the user sees while a run is in progress: progress bars on a terminal, plain lines elsewhere; always on stderr."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bench.cli.console import console
from bench.cli.jobs_left import Jobs
from bench.execution.messages import Progressed
from bench.util.text import shown

LINE_EVERY = 20.0  # seconds between two lines about one task without a terminal


class _Table(Progress):
    """Progress bars with a line below them."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.below)


class Bars:
    """One bar a running task, and the count of jobs below."""

    def __init__(self, screen: Console, jobs: Jobs) -> None:
        self._jobs = jobs
        self._bars = _Table(
            TextColumn("{task.fields[name]}"),
            TextColumn("[dim]{task.fields[phase]}"),
            BarColumn(24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("[dim]{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=screen,
            transient=True,
        )
        self._ids: dict[str, TaskID] = {}
        self._phases: dict[str, tuple[str, int, float]] = {}

    def expect(self, seconds: Mapping[str, float | None]) -> None:
        self._jobs.expect(seconds)
        self._bars.below = self._jobs.text()

    def __enter__(self) -> "Bars":
        self._bars.below = self._jobs.text()
        self._bars.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._bars.stop()

    def started(self, name: str) -> None:
        self._jobs.started(name)
        self._ids[name] = self._bars.add_task("", total=None, name=escape(name), phase="", detail="")

    def progress(self, name: str, event: Progressed) -> None:
        bar = self._ids[name]
        if self._phases.get(name, ("",))[0] != event.phase:
            self._phases[name] = (event.phase, event.images, time.monotonic())
            self._bars.reset(bar, total=event.of)
        detail = detail_of(event, *self._phases[name][1:])
        phase = escape(shown(event.phase))
        self._bars.below = self._jobs.text()
        self._bars.update(bar, completed=event.images, phase=phase, detail=escape(shown(detail)))

    def ended(self, name: str, end: str, reason: str, seconds: float) -> None:
        self._jobs.ended(name, seconds)
        self._bars.below = self._jobs.text()
        if name in self._ids:
            self._bars.remove_task(self._ids.pop(name))
        self._bars.console.print(ending(name, end, reason, seconds), markup=False, highlight=False)

    def note(self, text: str) -> None:
        if text:
            self._bars.console.print(text, markup=False, highlight=False)


class Lines:
    """Plain lines, now and then."""

    def __init__(self, screen: Console, jobs: Jobs) -> None:
        self._jobs = jobs
        self._last: dict[str, float] = {}
        self._first: dict[str, tuple[str, int, float]] = {}

    def expect(self, seconds: Mapping[str, float | None]) -> None:
        self._jobs.expect(seconds)

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def started(self, name: str) -> None:
        self._jobs.started(name)
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
        self._jobs.ended(name, seconds)
        self.note(ending(name, end, reason, seconds))
        self.note(self._jobs.text() if name in self._jobs else "")

    def note(self, text: str) -> None:
        if not text:
            return
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:  # a closed stream does not end the run
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class Silent:
    """Shows nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *problem: object) -> None:
        pass

    def expect(self, seconds: Mapping[str, float | None]) -> None:
        pass

    def started(self, name: str) -> None:
        pass

    def progress(self, name: str, event: Progressed) -> None:
        pass

    def ended(self, name: str, end: str, reason: str, seconds: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def display(jobs: Jobs, enabled: bool = True) -> Any:
    """Progress bars on a terminal and in a notebook, plain lines otherwise, and nothing if not enabled."""
    if not enabled:
        return Silent()
    screen = console(stderr=True)
    return Bars(screen, jobs) if draws_bars(screen) else Lines(screen, jobs)


def draws_bars(screen: Console) -> bool:
    """Whether progress bars can be drawn: on a terminal, and in a notebook with ipywidgets."""
    return screen.is_terminal or (screen.is_jupyter and find_spec("ipywidgets") is not None)


@contextmanager
def measuring(enabled: bool = True) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar over metrics. Yields a function of the current metric, how many are done, and how many there are."""
    screen = console(stderr=True)
    with Progress(console=screen, transient=True, disable=not (enabled and draws_bars(screen))) as bars:
        task = bars.add_task("reading images", total=None)

        def report(metric: str, done: int, of: int) -> None:
            bars.update(task, description=f"measuring {metric}", completed=done, total=of)

        yield report


def detail_of(event: Progressed, first: int, since: float) -> str:
    """Images per second and losses, if this is training."""
    seconds = time.monotonic() - since
    if not event.scalars or seconds <= 0 or event.images <= first:
        return ""
    speed = f"{(event.images - first) / seconds:,.0f} img/s"
    return " ".join([speed, *(f"{name} {value:.4g}" for name, value in event.scalars.items())])


def ending(name: str, end: str, reason: str, seconds: float) -> str:
    """The last line about a task."""
    return f"{name}: {end}{f': {shown(reason)}' if reason else ''} ({seconds:.1f} s)"
