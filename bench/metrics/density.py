"""How many bits the levels of test images cost under the density of a method, estimated by importance weighting."""

import math
from typing import Any

import torch
from torch import Tensor

from bench.api import Images, LogWeights, Pixels
from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.precision import full_precision
from bench.metrics.scale import SMALL, Scale
from bench.training_run import generator

MOST, DRAWS = 250, 100  # images, and draws of latent variables for each
FEW = 20, 10  # of a run that shows nothing about quality
BATCH = 50  # images at once: part of the protocol, since `rng` is per batch
LEVELS = 256


def bits_per_dimension(context: EvaluationContext) -> Measured:
    """Mean of -log2 p(y) per pixel and channel + 8, y = (level + u) / 256 with u uniform in [0, 1).

    An upper bound of the bits that the levels cost (arXiv 1511.01844, section 3.1), with log p(y) from `DRAWS` importance
    weights (arXiv 1509.00519, equation 8). Part `elbo`: the bound of a single draw, `se`: the standard error over images.
    Raises `NotMeasured` if the model says that it has no density.
    """
    if reason := getattr(context.model, "no_density", ""):
        raise NotMeasured(reason)
    n, draws = numbers(context.scale)
    pixels = context.test.images[:n]
    weights = log_weights(context, dequantized(pixels, context.seed), draws)
    many, one = (bits(log_p, pixels[0].numel()) for log_p in (log_mean_exp(weights), weights.mean(0)))
    error = float(many.std(correction=1)) / math.sqrt(len(many)) if len(many) > 1 else 0.0
    return Measured(float(many.mean()), len(pixels), {"elbo": float(one.mean()), "se": error})


def numbers(scale: Scale) -> tuple[int, int]:
    """Images, and draws for each."""
    return (min(scale.n, MOST), DRAWS) if scale.n >= SMALL else (min(scale.n, FEW[0]), FEW[1])


def dequantized(pixels: Pixels, seed: int) -> Images:
    """(level + u) / 256 with the same u for all methods of a seed, float32 in [0, 1), on the CPU."""
    noise = torch.rand(pixels.shape, generator=generator("cpu", seed, "density", "noise"), dtype=torch.float64)
    below_1 = 1 - 2**-24  # rounding to float32 gives 1 otherwise
    return ((pixels + noise) / LEVELS).clamp(max=below_1).float()


def log_weights(context: EvaluationContext, images: Images, draws: int) -> LogWeights:
    """The model's log importance weights, float64 (draws, n), on the CPU. Never under `no_grad`: see `Model`."""
    model: Any = context.model
    parts = []
    with full_precision(context.device):
        for index, batch in enumerate(images.split(BATCH)):
            rng = generator(context.device, context.seed, "density", index)
            parts.append(_checked(model.log_weights(batch.to(context.device), draws, rng), (draws, len(batch))))
    return torch.cat(parts, 1)


def log_mean_exp(weights: LogWeights) -> Tensor:
    """log(1/K sum_k w_k) of each column, (n,)."""
    return weights.logsumexp(0) - math.log(len(weights))


def bits(log_density: Tensor, dimensions: int) -> Tensor:
    """Bits per dimension of 256 levels from log densities of pixels in [0, 1], in nats."""
    return math.log2(LEVELS) - log_density / (dimensions * math.log(2))


def _checked(weights: Any, shape: tuple[int, int]) -> LogWeights:
    """The weights as float64 on the CPU. Raises `BenchError` for another type, shape, a gradient or infinite values."""
    if not isinstance(weights, Tensor):
        raise BenchError(f"log_weights: expected a tensor, got {type(weights).__name__}")
    if tuple(weights.shape) != shape:
        raise BenchError(f"log_weights: expected shape {shape}, got {tuple(weights.shape)}")
    if weights.requires_grad:
        raise BenchError("log_weights: expected no grad, got requires_grad=True; use `@torch.no_grad()`")
    if not weights.isfinite().all():
        raise BenchError("log_weights: expected finite values, got nan or inf")
    return weights.double().cpu()
