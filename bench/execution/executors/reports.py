"""What a node tells the host: lines of JSON, one for each event of a task, or that it refuses to compute."""

import json
from dataclasses import asdict, dataclass

from bench.execution.messages import Ended, Event, Fitted, Progressed, Started, parse_event

SENT = (Progressed, Fitted, Ended)


@dataclass(frozen=True)
class Report:
    """An event of one of the tasks of an errand."""

    task: str
    event: Event


@dataclass(frozen=True)
class Refusal:
    """A node does not compute anything, and why."""

    node: str
    reason: str


def encode_report(report: Report | Refusal) -> bytes:
    """One line."""
    if isinstance(report, Refusal):
        return json.dumps({"refused": asdict(report)}).encode() + b"\n"
    named = {"event": type(report.event).__name__.lower(), **asdict(report.event)}
    return json.dumps({"task": report.task, "content": named}).encode() + b"\n"


def parse_report(line: bytes) -> Report | Refusal:
    """What `encode_report` wrote. Raises `ValueError` for anything else."""
    try:
        parts = json.loads(line)
        if "refused" in parts:
            return Refusal(str(parts["refused"]["node"]), str(parts["refused"]["reason"]))
        content = parts["content"]
        event: Event = Started() if content["event"] == "started" else parse_event(json.dumps(content).encode())
        return Report(str(parts["task"]), event)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a report") from error
