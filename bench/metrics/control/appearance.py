"""How much images change, in pixels and in features that know nothing of the data set."""

import numpy as np
import torch
from torch import Tensor

from bench.api import Pixels
from bench.metrics.context import EvaluationContext
from bench.metrics.control.codes import Grid
from bench.metrics.control.evaluation import draws, sweeper, sweeps
from bench.metrics.control.sweeps import BATCH
from bench.metrics.features.base import Features

SPACE = "lite0"
OTHERS = BATCH  # images of independent draws
COLUMNS = 2**16  # that are converted to floats together: large images take much memory as floats


def perceptual_changes(context: EvaluationContext) -> list[float]:
    """The change of features along each swept code, as a share of that between independent draws."""
    among, grids = variance(torch.from_numpy(drawn_features(context))), sweeps(context).grids
    return [change(torch.from_numpy(swept_features(context, k)), grid, among) for k, grid in enumerate(grids)]


def pixel_changes(context: EvaluationContext) -> list[float]:
    """The same of pixels."""
    among, swept = variance(_drawn_images(context)), sweeps(context)
    return [change(images, grid, among) for images, grid in zip(swept.images, swept.grids, strict=True)]


def drawn_features(context: EvaluationContext) -> Features:
    """Features of images of the first OTHERS draws, (n, d)."""
    return context.memoize(f"drawn-{SPACE}", lambda: context.embed(SPACE, _drawn_images(context)))


def swept_features(context: EvaluationContext, place: int) -> Features:
    """Features of the kept images of the sweep at `place`, (contexts, m, d)."""
    images = sweeps(context).images[place]
    make = lambda: context.embed(SPACE, images.flatten(0, 1)).reshape(*images.shape[:2], -1)  # noqa: E731
    return context.memoize(f"sweep {place}-{SPACE}", make)


def change(tables: Tensor, grid: Grid, among: float) -> float:
    """Mean squared distance along a code as a share of that between independent draws, in [0, 1].

    `tables` (contexts, m, ...) are pixels or features at the m values of the code, everything else held fixed. Half of
    the mean squared distance between two values drawn from the prior of the code is the variance over that prior, summed
    over columns: the numerator of a total Sobol index. `among` is the variance of independent draws.
    """
    centre = np.eye(len(grid.shares)) - grid.shares  # subtracts the mean over the prior
    products = np.diag(grid.shares) if grid.products is None else grid.products
    weights = centre.T @ products @ centre
    along = np.mean([(weights * _inner_products(table)).sum() for table in tables])
    return float(np.clip(along / among, 0, 1)) if among > 0 else 0.0


def variance(rows: Tensor) -> float:
    """Of rows (n, ...), summed over columns."""
    return sum(float(part.double().var(dim=0).sum()) for part in rows.flatten(1).split(COLUMNS, dim=1))


def _drawn_images(context: EvaluationContext) -> Pixels:
    """Images of the first OTHERS draws."""
    return sweeper(context).decode(draws(context).codes[:OTHERS], "draws", 0)


def _inner_products(table: Tensor) -> np.ndarray:
    """Of the rows (m, ...) with each other, (m, m), relative to the first: exactly 0 if all are equal."""
    flat = table.flatten(1).float()
    apart = flat - flat[:1]
    return (apart @ apart.T).double().numpy()
