"""`clip`: the image embedding of OpenAI's CLIP ViT-B/32 (arXiv 2103.00020), the features of FD-CLIP (arXiv 2203.06026).

The network is timm's. The weights are those that the authors publish, a TorchScript archive in half precision, which
are converted to float32.
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.metrics.features.base import NetworkSpace
from bench.metrics.features.weights_file import WeightsFile

DIGEST = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
WEIGHTS = WeightsFile(
    "clip", "ViT-B-32.pt", f"https://openaipublic.azureedge.net/clip/models/{DIGEST}/ViT-B-32.pt", DIGEST, 354
)
ARCHITECTURE = "vit_base_patch32_clip_quickgelu_224"
SIZE = 224  # pixels
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def clip() -> NetworkSpace:
    """512 features. Raises `BenchError` for any file but the published one."""
    return space_of(read(WEIGHTS.checked()), ARCHITECTURE, WEIGHTS.digest)


def read(path: Path) -> dict[str, Tensor]:
    """The weights of the image encoder in a TorchScript archive of CLIP, float32, under OpenAI's names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        weights = torch.jit.load(path, map_location="cpu").state_dict()
    return {name: value.float() for name, value in weights.items() if name.startswith("visual.")}


def space_of(weights: dict[str, Tensor], architecture: str, digest: str) -> NetworkSpace:
    """The space of a CLIP network of timm with weights under OpenAI's names."""
    import timm
    from timm.models.vision_transformer import checkpoint_filter_fn

    features = weights["visual.proj"].shape[1]
    net: Any = timm.create_model(architecture, pretrained=False, num_classes=features)
    net.load_state_dict(checkpoint_filter_fn(weights, net))
    space = NetworkSpace(net, WEIGHTS.name, digest, features, SIZE)
    space.mean, space.std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return space
