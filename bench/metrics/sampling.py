"""Drawing the samples of an exam: in chunks of a fixed size, one random generator each, every chunk checked."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.api import Data, Generator, Pixels, capabilities, quantize
from bench.errors import BenchError
from bench.run import generator

CHUNK = 250  # images; part of the benchmark's definition: other chunks are other random numbers


def draw_samples(
    model: Generator,
    n: int,
    seed: int,
    device: torch.device | str,
    on_chunk: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Data, bool]:
    """Draw n images as uint8 on the CPU, and tell whether their labels were asked for.

    A ClassConditional model is asked for label i mod k as its i-th image; the labels of others are 0 and mean nothing.
    Never wrapped in `no_grad`: a model may sample by gradients. Raises `BenchError` for anything but images.
    """
    model.eval()
    conditional = "ClassConditional" in capabilities(model)
    device, spec = torch.device(device), model.spec
    labels = torch.arange(n) % len(spec.classes) if conditional else torch.zeros(n, dtype=torch.int64)
    pixels = torch.empty((n, *spec.shape), dtype=torch.uint8)
    for chunk, start in enumerate(range(0, n, CHUNK)):
        wanted, rng = labels[start : start + CHUNK], generator(device, seed, "sample", chunk)
        before = _global_states()
        drawn: Any = (
            model.sample_class(wanted.to(device), rng)  # type: ignore[operator]
            if conditional
            else model.sample(len(wanted), rng)
        )
        if _global_states() != before:
            raise BenchError("samples: drawn with a global random generator, wanted no randomness but that of rng")
        pixels[start : start + CHUNK] = checked(drawn, (len(wanted), *spec.shape), device, "samples")
        on_chunk(min(start + CHUNK, n), n)
    return Data(spec, pixels, labels), conditional


def _global_states() -> tuple[object, ...]:
    """What any use of torch's, NumPy's or Python's global generators would change."""
    return torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state(legacy=False)), random.getstate()


def checked(images: Any, shape: tuple[int, ...], device: torch.device, what: str) -> Pixels:
    """The bytes of what a model returned, on the CPU: a copy. Raises `BenchError` unless these are images."""
    for problem in (_type, _form, _grad, _values):
        complaint = problem(images, shape, device)
        if complaint:
            raise BenchError(f"{what}: {complaint}")
    return quantize(images).cpu()


def _type(images: Any, shape: tuple[int, ...], device: torch.device) -> str:
    return "" if isinstance(images, Tensor) else f"got {type(images).__name__}, wanted a tensor"


def _form(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    if tuple(images.shape) != shape:
        return f"got shape {tuple(images.shape)}, wanted {shape}"
    if images.dtype != torch.float32:
        return f"got {str(images.dtype).removeprefix('torch.')}, wanted float32"
    elsewhere = device.index is not None and images.device.index != device.index
    return f"got them on {images.device}, wanted {device}" if images.device.type != device.type or elsewhere else ""


def _grad(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    return "got images that require grad, wanted them detached" if images.requires_grad else ""


def _values(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    bad = int((~images.isfinite()).sum())
    if bad:
        return f"got {bad} values of {images.numel()} that are not finite"
    low, high = (float(bound) for bound in images.aminmax())
    return "" if low >= 0 and high <= 1 else f"got values from {low:.4g} to {high:.4g}, wanted all in [0, 1]"
