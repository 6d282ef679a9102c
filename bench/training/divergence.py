"""What a diverged training leaves behind: what its model draws, where it went back to its last good state before it ended."""

import io
from contextlib import suppress

import numpy as np
import torch

from bench.api import Data, Generator, Spec
from bench.errors import BenchError
from bench.metrics import draw_samples
from bench.results.contact_sheet import COLUMNS, save_grid
from bench.results.run_dir import RunDir

NAME = "last-good"  # .npz and .png


def keep_last_good(model: Generator, folder: RunDir, device: torch.device) -> bool:
    """Draw a contact sheet from a model whose training diverged and keep it, unless it draws no images any more."""
    classes = len(model.spec.classes)
    samples, conditional = None, False
    with suppress(BenchError):
        samples, conditional = draw_samples(model, min(folder.job.samples, COLUMNS * classes), folder.job.seed, device)
    if samples is None:
        print("nothing is kept of the diverged training: what its model draws are no images")
        return False
    folder.write_bytes(f"{NAME}.npz", packed(samples, conditional))
    save_grid(samples, folder.path / f"{NAME}.png")
    return True


def packed(samples: Data, conditional: bool) -> bytes:
    """Images, labels, and whether the labels were asked for, as the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, images=samples.images.numpy(), labels=samples.labels.numpy(), conditional=np.array(conditional))
    return buffer.getvalue()


def unpacked(payload: bytes, spec: Spec, n: int) -> tuple[Data, bool]:
    """What `packed` made of `n` samples. Raises anything for other bytes."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        samples = Data(spec, torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"]))
        if samples.images.shape != (n, *spec.shape) or samples.images.dtype != torch.uint8:
            raise ValueError(f"it holds {samples.images.dtype} of shape {tuple(samples.images.shape)}")
        return samples, bool(arrays["conditional"])
