"""Few labels: a data set of which a method sees only so many images of each class; what scores it sees all of them."""

from dataclasses import replace

import numpy as np
import torch

from bench.api import Data, Dataset
from bench.data.prepared import dataset_digest
from bench.data.splits import random_keys
from bench.errors import BenchError

SEED = 2  # of the choice; 0 and 1 are those of the splits


def few_labels(dataset: Dataset, per_class: int | None) -> Dataset:
    """The data set `name@per_class`: `per_class` training images of each class, and at most as many for validation.

    The choice is fixed, and that of a smaller number is part of it. The test split stays whole. None leaves all as it
    is. Raises `BenchError` where a class has fewer training images.
    """
    if per_class is None:
        return dataset
    counts = torch.bincount(dataset.train.labels, minlength=len(dataset.spec.classes))
    if int(counts.min()) < per_class:
        name = dataset.spec.classes[int(counts.argmin())]
        raise BenchError(
            f"{dataset.spec.name} has {int(counts.min())} training images of class {name!r}, "
            f"--labels-per-class wants {per_class}"
        )
    spec = replace(dataset.spec, name=f"{dataset.spec.name}@{per_class}")
    train, validation = (_first(split, per_class) for split in (dataset.train, dataset.validation))
    splits = {"train": train, "validation": validation, "test": dataset.test}
    splits = {name: replace(split, spec=spec) for name, split in splits.items()}
    return Dataset(spec, digest=dataset_digest(spec, splits), **splits)


def _first(data: Data, per_class: int) -> Data:
    """Of each class the images with the smallest keys, in the order in which they were."""
    keys, labels = random_keys(len(data), SEED), data.labels.numpy()
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    chosen = [rows[np.argsort(keys[rows], kind="stable")[:per_class]] for rows in members]
    return data[torch.from_numpy(np.sort(np.concatenate(chosen)))]
