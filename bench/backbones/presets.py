"""Classifiers for images of 28 to 64 pixels that a CPU trains in seconds, at accuracies one can judge by."""

from dataclasses import dataclass

from bench.backbones.classifier import TimmClassifier, TimmConfig


@dataclass(frozen=True)
class ResNetSmallConfig(TimmConfig):
    """A narrow ResNet-10-T whose stem halves the image: four blocks of two convolutions."""

    name: str = "resnet10t"
    widths: tuple[int, ...] = (32, 64, 96, 128)
    side: int = 2


class ResNetSmall(TimmClassifier):
    """The quickest: lent to methods as their guide."""

    Config = ResNetSmallConfig


@dataclass(frozen=True)
class ResNetMediumConfig(TimmConfig):
    """timm's small test ResNet at full resolution: basic and bottleneck blocks, widths 32, 48, 192 and 96."""

    name: str = "test_resnet"


class ResNetMedium(TimmClassifier):
    """The most accurate for its time: the judge."""

    Config = ResNetMediumConfig


@dataclass(frozen=True)
class ConvNextSmallConfig(TimmConfig):
    """timm's small test ConvNeXt: depthwise convolutions and LayerNorm, so each image is seen by itself."""

    name: str = "test_convnext"
    side: int = 2


class ConvNextSmall(TimmClassifier):
    """Neither a ResNet nor with BatchNorm: a second opinion."""

    Config = ConvNextSmallConfig
