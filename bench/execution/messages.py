"""What host and worker say to each other: one JSON object a line, of a few known forms.

The host believes nothing else: a plugin runs in the worker and can write anything to the pipe. So nothing is
unpickled, and `parse_event` checks every field.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from bench.experiment.device import Device
from bench.experiment.job import Job
from bench.experiment.request import ClassifierRef, DatasetRef
from bench.training.classifier_spec import Origin, Role

End = Literal["ok", "failed", "diverged", "timeout", "killed"]
LARGEST_COUNT = 2**63


# From the host to a worker


@dataclass(frozen=True)
class RunSettings:
    """What all tasks of a run share."""

    runs: Path
    cache: Path
    dataset: DatasetRef
    guide: ClassifierRef
    judge: ClassifierRef
    budget: str
    device: Device
    checkpoint_every: float  # seconds
    file_mb: float | None  # the largest file that the task may write
    avoid: tuple[str, ...]  # plugins that must not be imported
    share_anchors: bool = True  # between folders of runs, through the cache
    keys: tuple[tuple[str, str], ...] = ()  # of the guide, the judge and the probe, if they are fitted elsewhere

    def classifier(self, role: Literal["guide", "judge"]) -> ClassifierRef:
        return self.guide if role == "guide" else self.judge


@dataclass(frozen=True)
class FitClassifier:
    """Train the guide, the judge or the probe, or find it in the cache."""

    role: Role
    log: Path
    settings: RunSettings


@dataclass(frozen=True)
class RunJob:
    """Train and evaluate one entry."""

    job: Job
    log: Path
    settings: RunSettings


Assignment = FitClassifier | RunJob


def encode_assignment(assignment: Assignment) -> bytes:
    return json.dumps(asdict(assignment), default=str).encode()


def decode_assignment(payload: bytes) -> Assignment:
    """What `encode_assignment` wrote."""
    parts = json.loads(payload)
    settings = _settings(parts["settings"])
    if "job" in parts:
        return RunJob(Job.from_dict(parts["job"]), Path(parts["log"]), settings)
    return FitClassifier(parts["role"], Path(parts["log"]), settings)


def _settings(parts: dict[str, Any]) -> RunSettings:
    resolved = {
        "runs": Path(parts["runs"]),
        "cache": Path(parts["cache"]),
        "dataset": DatasetRef(**parts["dataset"]),
        "guide": ClassifierRef(**parts["guide"]),
        "judge": ClassifierRef(**parts["judge"]),
        "device": Device(**parts["device"]),
        "avoid": tuple(parts["avoid"]),
        "keys": tuple((role, key) for role, key in parts.get("keys", ())),
    }
    return RunSettings(**parts | resolved)


# From a worker to the host


@dataclass(frozen=True)
class Progressed:
    """How far a phase of a task is, and its latest scalars, such as losses."""

    phase: str
    images: int
    of: int
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fitted:
    """The guide, the judge or the probe is ready."""

    role: Role
    label: str  # name@digest
    accuracy: float  # on the test split; of a probe its lowest score
    origin: Origin
    summary: str = ""  # of a probe: what it reads badly


@dataclass(frozen=True)
class Ended:
    """The last event of a task."""

    end: End
    reason: str = ""


@dataclass(frozen=True)
class Started:
    """The first event of a task; the executor makes it."""


Event = Started | Progressed | Fitted | Ended
SENT: dict[str, type[Progressed] | type[Fitted] | type[Ended]] = {
    "progressed": Progressed,
    "fitted": Fitted,
    "ended": Ended,
}


def encode_event(event: Progressed | Fitted | Ended) -> bytes:
    """One line."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)}).encode() + b"\n"


def parse_event(line: bytes) -> Progressed | Fitted | Ended:
    """What `encode_event` wrote. Raises `ValueError` for anything else."""
    try:
        parts = json.loads(line)
        event = SENT[parts.pop("event")](**parts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not an event") from error
    if not _is_valid(event):
        raise ValueError("an event with invalid values")
    return event


def _is_valid(event: Progressed | Fitted | Ended) -> bool:
    if isinstance(event, Ended):
        return event.end in get_args(End) and isinstance(event.reason, str)
    if isinstance(event, Fitted):
        texts = event.role in get_args(Role) and isinstance(event.label, str) and isinstance(event.summary, str)
        return texts and isinstance(event.accuracy, float) and event.origin in get_args(Origin)
    counts = all(type(count) is int and 0 <= count < LARGEST_COUNT for count in (event.images, event.of))
    scalars = isinstance(event.scalars, dict) and all(isinstance(value, float) for value in event.scalars.values())
    return isinstance(event.phase, str) and counts and scalars
