"""A job: one training and its evaluation, resolved to plain values, with their content keys."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from bench.experiment.keys import TRAINING_VERSION, content_key
from bench.metrics.catalog import ORACLE
from bench.metrics.control.kinds import OracleKind
from bench.metrics.scale import Scale

if TYPE_CHECKING:
    from bench.metrics import Metric


# Names (their digests are in the key), and what only the evaluation depends on.
NOT_TRAINED_ON = {"distribution", "version", "settings", "guide"}
NOT_TRAINED_ON |= {"board", "samples", "reference", "judge", "judge_key", "budget"}
NOT_TRAINED_ON |= {"brought", "environment", "tuning", "train_size", "test_size", "oracle", "oracle_key"}


GIVEN = "given-images"  # stands for the plugin of external images


@dataclass(frozen=True)
class Job:
    """One training and its evaluation, resolved to plain values."""

    entry: str
    plugin: str
    distribution: str
    version: str
    source: str  # digest of the plugin's files
    settings: tuple[tuple[str, str], ...]  # that differ from the defaults
    config: dict[str, Any]  # resolved, defaults included
    dataset: str  # as asked for
    board: str  # the name of its board
    data_digest: str
    seed: int
    budget: str
    images: int  # training images
    samples: int
    reference: int
    train_size: int  # images of the whole split
    test_size: int
    oracle: OracleKind  # what reads the attributes of images
    oracle_key: str
    guide: str
    guide_key: str
    judge: str
    judge_key: str
    device: str
    torch: str
    split: Literal["test", "validation"] = "test"  # that it is scored on
    environment: str = ""  # the Python of the environment that it runs in; empty: this one
    libraries: str = ""  # the digest of the versions in that environment
    brought: tuple[dict[str, Any], ...] = ()  # metrics of third parties: see bench.metrics.brought
    tuning: str = ""  # how the authors of the method chose the settings; empty if they do not say

    @property
    def training(self) -> dict[str, Any]:
        """The parts of the training key: what decides the trained weights."""
        parts = {name: value for name, value in asdict(self).items() if name not in NOT_TRAINED_ON}
        if self.split == "test":  # then the key is that of versions before there was a choice
            del parts["split"]
        if not self.libraries:
            del parts["libraries"]
        return parts | {"training_version": TRAINING_VERSION}

    @cached_property
    def key(self) -> str:
        return content_key(self.training)

    @property
    def scale(self) -> Scale:
        """The numbers of images that the protocols of metrics state."""
        return Scale(self.samples, self.reference, self.train_size, self.test_size, self.oracle)

    def measuring(self, metric: "Metric") -> dict[str, Any]:
        """The parts of the key of one measurement."""
        protocol = metric.protocol(self.scale)
        judged = {"judge": self.judge_key, "guide": self.guide_key}
        if metric.space == ORACLE:
            judged["oracle"] = self.oracle_key
        return {"training": self.key, "metric": metric.name, "version": metric.version, "protocol": protocol} | judged

    @property
    def given(self) -> bool:
        """Whether this scores external images."""
        return self.plugin == GIVEN

    @property
    def label(self) -> str:
        """The name for the user: the entry, its settings, and the seed."""
        return f"{self.entry}{f' [{self.setting_text}]' if self.settings else ''} seed {self.seed}"

    @property
    def setting_text(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.settings)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Job":
        settings = tuple((name, value) for name, value in row["settings"])
        return cls(**row | {"settings": settings, "brought": tuple(row.get("brought", ()))})
