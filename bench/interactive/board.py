"""The rows of a board or of a run: as a data frame, as text, and as a table in a notebook."""

from dataclasses import dataclass
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from bench.boards import board_text, to_html
from bench.results.record import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Board:
    """What `bench.run` and `bench.leaderboard` return. It shows itself as a table."""

    records: tuple[Record, ...]
    samples: dict[str, Path]  # by method: the picture of the samples of its first seed, if it is there

    @property
    def failed(self) -> tuple[Record, ...]:
        """The records of what failed, each with its `reason`; empty if all is well."""
        return tuple(record for record in self.records if record.failed)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row for each measured number, with the fields of `Record` as columns."""
        import pandas as pd

        return pd.DataFrame([record.to_dict() for record in self.records])

    def table(self, width: int | None = None, everything: bool = False) -> str:
        """The board as the terminal shows it: the headline metrics, or all metrics and costs."""
        return board_text(self.records, width, everything)

    def __repr__(self) -> str:
        """The table, as wide as the terminal."""
        return self.table(get_terminal_size().columns)

    def _repr_html_(self) -> str:
        return to_html(self.records)
