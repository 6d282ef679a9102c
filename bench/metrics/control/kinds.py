"""Which oracle reads the attributes of a data set, and which of its factors it may read. Plain values, no torch."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.api import Factor, Spec

OracleKind = Literal["factors", "attributes", "morphology"]

SCORES = {"linear": "R2", "circular": "mean cosine of the error", "categorical": "balanced accuracy"}
VERSION = "morphology:v1"  # raised when the same images would give other readings
FLOORS: dict[OracleKind, float] = {"factors": 0.95, "attributes": 0.75}


def oracle_kind(spec: "Spec") -> OracleKind:
    """The oracle of a data set.

    factors: a probe fitted to known factors of variation. attributes: the same, if every factor is a label with two
    values, as people give them (CelebA). morphology: closed-form measures, if no factors are known.
    """
    if not spec.factors:
        return "morphology"
    return "attributes" if all(_is_label(factor) for factor in spec.factors) else "factors"


def below_floor(spec: "Spec", scores: Mapping[str, float]) -> dict[str, str]:
    """The factors that a probe with these scores cannot read reliably, with the reason, e.g. "R2 0.81, below 0.95".

    Labels that people gave are noisy, so attributes have a lower minimum than the factors of drawn images. Rare values
    weigh as much as frequent ones, so a guess scores 0.5 for an attribute.
    """
    floor = FLOORS[oracle_kind(spec)] if spec.factors else 0.0
    low = {factor.name: factor for factor in spec.factors if not scores[factor.name] >= floor}
    return {name: f"{describe(factor, scores[name])}, below {floor:.2f}" for name, factor in low.items()}


def describe(factor: "Factor", score: float) -> str:
    """A score with what it measures, e.g. "R2 0.81"; rounded down, so that it never looks like the next minimum."""
    return f"{SCORES[factor.kind]} {math.floor(score * 100) / 100 if math.isfinite(score) else score:.2f}"


def _is_label(factor: "Factor") -> bool:
    return factor.kind == "categorical" and factor.count == 2
