"""Classifiers for images of 28 to 64 pixels that a CPU trains in seconds, at accuracies one can judge by."""

from dataclasses import dataclass

from bench.backbones.classifier import TimmClassifier, TimmConfig
from bench.backbones.norms import Norm


@dataclass(frozen=True)
class ResNetTinyConfig(TimmConfig):
    """timm's small test ResNet with its own strides: basic and bottleneck blocks, widths 32, 48, 192 and 96."""

    name: str = "test_resnet"
    side: int = 1
    batch_size: int = 128


class ResNetTiny(TimmClassifier):
    """The quickest: lent to methods as their guide."""

    Config = ResNetTinyConfig


@dataclass(frozen=True)
class ResNetSmallConfig(TimmConfig):
    """A narrow ResNet-10-T whose stem halves the image: four blocks of two convolutions."""

    name: str = "resnet10t"
    widths: tuple[int, ...] = (32, 64, 96, 128)
    side: int = 2


class ResNetSmall(TimmClassifier):
    """The judge: the most accurate in a minute of training."""

    Config = ResNetSmallConfig


@dataclass(frozen=True)
class ResNetMediumConfig(TimmConfig):
    """timm's small test ResNet at full resolution: basic and bottleneck blocks, widths 32, 48, 192 and 96."""

    name: str = "test_resnet"


class ResNetMedium(TimmClassifier):
    """A judge for larger budgets."""

    Config = ResNetMediumConfig


@dataclass(frozen=True)
class ResNetLayerNormConfig(ResNetSmallConfig):
    """The small ResNet with normalisation over each image instead of the batch."""

    norm: Norm = "layer"


class ResNetLayerNorm(TimmClassifier):
    """What it says of an image depends on that image only, in training too."""

    Config = ResNetLayerNormConfig
