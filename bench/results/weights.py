"""The state dict of a model on disk, as safetensors with a digest that is kept in another file."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from bench.util.atomic import quarantine, write_atomic


def save_weights(path: Path, model: nn.Module) -> str:
    """Write the state dict of `model`. Returns the SHA-256 of the file."""
    from safetensors.torch import save

    state = model.state_dict()
    payload = save(
        {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    )
    write_atomic(path, payload)
    return hashlib.sha256(payload).hexdigest()


def load_weights(path: Path, model: nn.Module, digest: str) -> bool:
    """Restore `model`. Returns False if the file is missing or corrupt; a corrupt file is quarantined."""
    from safetensors.torch import load

    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        return False
    if hashlib.sha256(payload).hexdigest() != digest:
        quarantine(path, f"{path} is corrupt: its content does not match its digest")
        return False
    model.load_state_dict(load(payload))
    return True
