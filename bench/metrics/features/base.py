"""What feature spaces have in common: the interface, and a network behind one resize filter and one input scale."""

import hashlib
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.features.resize import resize
from bench.metrics.precision import full_precision

Features = NDArray[np.float32]
BATCH = {"cpu": 50}  # images a pass, 500 elsewhere: small batches stay in a CPU's cache


class FeatureSpace(ABC):
    """Maps images, uint8 (n, c, h, w), to features, float32 (n, dim)."""

    name: str
    digest: str  # of the weights and the pre-processing: it changes if the features do
    dim: int

    @abstractmethod
    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        """Features (b, dim) of one batch on `device`; levels from 0 to 255, which need not be whole numbers."""

    def __call__(self, pixels: Pixels | NDArray[np.uint8], device: torch.device | str = "cpu") -> Features:
        """Features of images of any number, a batch at a time, in full precision on `device`.

        Raises `BenchError` unless `pixels` is uint8: floats in [0, 1] would be read as nearly black images.
        """
        device, pixels = torch.device(device), _bytes(pixels)
        features = np.empty((len(pixels), self.dim), dtype=np.float32)
        size = BATCH.get(device.type, 500)
        with full_precision(device):
            for start in range(0, len(pixels), size):
                batch = pixels[start : start + size].to(device)
                features[start : start + size] = self.embed(batch, device).cpu().numpy()
        return features


class NetworkSpace(FeatureSpace):
    """A network that takes three channels of one fixed size, each scaled as (x / 255 - mean) / std."""

    size: int
    mean: Tensor | float = 0.5
    std: Tensor | float = 0.5

    def __init__(self, net: nn.Module, name: str, digest: str, dim: int, size: int) -> None:
        self._net = net.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.name, self.dim, self.size = name, dim, size
        self.digest = hashlib.sha256(f"{name}:v1:{size}:{digest}".encode()).hexdigest()

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        self._net.to(device)
        images = resize(three_channels(pixels), self.size) / 255
        mean, std = (torch.as_tensor(value, device=device) for value in (self.mean, self.std))
        return self._net(((images - mean) / std).contiguous(memory_format=torch.channels_last))


def _bytes(pixels: Any) -> Pixels:
    """A tensor of bytes. Raises `BenchError` for any other dtype or type."""
    images = torch.from_numpy(pixels) if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 else pixels
    if not (isinstance(images, Tensor) and images.dtype == torch.uint8):
        found = str(getattr(pixels, "dtype", type(pixels).__name__)).removeprefix("torch.")
        raise BenchError(
            f"feature spaces: expected images as uint8, got {found}; convert images in [0, 1] with bench.quantize"
        )
    return images


def three_channels(pixels: Tensor) -> Tensor:
    """Grayscale images copied to three channels. Raises `BenchError` unless there are one or three channels."""
    if pixels.shape[1] not in (1, 3):
        raise BenchError(f"feature spaces: expected images of 1 or 3 channels, got {pixels.shape[1]}")
    return pixels.expand(-1, 3, -1, -1)
