"""What the table of metrics knows about a column: its place, direction, unit and meaning. Unknown ones come last."""

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.util.atomic import read_json, read_or_quarantine, remove_stale, write_json
from bench.util.paths import cache_dir

# What methods are ranked by: one metric for each question, all asked of drawn images alone. Distances of the whole in
# features that know nothing of the data set and in those of its judge, fidelity, variety, and the class that was asked
# for, seen from both sides. More Frechet distances would only count the same thing twice.
RANKED = ("fd-lite0", "fd-judge", "precision-lite0", "recall-lite0", "intra-fd-judge", "class-agreement")
OF_EVERYONE = frozenset({"samples", "ClassConditional"})  # needs that make no metric a matter of special ability


@dataclass(frozen=True)
class Meaning:
    """A metric as a board needs it."""

    place: int
    name: str
    better: str = ""  # lower, higher, or empty where neither is
    unit: str = ""
    about: str = ""
    cost: bool = False
    special: bool = False  # needs an ability beyond drawing images
    ranked: bool = False

    @property
    def heading(self) -> str:
        arrow = {"lower": "↓", "higher": "↑"}.get(self.better, "")
        return " ".join(part for part in (self.name, f"({self.unit})" if self.unit else "", arrow) if part)


def meaning(metric: str) -> Meaning:
    """What is known about a metric, or about the one that `metric` is a part of."""
    known = _table()
    whole = metric.partition("/")[0]
    return known.get(whole) or Meaning(len(known), whole)


@cache
def _table() -> dict[str, Meaning]:
    """All metrics by name. The table is imported, and torch with it, only where its source changed since the last time."""
    path = cache_dir() / "metrics" / f"{_source_digest()}.json"
    table = None
    with suppress(BenchError):
        table = read_or_quarantine(path, read_json, lambda rows: [Meaning(**row) for row in rows])
    if table is None:
        table = _import_table()
        with suppress(OSError):
            _keep(path, [asdict(known) for known in table])
    return {known.name: known for known in table}


def _keep(path: Path, rows: list[dict[str, Any]]) -> None:
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / ".lock"):
        remove_stale(path.parent)
        write_json(path, rows)


def _import_table() -> list[Meaning]:
    from bench.metrics import METRICS

    return [
        Meaning(
            place,
            metric.name,
            metric.better or "",
            metric.unit,
            metric.about,
            cost="training" in metric.needs,
            special=not OF_EVERYONE.issuperset(metric.needs),
            ranked=metric.name in RANKED,
        )
        for place, metric in enumerate(METRICS)
    ]


def _source_digest() -> str:
    """SHA-256 over this file and the package of metrics, without importing it."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted((Path(__file__).parents[1] / "metrics").rglob("*.py")):
        digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:24]
