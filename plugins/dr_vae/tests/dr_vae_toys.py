"""A guide for the digits of 8 pixels, and short trainings under it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Classifier, Data, Images, Logits, Run, Spec
from bench_dr_vae import DrVae, DrVaeConfig
from bench_dr_vae.term import Term, term_of

TOY = DrVaeConfig(  # as published
    width=16,
    latent_dim=16,
    per_pixel=False,
    sigma_floor=-2.5,
    norm="batch",
    pixel_sigma="element",
    feature_sigma="element",
    ema=0.0,
    term_warmup=0.0,
)
TOY_PLAIN = replace(TOY, gamma=0.0)
BUDGET = 40_000  # training images seen
SEEDS = 3  # of measure.py


@dataclass(frozen=True)
class ConvGuideConfig:
    width: int = 32


class ConvGuide(Classifier):
    """Three convolutions with batch norm: maps of 2,048, 1,024 and 256 elements, against 64 pixels."""

    Config = ConvGuideConfig
    source = "the tests of dr-vae"

    def __init__(self, config: ConvGuideConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        width = config.width
        rows = ((spec.channels, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 2))
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))
            for i, o, stride in rows
        )
        self.head = nn.Linear(2 * width * (spec.size // 4) ** 2, len(spec.classes))

    def fit(self, data: Data, run: Run) -> None:
        """Adam on cross-entropy."""
        optimizer = torch.optim.Adam(self.parameters(), 2e-3)
        self.train()
        for images, labels in run.batches(data, 64, run.images, keep=[optimizer]):
            optimizer.zero_grad()
            F.cross_entropy(self.logits(images), labels).backward()
            optimizer.step()
        self.eval()

    def logits(self, images: Images) -> Logits:
        return self.head(self.features(images)[-1])

    def features(self, images: Images) -> list[Tensor]:
        maps = [images]
        for block in self.convs:
            maps.append(block(maps[-1]))
        return [*maps[1:], maps[-1].flatten(1)]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights drawn in here follow from the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def fit_guide(data: Data, seed: int = 0) -> ConvGuide:
    """Not frozen: the plugin does that."""
    with seeded(seed):
        guide = ConvGuide(ConvGuideConfig(), data.spec)
        guide.fit(data, Run(guide, images=10_000, seed=seed))
    guide.zero_grad()
    return guide


def fitted(
    config: DrVaeConfig, data: Data, guide: Classifier, images: int = BUDGET, seed: int = 0, **options: Any
) -> DrVae:
    """A model trained on this number of images."""
    with seeded(seed):
        model = DrVae(config, data.spec)
        model.fit(data, Run(model, images=images, seed=seed, guide=guide, **options))
    return model


def a_term(guide: Classifier, config: DrVaeConfig, seed: int = 0) -> Term:
    """The term, its layers scaled by random images."""
    return term_of(guide, config, seed, torch.rand(64, *guide.spec.shape, generator=torch.Generator().manual_seed(0)))


def with_term(
    config: DrVaeConfig, data: Data, guide: Classifier, images: int = BUDGET, seed: int = 0
) -> tuple[DrVae, Term]:
    """A model after stage 3, with the sigmas of its term, which are no part of the model."""
    with seeded(seed):
        model = DrVae(config, data.spec)
        term = a_term(guide, config, seed)
        model.fit_vae(data, Run(model, images=images, seed=seed, guide=guide), images, term)
    return model, term
