"""Few labels: a data set reduced to N training images per class for the method. Evaluation uses the whole data set."""

from dataclasses import replace

import numpy as np
import torch

from bench.api import Data, Dataset
from bench.data.prepared import dataset_digest
from bench.data.splits import random_keys
from bench.errors import BenchError

SEED = 2  # of the choice; the splits use 0 and 1


def few_labels(dataset: Dataset, per_class: int | None) -> Dataset:
    """The data set `name@per_class`: `per_class` training images per class, and at most as many for validation.

    The choice is deterministic and contains the choice for any smaller number. The test split is not reduced. None
    returns `dataset` unchanged. Raises `BenchError` if a class has too few training images, or if there are no classes.
    """
    if per_class is None:
        return dataset
    if not dataset.spec.has_classes:
        raise BenchError(f"--labels-per-class: expected a data set with classes, but {dataset.spec.name} has none")
    counts = torch.bincount(dataset.train.labels, minlength=len(dataset.spec.classes))
    if int(counts.min()) < per_class:
        name = dataset.spec.classes[int(counts.argmin())]
        raise BenchError(
            f"--labels-per-class: expected at least {per_class} training images of class {name!r} in "
            f"{dataset.spec.name}, got {int(counts.min())}"
        )
    spec = replace(dataset.spec, name=f"{dataset.spec.name}@{per_class}")
    train, validation = (_first(split, per_class) for split in (dataset.train, dataset.validation))
    splits = {"train": train, "validation": validation, "test": dataset.test}
    splits = {name: replace(split, spec=spec) for name, split in splits.items()}
    return Dataset(spec, digest=dataset_digest(spec, splits), **splits)


def _first(data: Data, per_class: int) -> Data:
    """The images of each class with the smallest keys, in their original order."""
    keys, labels = random_keys(len(data), SEED), data.labels.numpy()
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    chosen = [rows[np.argsort(keys[rows], kind="stable")[:per_class]] for rows in members]
    return data[torch.from_numpy(np.sort(np.concatenate(chosen)))]
