"""One measured number with everything needed to measure it again: a row of a board."""

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from bench.experiment.job import Job

FIT = "fit"  # the metric of the record that says how the training ended
LATER = ("data", "tuning")  # what earlier versions did not write
DATA_DIGITS = 12  # of the digest of a data set in a record
Status = Literal["ok", "failed", "timeout", "diverged", "killed", "skipped"]


@dataclass(frozen=True)
class Record:
    """A row. `value` is None unless `status` is ok; `reason` says why."""

    dataset: str  # the name of the board, e.g. fashion-mnist or folder-pets
    entry: str
    plugin: str
    distribution: str
    version: str  # of the distribution
    settings: str  # what --set changed, e.g. "lr=0.001 n=5"; empty for the defaults
    seed: int
    budget: str
    metric: str  # e.g. fd-lite0; parts of one as fd-judge/boot
    protocol: str  # e.g. fd@lite0:n=2000,ref=5000:v1
    value: float | None
    n: int | None  # how many images (or pairs) it was measured on
    status: Status
    reason: str
    guide: str  # name@digest
    judge: str
    device: str  # e.g. cpu-2-bfloat16
    key: str  # of the measurement: `bench explain KEY`
    data: str = ""  # digest of the data set that methods were trained on; empty in rows of earlier versions
    tuning: str = ""  # in the row of a training: how the authors of the method chose the settings; empty if unknown

    @property
    def place(self) -> tuple[str, ...]:
        """The cell of a board: a newer record replaces an older one with the same place."""
        return (self.dataset, self.budget, self.entry, self.settings, str(self.seed), self.metric, self.guide,
                self.judge, self.device)  # fmt: skip

    @property
    def job(self) -> tuple[str, ...]:
        """What all records of one job have in common."""
        return (
            self.dataset,
            self.budget,
            self.entry,
            self.settings,
            str(self.seed),
            self.guide,
            self.judge,
            self.device,
        )

    @property
    def failed(self) -> bool:
        """Whether this is a failure; a skipped measurement is not."""
        return self.status not in ("ok", "skipped")

    @classmethod
    def of(
        cls,
        job: "Job",
        metric: str,
        key: str,
        protocol: str,
        *,
        guide: str,
        judge: str,
        value: float | None = None,
        n: int | None = None,
        status: Status = "ok",
        reason: str = "",
    ) -> "Record":
        """A record of `job`. A value that is not finite becomes a failure."""
        if value is not None and not math.isfinite(value):
            value, status, reason = None, "failed", f"the value is {value}"
        return cls(
            job.board, job.entry, job.plugin, job.distribution, job.version, job.setting_text, job.seed, job.budget,
            metric, protocol, None if value is None else float(value), n, status, reason, guide, judge, job.device, key,
            job.data_digest[:DATA_DIGITS], job.tuning if metric == FIT else "",
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Record":
        """Raises `KeyError` or `TypeError` if `row` is not what `to_dict` returns."""
        row = dict.fromkeys(LATER, "") | row
        record = cls(**{field.name: row[field.name] for field in fields(cls)})
        kinds = {"seed": int, "value": float | int | None, "n": int | None}
        for name, value in vars(record).items():
            if not isinstance(value, kinds.get(name, str)):
                raise TypeError(f"{name} of a record is {value!r}")
        if record.status not in get_args(Status):
            raise TypeError(f"unknown status {record.status!r}")
        return record
