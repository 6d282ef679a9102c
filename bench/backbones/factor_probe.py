"""The factor probe: a network that reads the factors of variation of a data set off its images."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from bench.api import Codes, Data, Images, Labels, Spec, to_float
from bench.backbones.factor_heads import HEADS
from bench.backbones.network import NetworkConfig, TimmNetwork
from bench.errors import BenchError
from bench.training_run import Run

CHUNK = 500  # images read at a time


@dataclass(frozen=True)
class FactorProbeConfig(NetworkConfig):
    """timm's small test ResNet with all of its strides, and one hidden layer over its whole last map."""

    name: str = "test_resnet"
    side: int = 1
    batch_size: int = 128
    hidden: int = 128  # units between the last map and the outputs


class FactorProbe(TimmNetwork):
    """One output layer for all factors of `spec`, over the last map of a timm network.

    The map is not averaged, since an average hides where things are. Images are not augmented: a shift or a mirror image
    would have other factors.
    """

    Config: ClassVar[type] = FactorProbeConfig

    def __init__(self, config: FactorProbeConfig, spec: Spec) -> None:
        super().__init__(config, spec, outputs=0)
        self.heads = tuple(HEADS[factor.kind](factor) for factor in spec.factors)
        self.widths = [head.width for head in self.heads]
        self.outputs = sum(self.widths)
        with torch.no_grad():
            self.eval()
            inputs = self._map(torch.zeros(1, *spec.shape)).shape[1]
        self.top = nn.Sequential(
            nn.Linear(inputs, config.hidden),
            nn.LayerNorm(config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, self.outputs),
        )

    @property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """The columns of the readings that hold each factor."""
        numbers = torch.arange(self.outputs).split(self.widths)
        return {head.factor.name: tuple(part.tolist()) for head, part in zip(self.heads, numbers, strict=True)}

    def readings(self, images: Images) -> Tensor:
        """What the images show, (n, columns): probabilities of a categorical factor, a value, or a cosine and a sine."""
        parts = self._outputs(images).float().split(self.widths, dim=1)
        return torch.cat([head.read(part) for head, part in zip(self.heads, parts, strict=True)], dim=1)

    def fit(self, data: Data, run: Run) -> None:
        """Train on images and their factors. Raises `BenchError` if the factors are not known."""
        factors = _factors(data)
        values, weights = factors.to(run.device), self._weights(factors).to(run.device)

        def loss_of(images: Images, rows: Labels) -> Tensor:
            with run.autocast():
                outputs = self._outputs(images)
            return self._loss(outputs.float(), values[rows], weights[rows])

        self.minimise(loss_of, replace(data, labels=torch.arange(len(data))), run)

    @torch.inference_mode()
    def scores(self, data: Data, device: torch.device) -> dict[str, float]:
        """How well each factor of `data` is read: R2, mean cosine of the error, or balanced accuracy, at most 1."""
        batches = data.images.split(CHUNK)
        readings = torch.cat([self.readings(to_float(batch.to(device))).cpu() for batch in batches])
        parts = readings.split(self.widths, dim=1)
        columns = _factors(data).unbind(dim=1)
        return {
            head.factor.name: head.score(part, values)
            for head, part, values in zip(self.heads, parts, columns, strict=True)
        }

    def _map(self, images: Images) -> Tensor:
        return self.net.forward_features(self.normalised(images)).flatten(1)

    def _outputs(self, images: Images) -> Tensor:
        return self.top(self._map(images))

    def _loss(self, outputs: Tensor, values: Codes, weights: Codes) -> Tensor:
        """The sum over factors of losses that all start near 1, so that every factor is learnt."""
        parts = outputs.split(self.widths, dim=1)
        losses = [head.losses(part, values[:, i]) for i, (head, part) in enumerate(zip(self.heads, parts, strict=True))]
        return (torch.stack(losses, dim=1) * weights).mean(dim=0).sum()

    def _weights(self, factors: Codes) -> Codes:
        columns = zip(self.heads, factors.unbind(dim=1), strict=True)
        return torch.stack([head.weights(values) for head, values in columns], dim=1)


def _factors(data: Data) -> Codes:
    if data.factors is None:
        raise BenchError(f"{data.spec.name}: expected images with their factors, got images only")
    return data.factors
