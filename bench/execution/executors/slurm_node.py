"""What an array job of Slurm does: one errand, with reports to a file that the host reads."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from bench.execution.executors.desk import reports_of
from bench.execution.executors.errand import decode_errand
from bench.execution.executors.node import refusal_of, run_errand
from bench.execution.executors.reports import Refusal, Report, encode_report, parse_report
from bench.execution.messages import End, Ended
from bench.execution.worker_server import worker_server

REASONS: dict[int, tuple[End, str]] = {
    signal.SIGUSR2: ("timeout", "the array job reached its time limit (--slurm time=MINUTES)"),
    signal.SIGTERM: ("killed", "the array job was cancelled"),
}


class _Stopped(BaseException):
    """Slurm ends this array job."""

    def __init__(self, number: int) -> None:
        self.number = number


def main(path: str) -> None:
    """Do the errand in the file `path`. If Slurm starts this array job again, tasks that have ended stay as they are."""
    errand, reports = decode_errand(Path(path).read_bytes()), reports_of(Path(path))
    left = [task for task in errand.tasks if task.name not in _ended(reports)]
    if refusal := refusal_of(errand):
        _write(reports, refusal)
        return
    unfinished = {task.name for task in left}
    try:
        with _signals(), worker_server():
            for report in run_errand(errand.of(left), _gpus()):
                if isinstance(report.event, Ended):
                    unfinished.discard(report.task)
                _write(reports, report)
    except _Stopped as stopped:
        for name in sorted(unfinished):
            _write(reports, Report(name, Ended(*REASONS[stopped.number])))


def describe(path: str, device: str, threads: int) -> None:
    """Write the device of this node, and why it cannot be used, to the file `path`."""
    from dataclasses import asdict

    from bench.errors import BenchError
    from bench.experiment.device import find_device
    from bench.util.atomic import write_json

    try:
        write_json(Path(path), asdict(find_device(device, threads)))
    except BenchError as error:
        write_json(Path(path), {"refused": f"{socket.gethostname()}: {error}"})


@contextmanager
def _signals() -> Iterator[None]:
    """Slurm announces its time limit and a cancellation by signals, for which submitit has handlers of its own."""

    def stop(number: int, frame: FrameType | None) -> None:
        for other in REASONS:
            signal.signal(other, signal.SIG_IGN)
        raise _Stopped(number)

    before = {number: signal.signal(number, stop) for number in REASONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(reports: Path) -> set[str]:
    """The tasks that an earlier start of this array job has ended."""
    found = set()
    for line in reports.read_bytes().split(b"\n") if reports.exists() else ():
        with suppress(ValueError):
            report = parse_report(line)
            if isinstance(report, Report) and isinstance(report.event, Ended):
                found.add(report.task)
    return found


def _write(reports: Path, report: Report | Refusal) -> None:
    """Open and close the file each time, so that a network file system shows the line to others."""
    with open(reports, "ab") as file:
        file.write(encode_report(report))
        file.flush()
        os.fsync(file.fileno())


def _gpus() -> tuple[str, ...]:
    """What Slurm has given to this array job."""
    return tuple(filter(None, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")))
