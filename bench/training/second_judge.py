"""The second judge: published weights of another family than those of the judge and the guide."""

from collections.abc import Mapping

import torch

from bench.api import Classifier, Dataset
from bench.backbones.presets import ConvNeXtSmall, ConvNeXtSmallConfig
from bench.freeze import freeze
from bench.metrics.catalog import SECOND_JUDGE
from bench.metrics.metric import NotMeasured
from bench.published.cards import find_card, load_published


def find_second_judge(
    dataset: Dataset, device: torch.device, others: Mapping[str, Classifier]
) -> tuple[Classifier, str]:
    """The second judge of a data set and the SHA-256 of its weights. `others`: the guide and the judge, by role.

    Raises `NotMeasured` if none is published for the bytes of the data set, or if the guide or the judge is the same
    network, and `BenchError` if the file is missing or not the one that its card describes.
    """
    card = find_card(SECOND_JUDGE, dataset.digest)
    if card is None:
        raise NotMeasured(f"no second judge is published for {dataset.spec.name}")
    for role, other in others.items():
        if isinstance(other, ConvNeXtSmall):
            raise NotMeasured(f"the {role} is the network of the second judge, {SECOND_JUDGE}")
    with torch.random.fork_rng(devices=[]):  # initial weights must not change the random numbers of anything else
        model = ConvNeXtSmall(ConvNeXtSmallConfig(), dataset.spec)
    load_published(card, model)
    return freeze(model.to(device).to(memory_format=torch.channels_last)), card.weights
