"""`inception` and `clean`: the Inception v3 of the published FID (arXiv 1706.08500), as ported by torch-fidelity.

The weights are not on PyPI: the file is $BENCH_INCEPTION, or else the one that torch-fidelity downloads.
"""

import importlib.util

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.features.base import Features, FeatureSpace, three_channels
from bench.metrics.features.resize import resize
from bench.metrics.features.weights_file import WeightsFile

FILE = "weights-inception-2015-12-05-6726825d.pth"
WEIGHTS = WeightsFile(
    "inception",
    FILE,
    f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",  # no other network is called fid
    96,
)
LAYERS = (
    "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2",
    "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e",
    "Mixed_7a", "Mixed_7b", "Mixed_7c", "AvgPool",
)  # fmt: skip


class InceptionSpace(FeatureSpace):
    """2048 features of the whole images, resized as TensorFlow 1 did (`inception`)."""

    dim = 2048

    def __init__(self, net: nn.Module, digest: str, name: str = "inception") -> None:
        self._net, self.name, self.digest = net, name, f"{name}:v1:{digest}"

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        return self._net.to(device)(three_channels(pixels))[0]

    def logits(self, features: Features) -> NDArray[np.float64]:
        """Class scores (n, 1008) without bias, as the Inception score reads them."""
        return features.astype(np.float64) @ self._net.fc.weight.double().cpu().numpy().T  # type: ignore[operator, union-attr]


class CleanSpace(InceptionSpace):
    """The same network behind clean-fid's resize: bicubic, antialiased, not rounded (arXiv 2104.11222)."""

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        images = (resize(three_channels(pixels), 299) - 128) / 128
        net = self._net.to(device)
        for name in LAYERS:
            images = net.get_submodule(name)(images)
        return images.flatten(1)


def inception() -> InceptionSpace:
    return InceptionSpace(*_load())


def clean() -> InceptionSpace:
    return CleanSpace(*_load(), name="clean")


def absent() -> str:
    """Why the spaces cannot be used now, or ""."""
    if importlib.util.find_spec("torch_fidelity") is None:
        return "inception needs torch-fidelity: pip install torch-fidelity"
    return WEIGHTS.absent()


def _load() -> tuple[nn.Module, str]:
    """The network and the SHA-256 of its weights. Raises `BenchError` for any file but the published one."""
    if absent():
        raise BenchError(absent())
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = WEIGHTS.checked()
    torch.load(path, map_location="cpu", weights_only=True)  # torch-fidelity would unpickle anything
    net = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    return net, WEIGHTS.digest
