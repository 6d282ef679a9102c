"""A discriminator over a backbone of timm."""

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from bench.errors import BenchError, nearest
from bench.parts.gan_networks import Discriminator, LogitHead, Signed, Vectors

PREFIX = "timm:"


def is_timm(name: str) -> bool:
    """Whether a setting names a backbone of timm."""
    return name.startswith(PREFIX) and len(name) > len(PREFIX)


def check_backbone(name: str) -> None:
    """Raise `BenchError` for an unknown backbone, and for one with batch norm: the gradient of R1 would mix images."""
    import timm

    plain = name.removeprefix(PREFIX)
    if plain not in timm.list_models():
        raise BenchError(f"unknown timm architecture {plain!r}: {nearest(plain, timm.list_models())}")
    with torch.device("meta"):  # without memory for its weights
        body = timm.create_model(plain, num_classes=0)
    if any(isinstance(part, _BatchNorm) for part in body.modules()):
        raise BenchError(
            f"discriminator: expected a backbone without batch norm, got {name}; "
            "for example timm:convnext_atto or timm:resnetv2_50"
        )


class TimmDiscriminator(Discriminator):
    """Images in [-1, 1] to one logit each (n,), with a projection of the label if there are classes. Not pretrained.

    Raises `BenchError` as `check_backbone` does.
    """

    def __init__(self, name: str, channels: int, classes: int = 0) -> None:
        super().__init__()
        import timm

        check_backbone(name)
        plain = name.removeprefix(PREFIX)
        self.body = timm.create_model(plain, pretrained=False, in_chans=channels, num_classes=0)
        self.head = LogitHead(self.body.num_features, classes)  # type: ignore[arg-type]

    def features(self, images: Signed) -> Vectors:
        found: Tensor = self.body(images)
        return found
