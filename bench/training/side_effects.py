"""Whether a method changed what it must not change: the state of the process, the guide, the images."""

import os
from collections.abc import Mapping
from typing import Any

from bench.api import Classifier, Dataset
from bench.errors import BenchError
from bench.util.hashing import tensor_digest
from bench.util.process_state import changed_variables, differences, random_states, settings


class SideEffectGuard:
    """Records the state when it is made, and compares later states with it."""

    def __init__(self, guide: Classifier, dataset: Dataset) -> None:
        self._guide, self._dataset = guide, dataset
        self._settings, self._environment = settings(), dict(os.environ)
        self._weights, self._images = _weights(guide), _images(dataset)

    def check(self, who: str) -> None:
        """Raises `BenchError` if the state of the process or the guide changed: later measurements would mean nothing."""
        changed = differences(self._settings, settings())
        changed += [f"${name}" for name in changed_variables(self._environment, os.environ)]
        if _weights(self._guide) != self._weights:
            changed.append("the guide")
        if changed:
            raise BenchError(f"{who} modified {', '.join(changed[:5])}; methods must not change global state")

    def check_fit(self, before: Mapping[str, Any]) -> None:
        """The same after `fit`, which must not use random generators that no checkpoint holds, nor change the images."""
        self.check("fit")
        changed = differences(before, random_states())
        if _images(self._dataset) != self._images:
            changed.append("the training images")
        if changed:
            raise BenchError(
                f"fit modified {', '.join(changed)}; methods must draw randomness from torch only and must not modify the data"
            )


def _weights(guide: Classifier) -> str:
    return tensor_digest(guide.state_dict())


def _images(dataset: Dataset) -> list[str]:
    """Digests of a few thousand images of each split: enough to notice a change, and quick for millions of images."""
    splits: list[Any] = [dataset.train, dataset.validation, dataset.test]
    return [tensor_digest([part.images[:: len(part) // 2000 + 1], part.labels]) for part in splits]
