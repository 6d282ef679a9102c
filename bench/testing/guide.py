"""The guide of the conformance tests: a small classifier that keeps every promise of a classifier."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.api import Classifier, Data, Dataset, Images, Logits, Spec
from bench.freeze import freeze
from bench.training_run import Run, derive_seed

BUDGET = 1_920  # training images: enough to separate discs, squares and stripes


@dataclass(frozen=True)
class TinyClassifierConfig:
    """Two convolutions and a hidden layer."""

    width: int = 16
    hidden: int = 32
    lr: float = 1e-2
    batch_size: int = 64


class TinyClassifier(Classifier):
    """A small convolutional network without norm layers, so that results do not depend on the batch."""

    Config = TinyClassifierConfig
    source = "bench's conformance tests"

    def __init__(self, config: TinyClassifierConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.first = nn.Conv2d(spec.channels, config.width, 3, stride=2, padding=1)
        self.second = nn.Conv2d(config.width, 2 * config.width, 3, stride=2, padding=1)
        self.hidden = nn.Linear(2 * config.width * 4 * 4, config.hidden)
        self.head = nn.Linear(config.hidden, len(spec.classes))

    def fit(self, data: Data, run: Run) -> None:
        """Adam on cross-entropy."""
        optimizer = torch.optim.Adam(self.parameters(), self.config.lr)
        for images, labels in run.batches(data, self.config.batch_size, run.images, keep=[optimizer]):
            with run.autocast():
                logits = self.logits(images)
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)

    def logits(self, images: Images) -> Logits:
        """Unnormalised log-probabilities (n, k)."""
        return self.head(self.features(images)[-1])

    def features(self, images: Images) -> list[Tensor]:
        """Two maps and the pre-logits (n, hidden)."""
        first = self.first(images).relu()
        second = self.second(first).relu()
        pooled = F.adaptive_avg_pool2d(second, 4).flatten(1)
        return [first, second, self.hidden(pooled).relu()]


def tiny_guide(dataset: Dataset, device: torch.device | str = "cpu") -> TinyClassifier:
    """A frozen classifier that was trained on 1,920 images of this data set, as the guide of a fit."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(derive_seed("guide"))
        guide = TinyClassifier(TinyClassifier.Config(), dataset.spec).to(device)
        guide.fit(dataset.train, Run(guide, images=BUDGET, device=device))
    return freeze(guide)
