"""Classifiers for images of 28 to 64 pixels that train on a CPU in seconds and are accurate enough to judge samples."""

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
    """The fastest preset: the default guide of methods."""

    Config = ResNetTinyConfig


@dataclass(frozen=True)
class ResNetSmallConfig(TimmConfig):
    """A narrow ResNet-10-T whose stem halves the image: four blocks of two convolutions."""

    name: str = "resnet10t"
    widths: tuple[int, ...] = (32, 64, 96, 128)
    side: int = 2


class ResNetSmall(TimmClassifier):
    """The default judge: the most accurate preset after a minute of training."""

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
    """Its result for an image does not depend on the other images of a batch, not even in training."""

    Config = ResNetLayerNormConfig


@dataclass(frozen=True)
class ConvNeXtSmallConfig(TimmConfig):
    """A narrow ConvNeXt-Atto whose stem halves the image: five blocks with depthwise 7x7 kernels and layer normalisation."""

    name: str = "convnext_atto"
    widths: tuple[int, ...] = (24, 48, 96, 128)
    depths: tuple[int, ...] = (1, 1, 2, 1)
    side: int = 2


class ConvNeXtSmall(TimmClassifier):
    """The second judge: of another family than the default judge and guide."""

    Config = ConvNeXtSmallConfig
