"""Digests of tensors by content."""

import hashlib
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


def tensor_digest(tensors: Mapping[str, Tensor] | Iterable[Tensor]) -> str:
    """SHA-256 in hexadecimal of the names (or positions), dtypes, shapes and bytes of tensors on any device."""
    named = tensors.items() if isinstance(tensors, Mapping) else enumerate(tensors)
    digest = hashlib.sha256()
    for name, tensor in named:
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    return digest.hexdigest()
