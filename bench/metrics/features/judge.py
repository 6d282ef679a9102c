"""`judge`: the last hidden layer of the judge."""

from functools import cached_property

import torch
from torch import Tensor

from bench.api import Classifier, Pixels
from bench.metrics.features.base import FeatureSpace
from bench.metrics.precision import full_precision


class JudgeSpace(FeatureSpace):
    """The judge's pre-logits; comparable only under the same judge."""

    name = "judge"

    def __init__(self, judge: Classifier, digest: str) -> None:
        self._judge, self.digest = judge, digest

    @cached_property
    def dim(self) -> int:  # type: ignore[override]
        device = next((p.device for p in self._judge.parameters()), torch.device("cpu"))
        with full_precision(device):
            blank = torch.zeros((2, *self._judge.spec.shape), device=device)
            return self._judge.features(blank)[-1].shape[1]

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        return self._judge.features(pixels.float() / 255)[-1]
