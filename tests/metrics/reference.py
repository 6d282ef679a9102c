"""Our fidelity metrics beside independent implementations on the same features: `python tests/metrics/reference.py`.

The features are not centred, not negative and correlated, as those of a network are; samples differ from real images in
location and spread.
"""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from bench.metrics.balls import K
from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments
from bench.metrics.inception_score import inception_score
from bench.metrics.kernel import kernel_distance, kernel_distance_of_all
from bench.metrics.manifold import manifold

CPU = torch.device("cpu")


class Comparison(NamedTuple):
    """One row of the table: both values, and how far apart they may be (absolute, or relative to the second)."""

    measure: str
    other: str
    ours: float
    theirs: float
    tolerance: float
    relative: bool = False

    @property
    def difference(self) -> float:
        gap = abs(self.ours - self.theirs)
        return gap / abs(self.theirs) if self.relative else gap


def features(n: int = 1200, m: int = 1500, d: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Samples (n, d) and real images (m, d), float32."""
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(32, d)) / 4
    draw = lambda count, shift: np.maximum(rng.normal(size=(count, 32)) @ turn + shift, 0)  # noqa: E731
    return draw(n, 0.1).astype(np.float32), draw(m, 0.0).astype(np.float32)


def torch_fidelity() -> Iterator[Comparison]:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    x, y = features()
    exact = [torch.from_numpy(value.astype(np.float64)) for value in (x, y)]
    fid = fid_statistics_to_metric(*map(fid_features_to_statistics, exact), False)["frechet_inception_distance"]
    yield Comparison("Frechet distance", "torch-fidelity", frechet_from_features(x, y), fid, 1e-6, True)
    settings = {"kid_subsets": 1, "kid_subset_size": len(x), "rng_seed": 0, "verbose": False}
    whole = kid_features_to_metric(*(value[: len(x)] for value in exact), **settings)["kernel_inception_distance_mean"]
    yield Comparison("KID of all", "torch-fidelity, one subset", kernel_distance_of_all(x, y[: len(x)]), whole, 1e-6)
    settings = {"kid_subsets": 100, "kid_subset_size": 1000, "verbose": False}
    found = kid_features_to_metric(*exact, **settings)
    spread = found["kernel_inception_distance_std"] / 100**0.5
    ours = kernel_distance(x, y, 100, 1000)[0]
    yield Comparison("KID, 100 x 1,000", "torch-fidelity", ours, found["kernel_inception_distance_mean"], 6 * spread)
    logits = np.random.default_rng(1).normal(size=(1000, 50)) * 2
    score = isc_features_to_metric(torch.from_numpy(logits), splits=10, shuffle=False)["inception_score_mean"]
    yield Comparison("Inception score", "torch-fidelity", inception_score(logits)[0], score, 1e-6, True)
    balls = manifold(x, y, CPU)
    for name, theirs in zip(("precision", "recall"), calculate_precision_recall_full(*exact, K), strict=True):
        yield Comparison(name, "torch-fidelity", getattr(balls, name), theirs, 1e-6)


def clean_fid() -> Iterator[Comparison]:
    from cleanfid.fid import frechet_distance as theirs
    from cleanfid.fid import kernel_distance as kid

    x, y = features()
    statistics = [value for side in (x, y) for value in moments(side)]
    yield Comparison("Frechet distance", "clean-fid", frechet_distance(*statistics), theirs(*statistics), 1e-6, True)
    same = [value[: len(x)].astype(np.float64) for value in (x, y)]
    found = kid(*same, num_subsets=1, max_subset_size=len(x))
    yield Comparison("KID of all", "clean-fid, one subset", kernel_distance_of_all(x, y[: len(x)]), found, 1e-6)


def prdc() -> Iterator[Comparison]:
    from prdc import compute_prdc

    x, y = features()
    balls = manifold(x, y, CPU)
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(y, x, K)
    for name, theirs in found.items():
        yield Comparison(name, "prdc", getattr(balls, name), float(theirs), 1e-3)


def scikit_learn() -> Iterator[Comparison]:
    from sklearn.metrics.pairwise import polynomial_kernel
    from sklearn.neighbors import NearestNeighbors

    x, y = (value.astype(np.float64) for value in features())
    within = [(kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1))
              for kernel in (polynomial_kernel(x), polynomial_kernel(y))]  # fmt: skip
    theirs = sum(within) - 2 * polynomial_kernel(x, y).mean()
    yield Comparison("KID of all", "scikit-learn", kernel_distance_of_all(*features()), theirs, 1e-6)
    radii = [NearestNeighbors(n_neighbors=K).fit(side).kneighbors()[0][:, -1] for side in (x, y)]
    across = NearestNeighbors(n_neighbors=len(y)).fit(y).kneighbors(x)
    distances = np.empty_like(across[0])
    np.put_along_axis(distances, across[1], across[0], axis=1)
    inside, reached = distances <= radii[1], distances <= radii[0][:, None]
    wanted = (inside.any(1).mean(), reached.any(0).mean(), inside.sum(1).mean() / K, inside.any(0).mean())
    for (name, ours), other in zip(vars(manifold(*features(), CPU)).items(), wanted, strict=True):
        yield Comparison(name, "scikit-learn", ours, float(other), 1e-6)


def closed_forms() -> Iterator[Comparison]:
    d = 64
    ours = frechet_distance(np.zeros(d), 4 * np.eye(d), np.full(d, 0.5), 9 * np.eye(d))
    yield Comparison("Frechet distance", "\\|m\\|² + d (s - t)² (Dowson and Landau)", ours, d * 0.25 + d, 1e-9, True)
    rng = np.random.default_rng(2)
    draws = [kernel_distance_of_all(rng.normal(size=(300, 8)), 1.5 * rng.normal(size=(300, 8))) for _ in range(100)]
    error = float(np.std(draws)) / 10
    yield Comparison(
        "KID of all, mean of 100", "3 (s² - t²)² / d, Gaussians", float(np.mean(draws)), 3 * 1.25**2 / 8, 4 * error
    )
    sure = 1e3 * np.eye(5)[np.arange(100) % 5]
    yield Comparison("Inception score", "number of classes, all sure", inception_score(sure)[0], 5.0, 1e-9, True)


SOURCES: dict[str, Callable[[], Iterator[Comparison]]] = {
    "torch_fidelity": torch_fidelity,
    "cleanfid": clean_fid,
    "prdc": prdc,
    "sklearn": scikit_learn,
    "math": closed_forms,
}


def table() -> str:
    """The rows of docs/metrics.md."""
    lines = ["| measure | independent | `bench` | independent value | difference |", "|---|---|---:|---:|---:|"]
    for source in SOURCES.values():
        for row in source():
            unit = " of it" if row.relative else ""
            lines.append(
                f"| {row.measure} | {row.other} | {row.ours:.7g} | {row.theirs:.7g} | {row.difference:.0e}{unit} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(table())
