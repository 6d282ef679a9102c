"""`timm:NAME`: the pre-logits of any pretrained timm model."""

from typing import Any

import torch

from bench.errors import BenchError, nearest
from bench.metrics.features.base import NetworkSpace
from bench.util.hashing import tensor_digest


def timm_space(name: str) -> NetworkSpace:
    """The pre-logits of a pretrained timm model. Raises `BenchError` if it is unknown or cannot be loaded."""
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
    size = config["input_size"][-1]
    space = NetworkSpace(net, f"timm:{name}", tensor_digest(net.state_dict()), net.num_features, size)
    space.mean, space.std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    return space
