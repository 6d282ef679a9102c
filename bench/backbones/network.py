"""What classifiers and probes over timm's architectures share: the network, the scale of its input, and its training."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from bench.api import Data, Images, Labels, Model, Spec, to_float
from bench.backbones.architecture import build
from bench.backbones.norms import Norm
from bench.muon import Muon, hidden_weights
from bench.training_run import Run
from bench.util.timm_names import check_architecture


@dataclass(frozen=True)
class NetworkConfig:
    """Which architecture, and how it is optimised."""

    name: str = "resnet18"  # any of timm.list_models()
    widths: tuple[int, ...] = ()  # channels of the stages, for ResNets and ConvNeXts; empty: as published
    depths: tuple[int, ...] = ()  # blocks of the stages, likewise
    side: int = 4  # minimum pixels per side of the last feature map: strides are removed until it has them
    norm: Norm = "batch"  # batch: as published; group, layer and none do not mix the images of a batch
    optimizer: Literal["muon", "adamw", "sgd"] = "muon"
    lr: float = 0.02  # the peak of one cycle; with AdamW use a fifth of it
    weight_decay: float = 0.05
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Raises `BenchError` for an architecture that timm does not have."""
        if self.name != type(self).name:  # the default exists, and timm takes a second to import
            check_architecture(self.name)


class TimmNetwork(Model):
    """A timm architecture with strides, patches and channels that fit the images."""

    source = "timm, https://github.com/huggingface/pytorch-image-models"
    net: Any  # with the methods that timm gives all its models
    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig, spec: Spec, outputs: int) -> None:
        """`outputs` is the size of the last layer of the network; 0: it has none."""
        super().__init__(config, spec)
        self.net, self.takes = build(
            config.name,
            replace(spec, classes=tuple(map(str, range(outputs)))),
            norm=config.norm,
            widths=config.widths,
            depths=config.depths,
            side=config.side,
        )
        self.outputs = outputs
        self.register_buffer("mean", torch.full((1, spec.channels, 1, 1), 0.5))
        self.register_buffer("std", torch.full((1, spec.channels, 1, 1), 0.25))

    def normalised(self, images: Images) -> Images:
        """The input of the network: pixels of about zero mean and unit deviation, at the size that it takes."""
        images = (images - self.mean) / self.std
        if images.shape[-1] == self.takes:
            return images
        return F.interpolate(images, size=(self.takes, self.takes), mode="bilinear", antialias=True)

    def minimise(self, loss_of: Callable[[Images, Labels], Tensor], data: Data, run: Run) -> None:
        """Train on batches of `data` for all images of `run`, with one cycle of the learning rate."""
        config: NetworkConfig = self.config
        self._learn_pixel_range(data)
        steps = run.steps(run.images, config.batch_size)
        optimizers = self._optimizers()
        schedules = [OneCycleLR(one, config.lr, total_steps=steps + 1, cycle_momentum=False) for one in optimizers]
        steppers: list[Any] = [*optimizers, *schedules]
        self.train()
        for images, labels in run.batches(data, config.batch_size, run.images, keep=steppers):
            loss = loss_of(images, labels)
            self.zero_grad()
            loss.backward()
            for stepper in steppers:
                stepper.step()
            run.log(loss=loss)
        self.eval()

    def _learn_pixel_range(self, data: Data) -> None:
        """Mean and deviation of each channel, from up to 5,000 images spread over the split."""
        images = to_float(data.images[:: max(1, len(data) // 5000)])
        self.mean.copy_(images.mean((0, 2, 3)).view_as(self.mean))
        self.std.copy_(images.std((0, 2, 3)).view_as(self.std).clamp(min=1e-3))

    def _optimizers(self) -> list[Optimizer]:
        """One for the matrices and kernels of hidden layers, and AdamW for the rest; without Muon one for all."""
        config: NetworkConfig = self.config
        if config.optimizer == "sgd":
            return [SGD(self._groups(), config.lr, momentum=0.9, nesterov=True, weight_decay=config.weight_decay)]
        if config.optimizer == "adamw":
            return [AdamW(self._groups(), config.lr, weight_decay=config.weight_decay)]
        hidden = [weight for weight in hidden_weights(self) if len(weight) != self.outputs]
        rest = self._groups(but={id(weight) for weight in hidden})
        return [
            Muon(hidden, config.lr, weight_decay=config.weight_decay),
            AdamW(rest, config.lr, weight_decay=config.weight_decay, betas=(0.9, 0.95)),
        ]

    def _groups(self, but: Collection[int] = ()) -> list[dict[str, Any]]:
        """Weight decay for weights, none for biases and normalisation."""
        parameters = [parameter for parameter in self.parameters() if id(parameter) not in but]
        return [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
