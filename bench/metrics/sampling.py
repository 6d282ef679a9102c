"""Drawing the samples that are measured: in chunks of a fixed size, each with its own random generator and checked."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.api import Data, Generator, Pixels, capabilities, quantize
from bench.errors import BenchError
from bench.training_run import generator

CHUNK = 250  # images; part of the definition of the benchmark: another size gives other random numbers


def draw_samples(
    model: Generator,
    n: int,
    seed: int,
    device: torch.device | str,
    on_chunk: Callable[[int, int], None] = lambda done, total: None,
    sampling: int = 0,
) -> tuple[Data, bool]:
    """Draw n images, uint8 (n, c, h, w) on the CPU, and return whether they were drawn for labels.

    `sampling` counts the samplings of one model, each with random numbers of its own. Image i of a ClassConditional model is drawn for label i mod k; other models get the label 0, which has no meaning.
    Never wrapped in `no_grad`: a model may sample by gradients. Raises `BenchError` if the model returns anything but
    images, or uses a global random generator.
    """
    model.eval()
    conditional = "ClassConditional" in capabilities(model)
    device, spec = torch.device(device), model.spec
    labels = torch.arange(n) % len(spec.classes) if conditional else torch.zeros(n, dtype=torch.int64)
    pixels = torch.empty((n, *spec.shape), dtype=torch.uint8)
    again = ("again", sampling) if sampling else ()
    for chunk, start in enumerate(range(0, n, CHUNK)):
        wanted, rng = labels[start : start + CHUNK], generator(device, seed, "sample", chunk, *again)
        before = _global_states()
        drawn: Any = (
            model.sample_class(wanted.to(device), rng)  # type: ignore[operator]
            if conditional
            else model.sample(len(wanted), rng)
        )
        if _global_states() != before:
            raise BenchError("samples: expected randomness from `rng` only, got a changed global random state")
        pixels[start : start + CHUNK] = checked(drawn, (len(wanted), *spec.shape), device, "samples")
        on_chunk(min(start + CHUNK, n), n)
    return Data(spec, pixels, labels), conditional


def _global_states() -> tuple[object, ...]:
    """The states of the global generators of torch, NumPy and Python."""
    return torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state(legacy=False)), random.getstate()


def checked(images: Any, shape: tuple[int, ...], device: torch.device, what: str) -> Pixels:
    """A copy of the images that a model returned as uint8 on the CPU.

    Raises `BenchError` unless they are float32 of this shape in [0, 1] on `device`, without gradient.
    """
    for problem in (_type, _form, _grad, _values):
        complaint = problem(images, shape, device)
        if complaint:
            raise BenchError(f"{what}: {complaint}")
    return quantize(images).cpu()


def _type(images: Any, shape: tuple[int, ...], device: torch.device) -> str:
    return "" if isinstance(images, Tensor) else f"expected a tensor, got {type(images).__name__}"


def _form(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    if tuple(images.shape) != shape:
        return f"expected shape {shape}, got {tuple(images.shape)}"
    if images.dtype != torch.float32:
        return f"expected float32, got {str(images.dtype).removeprefix('torch.')}"
    elsewhere = device.index is not None and images.device.index != device.index
    return f"expected images on {device}, got {images.device}" if images.device.type != device.type or elsewhere else ""


def _grad(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    return (
        "expected images without grad, got requires_grad=True; use `@torch.no_grad()`" if images.requires_grad else ""
    )


def _values(images: Tensor, shape: tuple[int, ...], device: torch.device) -> str:
    bad = int((~images.isfinite()).sum())
    if bad:
        return f"expected finite values, got {bad} of {images.numel()} that are nan or inf"
    low, high = (float(bound) for bound in images.aminmax())
    return (
        "" if low >= 0 and high <= 1 else f"expected values in [0, 1], got {low:.4g} to {high:.4g}; use `.clamp(0, 1)`"
    )
