"""The class of each image of a set, from a file or a list."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bench.api import Labels
from bench.errors import BenchError, nearest

LabelSource = str | Path | Sequence[int] | Sequence[str] | np.ndarray | torch.Tensor


def read_labels(source: LabelSource, classes: Sequence[str], n: int) -> Labels:
    """The labels of n images, int64 (n,).

    A text file has one class on each line, a .npy file or an array one entry for each image: the name of a class or its
    number from 0, the same way for all. Raises `BenchError` for anything else.
    """
    words = _words(source)
    if len(words) != n:
        raise BenchError(f"labels: expected one for each of {n:,} images, got {len(words):,}")
    numbers = {str(number): number for number in range(len(classes))}
    names = {name: number for number, name in enumerate(classes)}
    known = names if all(word in names for word in words) else numbers
    for word in words:
        if word not in known:
            raise BenchError(f"labels: unknown class {word!r}: {nearest(word, [*classes, *numbers])}")
    return torch.tensor([known[word] for word in words], dtype=torch.int64)


def _words(source: LabelSource) -> list[str]:
    if not isinstance(source, str | Path):
        return [str(item) for item in np.asarray(source).tolist()]
    path = Path(source).expanduser()
    try:
        if path.suffix.lower() == ".npy":
            return [str(item) for item in np.load(path, allow_pickle=False).tolist()]
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise BenchError(f"labels: cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
