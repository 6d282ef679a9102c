"""What a run would do, as text."""

from typing import Any

from bench.cli.progress import duration
from bench.util.columns import columns
from bench.util.text import one_line


def outline_lines(rows: list[dict[str, Any]], width: int | None) -> list[str]:
    """One line for each job of `bench.execution.outline`."""
    cells = [("method", "seed", "training images", "key", "state", "estimated time")]
    for row in rows:
        state = "broken: " + row["broken"] if "broken" in row else "cached" if row["cached"] else "to do"
        label = f"{row['entry']} {row['settings']}".strip()
        texts = (label, str(row["seed"]), f"{row['images']:,}", row["key"][:12], state, _estimate(row["seconds"]))
        cells.append(tuple(map(one_line, texts)))  # type: ignore[arg-type]
    return [*columns(cells, width), "", "Dry run: nothing was executed."]


def _estimate(seconds: float | None) -> str:
    if seconds is None:
        return "unknown (no earlier run)"
    return f"about {duration(seconds)}" if seconds else "–"
