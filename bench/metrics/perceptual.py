"""ST-LPIPS, a learned perceptual distance that tolerates shifts (arXiv 2207.13686), with its AlexNet trunk.

Our own module with the published weights, which the PyPI package `stlpips-pytorch` holds; its code is not imported.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.features.base import BATCH, three_channels
from bench.metrics.features.resize import resize
from bench.metrics.precision import full_precision

NAME, PACKAGE = "st-lpips", "stlpips-pytorch"
SIZE = 64  # pixels, as in the training of the distance
DIGEST = "b356b382"  # how the SHA-256 of the published file begins
CONVOLUTIONS = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")
POOLED = {1: "slice2.4", 2: "slice3.8"}  # layers after a maximum over 3 pixels and a blur, and the filter of the blur
PADDING = (2, 2, 1, 1, 1)


class PerceptualDistance:
    """Distances of pairs of images: 0 for equal ones, about 0.5 for different photographs."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights

    def __call__(self, x: Tensor, y: Tensor, device: torch.device | str = "cpu") -> Tensor:
        """The distance of each image of x, levels (n, c, h, w), from the same of y, float32 (n,) on the CPU.

        Levels are from 0 to 255, as bytes or as float32, which need not be whole numbers. Images are resized to 64 pixels. Raises `BenchError` for other than one or three channels.
        """
        device = torch.device(device)
        size, parts = self._on(device), []
        with full_precision(device):
            for a, b in zip(x.split(size), y.split(size), strict=True):
                parts.append(self._distances(*(self._layers(part.to(device)) for part in (a, b))).cpu())
        return torch.cat(parts)

    def to_next(self, x: Pixels, device: torch.device | str = "cpu") -> Tensor:
        """The distance of each of at least two images, uint8 (n, c, h, w), from the next, float32 (n - 1,) on the CPU."""
        device = torch.device(device)
        size, parts = self._on(device), []
        with full_precision(device):
            for start in range(0, len(x) - 1, size):
                layers = self._layers(x[start : start + size + 1].to(device))
                parts.append(self._distances([h[:-1] for h in layers], [h[1:] for h in layers]).cpu())
        return torch.cat(parts)

    def _on(self, device: torch.device) -> int:
        """Move the weights to a device; the number of images that it takes at once."""
        self._weights = {name: value.to(device) for name, value in self._weights.items()}
        return BATCH.get(device.type, 500)

    def _distances(self, x: list[Tensor], y: list[Tensor]) -> Tensor:
        """Equation 1 of LPIPS (arXiv 1801.03924): weighted squared differences of unit vectors, mean over places."""
        heads = (self._weights[f"lin{depth}.model.1.weight"] for depth in range(len(x)))
        terms = [F.conv2d((a - b).square(), head).mean((1, 2, 3)) for a, b, head in zip(x, y, heads, strict=True)]
        return torch.stack(terms).sum(0)

    def _layers(self, pixels: Tensor) -> list[Tensor]:
        """The five hidden layers, of unit length at each place."""
        images = resize(three_channels(pixels), SIZE) / 127.5 - 1
        h = (images - self._weights["scaling_layer.shift"]) / self._weights["scaling_layer.scale"]
        layers = []
        for depth, name in enumerate(CONVOLUTIONS):
            if depth in POOLED:
                h = self._halved(F.max_pool2d(h, 3, stride=1), POOLED[depth])
            h = F.conv2d(
                h, self._weights[f"net.{name}.weight"], self._weights[f"net.{name}.bias"], padding=PADDING[depth]
            )
            h = (self._halved(h, "slice1.1") if depth == 0 else h).relu()
            layers.append(h / (h.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return layers

    def _halved(self, h: Tensor, name: str) -> Tensor:
        """Blurred over 3 pixels, every second of them: the edges are reflected."""
        blur = self._weights[f"net.{name}.filt"]
        return F.conv2d(F.pad(h, (2, 2, 2, 2), mode="reflect"), blur, stride=2, groups=len(blur))


@cache
def perceptual_distance() -> PerceptualDistance:
    """The distance with its published weights. Raises `BenchError` if they are missing, or others."""
    if reason := absent():
        raise BenchError(reason)
    content = _path().read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(DIGEST):
        raise BenchError(
            f"{_path().name} holds other weights than those of {NAME}: expected a SHA-256 that starts with {DIGEST}, got "
            f"{digest[: len(DIGEST)]}; install {PACKAGE} again"
        )
    return PerceptualDistance(torch.load(_path(), map_location="cpu", weights_only=True))


def absent() -> str:
    """Why the distance cannot be used now, or ""."""
    return "" if _folder() and _path().is_file() else f"{NAME} has no weights: pip install {PACKAGE}"


def _path() -> Path:
    return Path(_folder()) / "weights" / "vST0.0" / "alex_shift_tolerant.pth"


def _folder() -> str:
    """Where the package is installed, without importing it; empty if it is not."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    return next(iter(spec.submodule_search_locations or ()), "") if spec else ""
