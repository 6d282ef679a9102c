"""A job: one training and its exam, resolved to plain values, with the content keys that follow from them."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.experiment.keys import TRAINING_VERSION, content_key

if TYPE_CHECKING:
    from bench.metrics import Metric


@dataclass(frozen=True)
class Job:
    """One training and its exam, resolved to plain values: what decides its numbers, and nothing else."""

    entry: str
    plugin: str
    distribution: str
    version: str
    source: str  # digest of the plugin's files
    settings: tuple[tuple[str, str], ...]  # what --set changed
    config: dict[str, Any]  # resolved, defaults included
    dataset: str  # as asked for
    board: str  # the name of its board: that of the images
    data_digest: str
    seed: int
    budget: str
    images: int  # training images
    samples: int
    reference: int
    guide: str
    guide_key: str
    judge: str
    judge_key: str
    device: str
    torch: str

    @property
    def training(self) -> dict[str, Any]:
        """The parts of the training key: measuring otherwise retrains nothing."""
        measured_only = {"board", "samples", "reference", "judge", "judge_key", "budget", "guide"}
        parts = {name: value for name, value in asdict(self).items() if name not in measured_only}
        return parts | {"training_version": TRAINING_VERSION}

    @cached_property
    def key(self) -> str:
        return content_key(self.training)

    def measuring(self, metric: "Metric") -> dict[str, Any]:
        """The parts of the key of one measurement."""
        protocol = metric.protocol(self.samples, self.reference)
        judged = {"judge": self.judge_key, "guide": self.guide_key}
        return {"training": self.key, "metric": metric.name, "version": metric.version, "protocol": protocol} | judged

    @property
    def label(self) -> str:
        """As a person would name it: the entry, what was set, and the seed."""
        return f"{self.entry}{f' [{self.setting_text}]' if self.settings else ''} seed {self.seed}"

    @property
    def setting_text(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.settings)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Job":
        return cls(**row | {"settings": tuple((name, value) for name, value in row["settings"])})
