"""Perceptual path length (Karras et al., arXiv 1812.04948): how much an image changes for a small step of its codes."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.api import Codes
from bench.metrics.context import EvaluationContext
from bench.metrics.control.codes import code_layout
from bench.metrics.control.evaluation import draws, sweeper
from bench.metrics.control.sweeps import BATCH
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.perceptual import perceptual_distance
from bench.metrics.precision import full_precision

Levels = Float[Tensor, "n c h w"]  # from 0 to 255, not rounded

EPSILON = 1e-4  # step along the path, which has length 1
DROPPED = 0.01  # of the distances at each end
ON_GRID = 1e-3  # levels of 255 from whole ones, at most, for images that were quantized
NORMAL = 0.5  # |excess kurtosis| of a code below which its prior counts as normal; a uniform one has -1.2


def path_length(space: str) -> Callable[[EvaluationContext], Measured]:
    """The metric in a feature space: squared distance of unit features over the squared step, extremes dropped."""

    def compute(context: EvaluationContext) -> Measured:
        ends = [[_unit_features(context, space, images) for images in pair] for pair in pairs(context)]
        return _mean([(before - after).square().sum(1) for before, after in ends])

    return compute


def path_length_st_lpips(context: EvaluationContext) -> Measured:
    """The metric in ST-LPIPS, which is a squared distance itself: the distance over the squared step."""
    distance = perceptual_distance()
    return _mean([distance(before, after, context.device).double() for before, after in pairs(context)])


def pairs(context: EvaluationContext) -> list[tuple[Levels, Levels]]:
    """The images before and after each step, in batches, decoded once for all distances.

    Raises `NotMeasured` if no code is continuous, or if the images are quantized.
    """
    return context.memoize("path pairs", lambda: _pairs(context))


def _pairs(context: EvaluationContext) -> list[tuple[Levels, Levels]]:
    columns = _continuous(context)
    if not columns:
        raise NotMeasured("no code is continuous")
    n = context.scale.pairs
    codes = sweeper(context).draw_codes(2 * n, "path")
    start, end = codes[:n], codes[n:]
    position = torch.from_numpy(np.random.default_rng([context.seed, 2]).random((n, 1))).float()
    path = slerp if is_normal(draws(context).codes[:, columns]) else torch.lerp
    found = []
    for batch, rows in enumerate(torch.arange(n).split(BATCH)):
        images = []
        for step in (0.0, EPSILON):
            moved = start[rows].clone()  # categorical and circular codes stay as they are
            moved[:, columns] = path(start[rows][:, columns], end[rows][:, columns], position[rows] + step)
            images.append(_decoded(context, moved, batch))
        found.append((images[0], images[1]))
    return found


def _mean(squared: list[Tensor]) -> Measured:
    """The trimmed mean of squared distances over the squared step. Raises `NotMeasured` if all are 0."""
    found = (torch.cat(squared) / EPSILON**2).numpy()
    if not found.any():
        raise NotMeasured("small steps of its codes do not change its images")
    return Measured(trimmed_mean(found), len(found))


def slerp(start: Tensor, end: Tensor, position: Tensor) -> Tensor:
    """Spherical interpolation of rows (n, d): `start` at position 0, `end` at 1, shape (n, 1)."""
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=1).clamp(-1, 1)[:, None]
    angle = torch.acos(cosine)
    sine = torch.sin(angle)
    straight = torch.lerp(start, end, position)
    arc = (torch.sin((1 - position) * angle) * start + torch.sin(position * angle) * end) / sine.clamp(min=1e-6)
    return torch.where(sine < 1e-3, straight, arc)


def is_normal(codes: Codes) -> bool:
    """Whether the median code has the tails of a normal distribution."""
    from scipy.stats import kurtosis

    table = codes.double().numpy()
    used = np.ptp(table, axis=0) > 0
    return bool(used.any() and abs(np.median(kurtosis(table[:, used]))) < NORMAL)


def trimmed_mean(distances: np.ndarray) -> float:
    """The mean without the lowest and the highest 1 %."""
    low, high = np.quantile(distances, [DROPPED, 1 - DROPPED])
    return float(distances[(distances >= low) & (distances <= high)].mean())


def _continuous(context: EvaluationContext) -> list[int]:
    layout = code_layout(context.coder, draws(context).codes.shape[1])
    return [code.columns[0] for code in layout if code.kind == "continuous"]


def _decoded(context: EvaluationContext, codes: Codes, batch: int) -> Levels:
    """Images that are not quantized, on the CPU: a step of EPSILON would be lost among 256 levels."""
    images = sweeper(context).decode_float(codes, "path", batch)
    if float((images * 255 - (images * 255).round()).abs().max()) < ON_GRID:
        raise NotMeasured("its images are quantized: a small step of a code cannot be seen")
    return (images.float().clamp(0, 1) * 255).cpu()


def _unit_features(context: EvaluationContext, space: str, images: Levels) -> Tensor:
    """Unit feature vectors, float64 (n, d), on the CPU."""
    with full_precision(context.device):
        features = context.space(space).embed(images.to(context.device), context.device)
    return torch.nn.functional.normalize(features.double().cpu(), dim=1)
