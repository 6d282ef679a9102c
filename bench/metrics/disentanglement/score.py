"""The result of a measure that has one number for each factor."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Score:
    """The value of a measure and what it consists of. Factors and codes are named by their columns.

    `parts`: a number for each factor that was measured (for modularity: for each code). `left_out`: the factors that
    were not measured because they have one value in these rows.
    """

    value: float
    parts: Mapping[int, float] = field(default_factory=dict)
    left_out: tuple[int, ...] = ()
