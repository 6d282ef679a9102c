"""The built-in classifiers, registered through the same hook as those of third-party plugins: timm, and presets."""

from collections.abc import Mapping

from bench.api import Classifier
from bench.backbones.architecture import build as timm_network
from bench.backbones.classifier import TimmClassifier
from bench.backbones.presets import (
    ConvNeXtSmall,
    ResNetLayerNorm,
    ResNetMedium,
    ResNetSmall,
    ResNetTiny,
    ResNetTinyConfig,
)
from bench.hookspecs import hookimpl

__all__ = ["ResNetTiny", "ResNetTinyConfig", "TimmClassifier", "bench_classifiers", "timm_network"]


@hookimpl
def bench_classifiers() -> Mapping[str, type[Classifier]]:
    """`timm:NAME` is any architecture of timm."""
    return {
        "timm": TimmClassifier,
        "resnet-xs": ResNetTiny,
        "resnet-s": ResNetSmall,
        "resnet-m": ResNetMedium,
        "resnet-ln": ResNetLayerNorm,
        "convnext-s": ConvNeXtSmall,
    }
