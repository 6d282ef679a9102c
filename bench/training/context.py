"""What one job works with: its run directory, the data, the guide, the judge and the probe, and where to compute."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from bench.api import Dataset, Rendering
from bench.errors import BenchError
from bench.metrics.control.kinds import oracle_kind
from bench.results.run_dir import RunDir
from bench.training.guide_and_judge import FittedClassifier
from bench.training.probe import FittedProbe
from bench.training.side_effects import SideEffectGuard
from bench.training_run import Precision, Progress


@dataclass(frozen=True)
class JobContext:
    """Everything that training and evaluating one job need; `progress` tells the host how far it is."""

    run_dir: RunDir
    dataset: Dataset  # the whole data set, used for evaluation
    subset: Dataset  # what the method is given: the same, or cut to a few labels per class
    guide: FittedClassifier
    find_judge: Callable[[], FittedClassifier]
    find_probe: Callable[[], FittedProbe]  # only for a data set with known factors
    renderer: Rendering | None  # the data source, if it draws images of any factor values
    device: torch.device
    precision: Precision
    cache: Path
    progress: Progress
    checkpoint_every: float = 30.0  # seconds

    @cached_property
    def judge(self) -> FittedClassifier:
        """Loaded at the first use: the judge may still be training while the method trains."""
        self.progress("waiting for the judge", 0, 1, {})
        return self.find_judge()

    @cached_property
    def probe(self) -> FittedProbe:
        """Loaded at the first use, like the judge. Raises `BenchError` if the data set has no known factors."""
        if oracle_kind(self.dataset.spec) == "morphology":
            raise BenchError(f"{self.dataset.spec.name}: expected a data set with known factors, got one without")
        self.progress("waiting for the probe", 0, 1, {})
        return self.find_probe()

    @cached_property
    def guard(self) -> SideEffectGuard:
        """The state of the process, the guide and the data before the method ran."""
        return SideEffectGuard(self.guide.classifier, self.dataset)
