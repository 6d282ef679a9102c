"""Frechet distance between Gaussians fitted to two sets of features (Dowson and Landau 1982; arXiv 1706.08500).

d^2 = |mu1 - mu2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2). With S = F F^T the last trace is the sum of the singular
values of F1^T F2, or of the square roots of the eigenvalues of F1^T S2 F1. Both are symmetric problems, so nothing
complex and nothing iterative is needed. Everything in float64.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from bench.errors import BenchError
from bench.metrics.classes import class_names, require_two
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured


def frechet_distance(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> float:
    """Squared Frechet distance between two Gaussians: means (d,), covariances (d, d), of any rank.

    Never below zero. Raises `BenchError` if the shapes differ, a value is not finite, or a covariance is not symmetric
    or has negative eigenvalues.
    """
    m1, s1, m2, s2 = (_array(value, name) for value, name in zip((mu1, sigma1, mu2, sigma2), _NAMES, strict=True))
    d = m1.numel()
    for value, name, shape in zip((m1, s1, m2, s2), _NAMES, ((d,), (d, d), (d,), (d, d)), strict=True):
        if tuple(value.shape) != shape:
            raise BenchError(f"frechet_distance: expected {name} of shape {shape}, got {tuple(value.shape)}")
    for value, name in ((s1, "sigma1"), (s2, "sigma2")):
        _check_covariance(value, name)
    return _distance(m1, s1.trace(), m2, s2.trace(), _trace_root(s1, s2))


def frechet_from_features(x: ArrayLike, y: ArrayLike) -> float:
    """Squared Frechet distance between Gaussians fitted to features (n, d) and (m, d), n and m at least 2."""
    a, b = _array(x, "the first features"), _array(y, "the second features")
    for value in (a, b):
        if value.ndim != 2 or len(value) < 2 or value.shape[1] != a.shape[1]:
            raise BenchError(
                "frechet_from_features: expected at least two rows in each and equal numbers of columns, "
                f"got shapes {tuple(a.shape)} and {tuple(b.shape)}"
            )
    if min(len(a), len(b)) >= a.shape[1]:
        return frechet_distance(*moments(a), *moments(b))
    m1, m2 = a.mean(0), b.mean(0)  # rank below d: singular values of the centred cross-Gram
    a, b = (a - m1) / (len(a) - 1) ** 0.5, (b - m2) / (len(b) - 1) ** 0.5  # a^T a is the covariance
    root = torch.linalg.svdvals(_thin(a).T @ _thin(b)).sum()
    return _distance(m1, a.square().sum(), m2, b.square().sum(), root)


def moments(x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) and covariance (d, d) of features (n, d), in float64. Raises `BenchError` for fewer than two rows."""
    rows = _float64(x, "features")
    if rows.ndim != 2 or len(rows) < 2:
        raise BenchError(f"moments: expected features of shape (n, d), n at least 2, got {rows.shape}")
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / (len(rows) - 1)


_NAMES = ("mu1", "sigma1", "mu2", "sigma2")


def _float64(value: ArrayLike, name: str) -> NDArray[np.float64]:
    """A copy in float64; of tensors of any device and type of float, without their gradients."""
    plain = value.detach().cpu().double().numpy() if isinstance(value, Tensor) else value
    try:
        kind = np.asarray(plain).dtype.kind
        if kind in "fiu":
            return np.array(plain, dtype=np.float64)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise BenchError(f"frechet distance: expected an array of numbers as {name}, got {error}") from error
    raise BenchError(f"frechet distance: expected an array of real numbers as {name}, got {np.asarray(plain).dtype}")


def _array(value: ArrayLike, name: str) -> Tensor:
    array = _float64(value, name)
    if not np.isfinite(array).all():
        raise BenchError(f"frechet distance: expected finite values, got nan or inf in {name}")
    return torch.from_numpy(array)


def _check_covariance(s: Tensor, name: str) -> None:
    """Raises `BenchError` unless `s` (d, d) is symmetric and positive semidefinite, up to rounding."""
    tolerance = 1e-6 * float(s.abs().max()) if s.numel() else 0.0
    if float((s - s.T).abs().max() if s.numel() else 0) > tolerance:
        raise BenchError(f"frechet_distance: expected {name} to be symmetric, got a matrix that is not")
    shifted = s + max(tolerance, 1e-300) * torch.eye(len(s), dtype=s.dtype)
    if not torch.linalg.cholesky_ex(shifted)[1]:
        return
    if (lowest := float(torch.linalg.eigvalsh(s).min())) < -tolerance:
        raise BenchError(f"frechet_distance: expected {name} without negative eigenvalues, got {lowest:.4g}")


def _distance(m1: Tensor, trace1: Tensor, m2: Tensor, trace2: Tensor, root: Tensor) -> float:
    return max(0.0, float((m1 - m2).square().sum() + trace1 + trace2 - 2 * root))


def _trace_root(s1: Tensor, s2: Tensor) -> Tensor:
    """tr (S1 S2)^(1/2) = sum of the square roots of the eigenvalues of L^T S2 L, where S1 = L L^T."""
    from scipy.linalg.lapack import dsygst

    factor = _factor(s1)
    if factor.shape[1] == 0:
        return torch.zeros((), dtype=torch.float64)
    if factor.shape[1] == len(s1):
        product = torch.from_numpy(dsygst(s2.numpy(), factor.numpy(), itype=2, lower=1)[0])  # its lower triangle
    else:
        product = factor.T @ s2 @ factor
    return torch.linalg.eigvalsh(product, UPLO="L").clamp(min=0).sqrt().sum()


def _factor(s: Tensor) -> Tensor:
    """L (d, r) with L L^T = s, r the rank: Cholesky, with pivots if `s` is singular."""
    factor, failed = torch.linalg.cholesky_ex(s)
    if not failed:
        return factor
    from scipy.linalg.lapack import dpstrf

    packed, pivots, rank, _ = dpstrf(s.numpy(), lower=1)  # P^T s P = L L^T; stops at d * eps * max(diagonal)
    permuted = np.empty((len(s), rank))
    permuted[pivots - 1] = np.tril(packed)[:, :rank]
    return torch.from_numpy(permuted)


def _thin(x: Tensor) -> Tensor:
    """F (d, r) with F F^T = x^T x, r at most d."""
    return x.T if len(x) <= x.shape[1] else _factor(x.T @ x)


# Metrics


def fd(space: str) -> Callable[[EvaluationContext], Measured]:
    """Frechet distance between samples and reference images in a feature space."""

    def compute(context: EvaluationContext) -> Measured:
        features, real = context.features(space), context.real_features(space)
        if min(features.shape[0], *real.shape) < real.shape[1]:
            return Measured(frechet_from_features(features, real), context.n)
        return Measured(frechet_distance(*moments(features), *real_moments(context, space)), context.n)

    return compute


def real_moments(context: EvaluationContext, space: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,) and covariance (d, d) of the reference features, cached on disk."""
    make = lambda: np.vstack(moments(context.real_features(space)))  # noqa: E731
    both = context.cached(f"moments-{space}", space, (context.real_digest,), make)
    return both[0], both[1:]


def intra_fd(space: str) -> Callable[[EvaluationContext], Measured]:
    """Mean over classes of the Frechet distance within a class; one part per class.

    Raises `BenchError` if a class has fewer than two samples or two reference images.
    """

    def compute(context: EvaluationContext) -> Measured:
        require_two(context)
        features, real = context.features(space), context.real_features(space)
        labels, real_labels = context.samples.labels.cpu().numpy(), context.real.labels.cpu().numpy()
        parts = {}
        for label, name in enumerate(class_names(context.spec.classes)):
            ours, theirs = features[labels == label], real[real_labels == label]
            parts[name] = frechet_from_features(ours, theirs)
        return Measured(float(np.mean(list(parts.values()))), context.n, parts)

    return compute
