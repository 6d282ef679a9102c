"""What a job finds when it starts: its folder, the data, the examiners, and where to compute."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from bench.api import Dataset
from bench.results.run_dir import Folder
from bench.run import Precision
from bench.training.guide_and_judge import Examiner
from bench.training.side_effects import Lent

Emit = Callable[..., None]


@dataclass(frozen=True)
class Room:
    """The surroundings of one job; `emit` sends events to the host."""

    folder: Folder
    dataset: Dataset  # all of it: what the exam looks at
    lent: Dataset  # what the method sees of it: the same, but for few labels
    guide: Examiner
    find_judge: Callable[[], Examiner]
    device: torch.device
    precision: Precision
    cache: Path
    emit: Emit
    checkpoint_every: float = 30.0

    @cached_property
    def judge(self) -> Examiner:
        """Wanted only when there is something to be judged: it may still be being fitted while a method trains."""
        self.emit(phase="waiting for the judge", images=0, of=1, scalars={})
        return self.find_judge()

    @cached_property
    def loan(self) -> Lent:
        """How everything was before the method saw it."""
        return Lent(self.guide.classifier, self.dataset)
