"""The split that methods are scored on: the test split, or the validation split for choosing settings."""

from dataclasses import replace

from bench.api import Dataset


def scored_on(dataset: Dataset, split: str) -> Dataset:
    """The data set with this split, "test" or "validation", as its test split. The digest stays that of all the data."""
    return dataset if split == "test" else replace(dataset, test=dataset.validation)


def board_of(name: str, split: str) -> str:
    """The name of the board of a data set, which the scores on its validation split do not share."""
    return name if split == "test" else f"{name}@{split}"
