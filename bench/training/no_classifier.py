"""A placeholder for the guide and the judge if there are none, as on a data set without classes."""

from typing import Any

from torch import Tensor

from bench.api import Classifier, Data, Images, Logits, Spec
from bench.errors import BenchError


class NoClassifier(Classifier):
    """A classifier whose every method raises a `BenchError`."""

    source = "none"

    def __init__(self, spec: Spec, reason: str) -> None:
        super().__init__(None, spec)
        self.reason = reason

    def fit(self, data: Data, run: Any) -> None:
        raise BenchError(self.reason)

    def logits(self, images: Images) -> Logits:
        raise BenchError(self.reason)

    def features(self, images: Images) -> list[Tensor]:
        raise BenchError(self.reason)
