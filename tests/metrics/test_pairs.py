"""Products are computed once, and what is made of them is what float64 says: whatever the blocks, the order, the threads."""

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import METRICS, products
from bench.metrics.balls import K
from bench.metrics.kernel import few, kernel_distance, kernel_distance_of_all, kid, kid_all
from bench.metrics.manifold import Manifold, fractions, manifold, part
from bench.metrics.neighbours import radii
from bench.metrics.pairs import Pairs, Subsets
from bench.metrics.scale import Scale

CPU = torch.device("cpu")
SHARED = ("kid-judge", "kid-judge-all", "precision-judge", "recall-judge", "density-judge", "coverage-judge")


def _normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.normal(size=(n, d))


def _positive(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Not centred, as the features of networks are."""
    return rng.gamma(0.5, size=(n, d))


def _far(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 1000 + rng.normal(size=(n, d))


def _clusters(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Two, whose distance is 10,000 times the distances within: float32 sees none of the latter."""
    return 1e4 * rng.choice([-1, 1], size=(n, 1)) + rng.normal(size=(n, d))


def _outliers(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_t(1.5, size=(n, d))


def _steps(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Nearly a grid: most distances differ from others in the last digits of float32 alone."""
    return rng.integers(0, 3, size=(n, d)) + 1e-6 * rng.normal(size=(n, d))


KINDS = (_normal, _positive, _far, _clusters, _outliers, _steps)


def _sets(kind, n: int = 230, m: int = 190, d: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return kind(rng, n, d).astype(np.float32), (kind(rng, m, d) + 0.1).astype(np.float32)


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances by subtraction in float64."""
    return np.stack([np.square(row.astype(np.float64) - y).sum(1) for row in x])


def _manifold(x: np.ndarray, y: np.ndarray, distances=_distances) -> Manifold:
    """The four fractions as the papers define them."""
    ours, theirs = (np.sort(distances(value, value), axis=1)[:, K] for value in (x, y))  # column 0 is the row itself
    across = distances(x, y)
    inside = across <= theirs
    recall = (across <= ours[:, None]).any(0).mean()
    return Manifold(inside.any(1).mean(), recall, inside.sum(1).mean() / K, inside.any(0).mean())


def _kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    kernel = lambda a, b: (a.astype(np.float64) @ b.astype(np.float64).T / a.shape[1] + 1) ** 3  # noqa: E731
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
    return sum(within) - 2 * kernel(x, y).mean()


def _rounding(x: np.ndarray, y: np.ndarray) -> float:
    """How far a kernel distance may be off in float32: a ten-millionth of the largest kernel."""
    largest = max(np.square(value.astype(np.float64)).sum(1).max() for value in (x, y))
    return 1e-7 * float((largest / x.shape[1] + 1) ** 3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_the_four_fractions_of_float32_features_are_those_of_float64(kind, seed: int):
    x, y = _sets(kind, seed=seed)
    assert manifold(x, y, CPU) == _manifold(x, y)


def test_products_in_float32_alone_would_not_give_them():
    def rounded(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * x @ y.T

    x, y = _sets(_clusters)
    assert _manifold(x, y, rounded) != manifold(x, y, CPU)


@pytest.mark.parametrize("kind", KINDS)
def test_radii_are_those_of_float64(kind):
    x, _ = _sets(kind)
    assert (radii(x, 3, CPU) == np.sort(_distances(x, x), axis=1)[:, 3]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [1, 7, 64, 1024])
def test_the_size_of_the_blocks_changes_no_fraction_and_no_kernel_distance(kind, side: int, monkeypatch):
    x, y = _sets(kind, 50, 40)
    wanted = manifold(x, y, CPU), kernel_distance_of_all(x, y)
    monkeypatch.setattr(products, "SIDE", side)
    assert manifold(x, y, CPU) == wanted[0]
    assert kernel_distance_of_all(x, y) == pytest.approx(wanted[1], abs=_rounding(x, y))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_and_of_dimensions_changes_nothing(kind):
    x, y = _sets(kind)
    rng = np.random.default_rng(1)
    columns = rng.permutation(x.shape[1])
    mixed = [value[rng.permutation(len(value))] for value in (x, y)]
    assert manifold(*mixed, CPU) == manifold(x, y, CPU)
    assert manifold(x[:, columns], y[:, columns], CPU) == manifold(x, y, CPU)
    assert kernel_distance_of_all(*mixed) == pytest.approx(kernel_distance_of_all(x, y), abs=_rounding(x, y))


def test_the_number_of_threads_changes_nothing():
    x, y = _sets(_positive, 900, 700, 64)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append((manifold(x, y, CPU), kernel_distance_of_all(x, y)))
    finally:
        torch.set_num_threads(before)
    assert [fractions for fractions, _ in found] == [found[0][0]] * 3
    assert [kernel for _, kernel in found] == pytest.approx([found[0][1]] * 3, abs=1e-9)


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2], lambda x: x[::-1][::-1]])
def test_the_layout_in_memory_changes_nothing(layout):
    x, y = _sets(_positive)
    assert manifold(layout(x), layout(y), CPU) == manifold(x, y, CPU)
    assert kernel_distance_of_all(layout(x), y) == kernel_distance_of_all(x, y)


@pytest.mark.parametrize("kind", [_normal, _positive, _outliers, _steps])
def test_kernel_distances_of_float32_features_are_those_of_float64(kind):
    x, y = (value / max(1, np.abs(value).max() / 10) for value in _sets(kind, 400, 300, 256))
    wanted = _kernel_distance(x, y)
    assert kernel_distance_of_all(x, y) == pytest.approx(wanted, abs=1e-6)
    assert kernel_distance_of_all(x.astype(np.float64), y.astype(np.float64)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("images", [1, 2, 10, 400])
def test_kernel_distances_at_2048_features_are_within_a_millionth_also_if_few_images_are_repeated(images: int):
    """Rounding errors of equal products are equal: no mean over pairs makes them smaller."""
    rng = np.random.default_rng(images)
    turn = rng.normal(size=(20, 2048)) / 4
    few_images, y = (np.maximum(rng.normal(size=(n, 20)) @ turn, 0).astype(np.float32) for n in (images, 300))
    x = np.repeat(few_images, 400 // images, axis=0)
    assert kernel_distance_of_all(x, y) == pytest.approx(_kernel_distance(x, y), abs=1e-6)


def test_two_gaussians_have_the_kernel_distance_of_the_formula():
    # E (x.y / d + 1)^3 = 1 + 3 s^2 t^2 / d for centred Gaussians of scales s and t
    d, s, t = 8, 1.0, 1.5
    rng = np.random.default_rng(0)
    found = [kernel_distance_of_all(s * rng.normal(size=(150, d)), t * rng.normal(size=(120, d))) for _ in range(60)]
    assert abs(np.mean(found) - 3 * (s**2 - t**2) ** 2 / d) < 4 * np.std(found) / 60**0.5
    assert np.std(found) / 60**0.5 < 0.05


@pytest.mark.parametrize("kind", [_normal, _positive])
def test_subsets_are_the_same_rows_whether_all_products_are_computed_or_theirs_alone(kind):
    x, y = _sets(kind)
    assert few(len(x), len(y), 2, 40)
    assert not few(len(x), len(y), 60, 100)
    for subsets, size in ((2, 40), (60, 100)):
        alone = kernel_distance(x, y, subsets, size)
        found = Pairs(x, y, CPU, subsets=Subsets(subsets, size)).kernel_distances
        assert alone == pytest.approx((found[:-1].mean(), found[:-1].std()), abs=1e-7)
        assert found[-1] == pytest.approx(kernel_distance_of_all(x, y), abs=1e-9)


def test_balls_and_kernels_together_are_what_they_are_alone():
    x, y = _sets(_positive)
    found = Pairs(x, y, CPU, k=K, subsets=Subsets(3, 50))
    assert fractions(found.balls) == manifold(x, y, CPU)
    assert found.kernel_distances[-1] == pytest.approx(kernel_distance_of_all(x, y), abs=1e-12)


# Extremes


def test_identical_sets_lie_in_each_other_and_their_kernel_distance_is_not_above_zero():
    x, _ = _sets(_positive)
    found = manifold(x, x.copy(), CPU)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(1, abs=0.5)
    assert found.density >= (K + 1) / K  # each row holds itself and its k neighbours hold it on average
    assert kernel_distance_of_all(x, x) < 0  # unbiased: pairs of a row with itself count across the sets, not within


def test_disjoint_sets_score_zero_and_their_kernel_distance_is_that_of_their_means():
    x, y = _sets(_normal)
    assert manifold(x + 100, y, CPU) == Manifold(0, 0, 0, 0)
    assert kernel_distance_of_all(x + 100, y) == pytest.approx(_kernel_distance(x + 100, y), rel=1e-6)


def test_one_image_repeated_has_balls_of_no_size():
    _, y = _sets(_positive)
    point = np.repeat(y[np.argmin(_distances(y, y.mean(0, keepdims=True))[:, 0])][None], 200, axis=0)
    found = manifold(point, y, CPU)
    assert found == _manifold(point, y)
    assert found.precision == 1
    assert found.recall == 1 / len(y)  # the image itself
    assert (radii(point, K, CPU) == 0).all()
    assert manifold(point, point, CPU) == Manifold(1, 1, 200 / K, 1)
    assert kernel_distance_of_all(point, point) == pytest.approx(0, abs=1e-9)
    assert kernel_distance_of_all(point, y) == pytest.approx(_kernel_distance(point, y), abs=1e-6)


@pytest.mark.parametrize("times", [2, K, K + 1, 3 * K])
def test_repeated_rows_are_in_the_balls_of_each_other(times: int):
    x, y = (np.repeat(value[:40], times, axis=0) for value in _sets(_positive))
    assert manifold(x, y, CPU) == _manifold(x, y)
    assert manifold(x, x, CPU) == _manifold(x, x)


# Errors


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_a_feature_that_is_not_finite_is_an_error(bad: float, side: int):
    sets = _sets(_normal)
    sets[side][3, 4] = bad
    for measure in (lambda: manifold(*sets, CPU), lambda: kernel_distance_of_all(*sets)):
        with pytest.raises(BenchError, match="features: expected finite values, got nan or inf"):
            measure()


def test_sets_that_cannot_be_compared_are_an_error_with_their_shapes():
    x, y = _sets(_normal)
    with pytest.raises(BenchError, match=r"expected shapes \(n, d\) and \(m, d\), got \(230, 24\) and \(190, 23\)"):
        kernel_distance_of_all(x, y[:, 1:])
    with pytest.raises(BenchError, match="at least two rows in each set and each subset, got 1"):
        kernel_distance_of_all(x[:1], y)
    with pytest.raises(BenchError, match="at least two rows in each set and each subset, got 1"):
        kernel_distance(x, y, 3, 1)


# The harness


class _Products:
    """Counts the pairs of rows of which it computes the product."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs, compute = 0, torch.mm

        def mm(one, other, **options):
            self.pairs += len(one) * other.shape[1]
            return compute(one, other, **options)

        monkeypatch.setattr(torch, "mm", mm)


def _measure(context) -> dict[str, float]:
    measures = [kid("judge"), kid_all("judge"), *(part(name, "judge") for name in vars(_manifold(*_sets(_normal))))]
    return dict(zip(SHARED, (measure(context).value for measure in measures), strict=True))


def test_all_metrics_of_a_space_share_products_and_those_of_real_images_are_kept(make_context, tmp_path, monkeypatch):
    monkeypatch.setattr(products, "SIDE", 30)
    count = _Products(monkeypatch)
    blocks = {60: 3 * 900, 150: 15 * 900}  # on and above the diagonal
    first = _measure(make_context(cache=tmp_path))
    assert count.pairs == blocks[60] + blocks[150] + 60 * 150
    count.pairs = 0
    assert _measure(make_context(cache=tmp_path)) == first
    assert count.pairs == blocks[60] + 60 * 150


def test_what_one_metric_measures_does_not_depend_on_which_others_are_measured(make_context):
    together = _measure(make_context())
    assert kid_all("judge")(make_context()).value == together["kid-judge-all"]
    assert part("recall", "judge")(make_context()).value == together["recall-judge"]


def test_few_images_have_a_kernel_distance_and_no_balls(make_context, dataset):
    context = make_context(n=4, samples=dataset.test[:4])
    assert np.isfinite(kid_all("judge")(context).value)
    with pytest.raises(BenchError, match="expected more than k=5 samples and reference images, got 4"):
        part("precision", "judge")(context)


def test_the_kernel_distance_of_all_images_has_an_id_of_its_own():
    protocols = {metric.name: metric.protocol(Scale(2000, 5000)) for metric in METRICS}
    assert protocols["kid-lite0-all"] == "kid-all@lite0:n=2000,ref=5000:v1"
    assert protocols["kid-lite0"] == "kid@lite0:n=2000,ref=5000,subsets=20,size=500:v1"
