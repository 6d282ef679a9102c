"""The samples of an evaluation as the bytes of an .npz file."""

import io

import numpy as np
import torch

from bench.api import Data, Spec


def samples_name(n: int) -> str:
    """The file of `n` samples in a run directory."""
    return f"samples-{n}.npz"


def pack_samples(samples: Data, conditional: bool) -> bytes:
    """Images uint8 (n, c, h, w), labels (n,), and whether the labels were asked for."""
    buffer = io.BytesIO()
    np.savez(buffer, images=samples.images.numpy(), labels=samples.labels.numpy(), conditional=np.array(conditional))
    return buffer.getvalue()


def unpack_samples(payload: bytes, spec: Spec, n: int) -> tuple[Data, bool]:
    """What `pack_samples` made of `n` samples. Raises anything for other bytes."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        samples = Data(spec, torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"]))
        if samples.images.shape != (n, *spec.shape) or samples.images.dtype != torch.uint8:
            found = f"{samples.images.dtype} of shape {tuple(samples.images.shape)}"
            raise ValueError(f"expected uint8 of shape {(n, *spec.shape)}, got {found}")
        return samples, bool(arrays["conditional"])
