"""Print what generators of known control score, as the table in docs/metrics.md: python tests/metrics/control/scores.py"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from conftest import Blank
from lamp_generators import (
    LampOracle,
    Lamps,
    entangled,
    identity,
    lamps_dataset,
    noisy,
    rotated,
    swapped,
    watermark,
)  # fmt: skip

from bench.metrics import METRICS, EvaluationContext
from bench.metrics.metric import NotMeasured

COLUMNS = ("acs", "control", "selectivity", "live-codes", "leakage", "mig-generator", "dci-generator")
GENERATORS = {
    "the factors themselves": Lamps(identity),
    "two codes rotated by 20 degrees": Lamps(rotated(np.deg2rad(20))),
    "two codes rotated by 45 degrees": Lamps(rotated(np.deg2rad(45))),
    "one dead code": Lamps(identity, codes=4),
    "two codes swapped at random": Lamps(swapped),
    "one code moves two attributes": Lamps(entangled),
    "as much nuisance as code": Lamps(noisy),
    "a watermark": Lamps(watermark),
}


def scores(model: Lamps) -> dict[str, float | None]:
    """The control metrics of one generator, with 256 contexts and 11 values; None for a dash."""
    context = EvaluationContext(
        model=model, dataset=lamps_dataset(1000), samples=None, conditional=False, judge=Blank(), judge_digest="blank",
        guide=Blank(), device=torch.device("cpu"), n=1000, reference=1000, seed=0, find_oracle=LampOracle,
        oracle_kind="factors",
    )  # fmt: skip
    found: dict[str, float | None] = {}
    for metric in METRICS:
        if metric.name in COLUMNS:
            try:
                found[metric.name] = metric.compute(context).value
            except NotMeasured:
                found[metric.name] = None
    return found


def main() -> None:
    print(f"| generator | {' | '.join(COLUMNS)} |")
    print(f"|---|{'---:|' * len(COLUMNS)}")
    for name, model in GENERATORS.items():
        row = scores(model)
        cells = ["–" if row[column] is None else f"{row[column]:.2f}" for column in COLUMNS]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
