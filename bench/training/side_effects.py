"""What a job lends to a method, and whether it came back unchanged: the process, the guide, the images of the exam."""

import os
from collections.abc import Mapping
from typing import Any

from bench.api import Classifier, Dataset
from bench.errors import BenchError
from bench.util.hashing import tensor_digest
from bench.util.process_state import changed_variables, differences, random_states, settings


class SideEffectGuard:
    """Remembers how things were when it was made."""

    def __init__(self, guide: Classifier, dataset: Dataset) -> None:
        self._guide, self._dataset = guide, dataset
        self._settings, self._environment = settings(), dict(os.environ)
        self._weights, self._images = _weights(guide), _images(dataset)

    def check(self, who: str) -> None:
        """Raises `BenchError` where the process or the guide changed since: what is measured now would mean nothing."""
        changed = differences(self._settings, settings())
        changed += [f"${name}" for name in changed_variables(self._environment, os.environ)]
        if _weights(self._guide) != self._weights:
            changed.append("the guide")
        if changed:
            raise BenchError(f"{who} changed {', '.join(changed[:5])}, wanted everything left as it was found")

    def check_fit(self, before: Mapping[str, Any]) -> None:
        """The same after `fit`, which must not draw from generators that no checkpoint holds, nor change images."""
        self.check("fit")
        changed = differences(before, random_states())
        if _images(self._dataset) != self._images:
            changed.append("the images it was lent")
        if changed:
            raise BenchError(f"fit changed {', '.join(changed)}, wanted all randomness from torch and no image touched")


def _weights(guide: Classifier) -> str:
    return tensor_digest(guide.state_dict())


def _images(dataset: Dataset) -> list[str]:
    """Of a few thousand images of each split: enough to notice, and no time where there are millions."""
    splits: list[Any] = [dataset.train, dataset.validation, dataset.test]
    return [tensor_digest([part.images[:: len(part) // 2000 + 1], part.labels]) for part in splits]
