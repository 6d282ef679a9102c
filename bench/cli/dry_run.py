"""What a run would do, as text."""

from typing import TYPE_CHECKING, Any

from bench.cli.jobs_left import duration
from bench.util.columns import columns
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.execution.outline import Cost


def outline_lines(rows: list[dict[str, Any]], cost: "Cost", width: int | None) -> list[str]:
    """One line for each job of `bench.execution.outline`, and what they cost together."""
    cells = [("method", "seed", "training images", "key", "state", "estimated time")]
    for row in rows:
        label = f"{row['entry']} {row['settings']}".strip()
        texts = (label, str(row["seed"]), f"{row['images']:,}", row["key"][:12], _state(row), _estimate(row["seconds"]))
        cells.append(tuple(map(one_line, texts)))  # type: ignore[arg-type]
    return [*columns(cells, width), "", *_cost_lines(cost), "Dry run: nothing was executed."]


def _state(row: dict[str, Any]) -> str:
    for state in ("broken", "skipped"):
        if state in row:
            return f"{state}: {row[state]}"
    return "cached" if row["cached"] else "to do"


def _cost_lines(cost: "Cost") -> list[str]:
    jobs = f"{cost.unknown} job{'s' * (cost.unknown != 1)}"
    unknown = [f"No estimate for {jobs}: no earlier run of the method on this device."] if cost.unknown else []
    if not cost.seconds:
        return unknown
    gpus = f" and {cost.gpu_hours:.3g} GPU hours" if cost.gpu_hours else ""
    queue = "" if cost.executor == "local" else ", waiting for nodes not counted"
    at_once = f"{cost.at_once} job{'s' * (cost.at_once != 1)} at a time"
    return [
        f"About {duration(cost.seconds)} on {cost.executor} with {at_once}{queue}; {cost.core_hours:.3g} core hours{gpus}.",
        *unknown,
    ]


def _estimate(seconds: float | None) -> str:
    if seconds is None:
        return "unknown (no earlier run)"
    return f"about {duration(seconds)}" if seconds else "–"
