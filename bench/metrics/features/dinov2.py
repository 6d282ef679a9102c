"""`dinov2`: the class token of DINOv2 ViT-L/14 (arXiv 2304.07193), the features of FD-DINOv2 (arXiv 2306.04675).

The network is timm's. The weights are those that the authors publish, which are trained for 518 pixels; the features
are those of 224, with position embeddings resampled as in the authors' code.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.metrics.features.base import NetworkSpace
from bench.metrics.features.weights_file import WeightsFile

WEIGHTS = WeightsFile(
    "dinov2",
    "dinov2_vitl14_pretrain.pth",
    "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
    "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    1218,
)
ARCHITECTURE = "vit_large_patch14_dinov2"
SIZE, PATCH = 224, 14  # pixels
OFFSET = 0.1  # that the authors add to the new number of patches before they divide it by the old one
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


def dinov2() -> NetworkSpace:
    """1024 features. Raises `BenchError` for any file but the published one."""
    weights = torch.load(WEIGHTS.checked(), map_location="cpu", weights_only=True)
    return space_of(weights, ARCHITECTURE, WEIGHTS.digest)


def space_of(weights: dict[str, Tensor], architecture: str, digest: str) -> NetworkSpace:
    """The space of a DINOv2 network of timm with weights under the authors' names."""
    import timm

    net: Any = timm.create_model(architecture, pretrained=False, num_classes=0, img_size=SIZE)
    used = {name: value for name, value in weights.items() if name != "mask_token"}  # which is for training alone
    net.load_state_dict(used | {"pos_embed": resampled(used["pos_embed"], SIZE // PATCH)})
    space = NetworkSpace(net, WEIGHTS.name, digest, net.num_features, SIZE)
    space.mean, space.std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return space


def resampled(positions: Tensor, side: int) -> Tensor:
    """Position embeddings (1, 1 + m², d) for side x side patches instead of m x m: bicubic, without antialiasing.

    The first one, of the class token, stays. The scale of the interpolation is (side + OFFSET) / m, not side / m.
    """
    old = round((positions.shape[1] - 1) ** 0.5)
    table = positions[:, 1:].float().unflatten(1, (old, old)).permute(0, 3, 1, 2)
    moved = F.interpolate(table, scale_factor=(side + OFFSET) / old, mode="bicubic")
    return torch.cat([positions[:, :1], moved.flatten(2).mT], 1)
