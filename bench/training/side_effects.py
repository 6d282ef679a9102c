"""Whether a method changed what it must not change: the state of the process, the guide, the images."""

import os
from collections.abc import Mapping
from typing import Any

from bench.api import Classifier, Dataset
from bench.errors import BenchError
from bench.util.hashing import tensor_digest
from bench.util.process_state import differences, put_back, put_variables_back, random_states, settings


class SideEffectGuard:
    """Records the state when it is made, compares later states with it, and puts back what can be put back."""

    def __init__(self, guide: Classifier, dataset: Dataset) -> None:
        self._guide, self._dataset = guide, dataset
        self._settings, self._environment = settings(), dict(os.environ)
        self._weights, self._images = _weights(guide), _images(dataset)
        self.restored: list[str] = []  # what was changed and put back, for the user

    def restore(self, who: str) -> None:
        """Put settings of the process back, as later measurements need them. Raises `BenchError` if the guide changed."""
        changed = put_back(self._settings) + put_variables_back(self._environment)
        if changed:
            self.restored.append(f"{who} changed {', '.join(changed[:5])}, which was put back")
        if _weights(self._guide) != self._weights:
            raise BenchError(f"{who} modified the guide; methods must not change it")

    def check_fit(self, before: Mapping[str, Any]) -> None:
        """Raises `BenchError` if `fit` used random generators that no checkpoint holds, or changed its images or the guide."""
        changed = differences(before, random_states())
        if _images(self._dataset) != self._images:
            changed.append("the training images")
        if _weights(self._guide) != self._weights:
            changed.append("the guide")
        if changed:
            raise BenchError(
                f"fit modified {', '.join(changed)}; methods must draw randomness from torch only and must not modify "
                "the data or the guide"
            )


def _weights(guide: Classifier) -> str:
    return tensor_digest(guide.state_dict())


def _images(dataset: Dataset) -> list[str]:
    """Digests of a few thousand images of each split: enough to notice a change, and quick for millions of images."""
    splits: list[Any] = [dataset.train, dataset.validation, dataset.test]
    return [tensor_digest([part.images[:: len(part) // 2000 + 1], part.labels]) for part in splits]
