"""A classifier with two hidden layers: enough to guide a method on small images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench import Classifier, Data, Images, Logits, Run, Spec


@dataclass(frozen=True)
class PerceptronConfig:
    width: int = 256
    lr: float = 1e-3
    batch_size: int = 64


class Perceptron(Classifier):
    Config = PerceptronConfig
    source = "Rosenblatt, Psychological Review 65 (1958)"

    def __init__(self, config: PerceptronConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.first = nn.Linear(spec.channels * spec.size**2, config.width)
        self.second = nn.Linear(config.width, config.width)
        self.head = nn.Linear(config.width, len(spec.classes))

    def fit(self, data: Data, run: Run) -> None:
        """Train with Adam, whose state is part of the checkpoints, in mixed precision if the host asks for it."""
        optimizer = torch.optim.Adam(self.parameters(), self.config.lr)
        for images, labels in run.batches(data, self.config.batch_size, run.images, keep=[optimizer]):
            with run.autocast():
                logits = self.logits(images)
            loss = cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)

    def logits(self, images: Images) -> Logits:
        return self.head(self.features(images)[-1])

    def features(self, images: Images) -> list[Tensor]:
        """Both hidden layers (n, width); the last is what the head sees."""
        first = self.first(images.flatten(1)).relu()
        return [first, self.second(first).relu()]
