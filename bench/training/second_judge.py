"""The second judge: published weights of another family than those of the judge and the guide."""

import torch

from bench.api import Classifier, Dataset
from bench.backbones.presets import ConvNeXtSmall, ConvNeXtSmallConfig
from bench.freeze import freeze
from bench.metrics.catalog import SECOND_JUDGE
from bench.published.cards import find_card, load_published


def find_second_judge(dataset: Dataset, device: torch.device) -> tuple[Classifier, str] | None:
    """The second judge of a data set and the SHA-256 of its weights; None if none is published for its bytes.

    Raises `BenchError` if the file is missing or not the one that its card describes.
    """
    card = find_card(SECOND_JUDGE, dataset.digest)
    if card is None:
        return None
    with torch.random.fork_rng(devices=[]):  # initial weights must not change the random numbers of anything else
        model = ConvNeXtSmall(ConvNeXtSmallConfig(), dataset.spec)
    load_published(card, model)
    return freeze(model.to(device).to(memory_format=torch.channels_last)), card.weights
