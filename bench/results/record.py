"""One measured number with all that it takes to measure it again: a row of a board."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Status = Literal["ok", "failed", "timeout", "diverged", "killed", "skipped"]


@dataclass(frozen=True)
class Record:
    """A row. `value` is None unless `status` is ok; then `reason` says why."""

    dataset: str  # as asked for, e.g. fashion-mnist or fashion-mnist:32 where resized
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

    @property
    def place(self) -> tuple[str, ...]:
        """What makes it the same cell of the same board: a newer record takes the place of an older one."""
        return (self.dataset, self.budget, self.entry, self.settings, str(self.seed), self.metric, self.guide,
                self.judge, self.device)  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> "Record":
        """Raises `KeyError` or `TypeError` where `row` is not what `to_dict` gives."""
        record = cls(**{field.name: row[field.name] for field in fields(cls)})
        kinds = {"seed": int, "value": float | int | None, "n": int | None}
        for name, value in vars(record).items():
            if not isinstance(value, kinds.get(name, str)):
                raise TypeError(f"{name} of a record is {value!r}")
        if record.status not in get_args(Status):
            raise TypeError(f"there is no status {record.status!r}")
        return record
