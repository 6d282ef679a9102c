"""The scores of a set of images: as a table for people, rows for machines, and a data frame."""

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from bench.boards.numbers import align
from bench.metrics.catalog import info
from bench.util.columns import columns, fold

if TYPE_CHECKING:
    import pandas as pd

DASH = "–"


@dataclass(frozen=True)
class Score:
    """One metric, or a part `metric/part` of one. `floor`: the same of real test images, if there are any."""

    metric: str
    value: float | None  # None if it could not be measured
    protocol: str  # everything but the images that determines the value
    n: int | None = None  # images, or pairs of images, that it was measured on
    floor: float | None = None
    reason: str = ""  # why there is no value


@dataclass(frozen=True)
class Evaluation:
    """What `bench.evaluate` returns. It shows itself as a table."""

    samples: str
    reference: str
    scores: tuple[Score, ...]

    def __getitem__(self, metric: str) -> float:
        """The value of a metric. Raises KeyError if it was not measured."""
        found = {score.metric: score.value for score in self.scores}
        value = found.get(metric)
        if value is None:
            raise KeyError(
                f"{metric} was not measured; measured: {', '.join(k for k, v in found.items() if v is not None)}"
            )
        return value

    @property
    def measured(self) -> bool:
        """Whether any metric has a value."""
        return any(score.value is not None for score in self.scores)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row for each score, with the fields of `Score` as columns."""
        import pandas as pd

        return pd.DataFrame([{"samples": self.samples, "reference": self.reference} | asdict(it) for it in self.scores])

    def to_json(self) -> str:
        return json.dumps(
            {"samples": self.samples, "reference": self.reference, "scores": [asdict(it) for it in self.scores]},
            indent=1,
        )

    def table(self, width: int | None = None) -> str:
        """Metrics with their values, the floor if it is known, and what each one says; then what was not measured."""
        rows = self._rows()
        lines = columns([self._head(), *rows], width)
        if any(score.value is None for score in self.scores):
            lines += ["", *fold(f"not measured: {self._reasons()}", width, "  ")]
        return "\n".join([f"{self.samples} against {self.reference}", "", *lines])

    def __repr__(self) -> str:
        """The table, as wide as the terminal."""
        return self.table(get_terminal_size().columns)

    def _repr_html_(self) -> str:
        """For notebooks."""
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in self._head())
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._rows()
        )
        title = html.escape(f"{self.samples} against {self.reference}")
        return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _head(self) -> list[str]:
        floor = ["real"] if self._has_floor else []
        return ["metric", "value", *floor, "meaning"]

    def _rows(self) -> list[list[str]]:
        found = [score for score in self.scores if score.value is not None and "/" not in score.metric]
        return [[info(it.metric).heading, *self._numbers(it), self._about(it.metric)] for it in found]

    def _about(self, metric: str) -> str:
        """Reference images need not be those of a training set."""
        about = info(metric).about
        return about if self._has_floor else about.replace("training image", "reference image")

    def _reasons(self) -> str:
        """Metrics by the reason why they have no value."""
        found: dict[str, list[str]] = {}
        for score in self.scores:
            if score.value is None:
                found.setdefault(score.reason, []).append(score.metric)
        return "; ".join(f"{', '.join(metrics)} ({reason})" for reason, metrics in found.items())

    def _numbers(self, score: Score) -> list[str]:
        floor = [score.floor] if self._has_floor else []
        return [*_texts([score.value, *floor])]

    @property
    def _has_floor(self) -> bool:
        return any(score.floor is not None for score in self.scores)


def _texts(values: Sequence[float | None]) -> list[str]:
    """Numbers with equal decimals; a dash for None."""
    cells = [[] if value is None else [value] for value in values]
    return [DASH if number is None else number.mean for number in align(cells, [True] * len(cells))]
