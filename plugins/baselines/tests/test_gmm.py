"""The Gaussian mixture: components and densities against closed forms, a known mixture found again, real digits."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, permutations

import pytest
import torch
from torch import Tensor

from bench import BenchError, Codes, Data, Images
from bench_baselines import Gmm, GmmConfig
from bench_baselines.mixture import Mixture
from bench_baselines.stream import Components, Store

Fit = Callable[..., Gmm]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n: int, values: int, rank: int) -> Tensor:
    """Rows of that rank, their variances falling along random directions, off the origin."""
    spread = torch.randn(n, rank, generator=rng()) * torch.linspace(3, 0.3, rank)
    return spread @ torch.linalg.qr(torch.randn(values, rank, generator=rng(1)))[0].T + 0.5


def streamed(data: Tensor, dim: int, batch: int) -> Components:
    components = Components(dim, data.shape[1], torch.device("cpu"))
    for part in data.split(batch):
        components.update(part)
    return components


def test_components_of_a_stream_are_those_of_the_whole_where_its_rank_is_low() -> None:
    """Mean, variances and subspace of an SVD of all rows at once, to 1e-4."""
    data = rows(400, 60, 10)
    components = streamed(data, 10, 32)
    centred = data - data.mean(0)
    _, singular, v = torch.linalg.svd(centred, full_matrices=False)
    torch.testing.assert_close(components.mean, data.mean(0), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(components.variances, (singular[:10] ** 2) / 400, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close((components.basis @ v[:10].T).abs(), torch.eye(10), atol=1e-3, rtol=0)


def test_components_of_a_stream_explain_nearly_as_much_as_those_of_the_whole() -> None:
    """Of full rank, in batches smaller than the number of components: within 1 % of an SVD."""
    data = torch.randn(1_000, 120, generator=rng()) * torch.linspace(2, 0.2, 120)
    components = streamed(data, 20, 16)
    whole = (torch.linalg.svdvals(data - data.mean(0))[:20] ** 2).sum() / 1_000
    kept = ((data - data.mean(0)) @ components.basis.T).square().sum() / 1_000
    assert float(kept / whole) > 0.99


def test_the_noise_is_the_mean_variance_of_what_is_left_out() -> None:
    data = torch.randn(4_000, 40, generator=rng())
    data[:, :5] *= 10
    assert float(streamed(data, 5, 100).noise()) == pytest.approx(1, rel=0.05)


def test_a_basis_is_orthonormal_where_the_stream_has_fewer_directions() -> None:
    basis = streamed(rows(50, 30, 3), 8, 10).basis
    torch.testing.assert_close(basis @ basis.T, torch.eye(8), atol=1e-4, rtol=0)


def test_what_a_stream_has_learnt_goes_into_a_checkpoint_and_back() -> None:
    first = streamed(rows(100, 30, 5), 4, 20)
    other = Components(4, 30, torch.device("cpu"))
    other.load_state_dict(first.state_dict())
    assert torch.equal(other.basis, first.basis)
    store = Store(4, 2, torch.device("cpu"))
    store.add(torch.ones(3, 2), torch.tensor([1, 2, 3]))
    other_store = Store(4, 2, torch.device("cpu"))
    other_store.load_state_dict(store.state_dict())
    other_store.add(torch.zeros(1, 2), torch.tensor([0]))
    assert other_store.labels.tolist() == [1, 2, 3, 0]


def known_mixture(n: int) -> Codes:
    """A third each of three Gaussians in the plane: round, long and tilted."""
    means = torch.tensor([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
    factors = torch.tensor([[[0.5, 0.0], [0.0, 0.5]], [[1.5, 0.0], [0.0, 0.3]], [[1.0, 0.0], [0.8, 0.5]]])
    index = torch.arange(n) % 3
    return means[index] + torch.einsum("nij,nj->ni", factors[index], torch.randn(n, 2, generator=rng()))


def test_a_known_mixture_is_found_again() -> None:
    """Means, covariances and weights of three Gaussians from 6,000 draws, whatever the order."""
    mixture = Mixture(1, 3, 2)
    mixture.fit(0, known_mixture(6_000), 50, 1.0, 1e-6, rng())
    means = torch.tensor([[-4.0, 0.0], [4.0, 0.0], [0.0, 5.0]])
    order = min(permutations(range(3)), key=lambda p: float((mixture.means[0, list(p)] - means).norm()))
    torch.testing.assert_close(mixture.means[0, list(order)], means, atol=0.1, rtol=0)
    torch.testing.assert_close(mixture.weights[0], torch.full((3,), 1 / 3), atol=0.02, rtol=0)
    tilted = mixture.factors[0, order[2]]
    torch.testing.assert_close(tilted @ tilted.T, torch.tensor([[1.0, 0.8], [0.8, 0.89]]), atol=0.1, rtol=0)


def test_expectation_maximisation_never_lowers_the_likelihood() -> None:
    """With a prior of next to nothing; from the same start, each iteration more."""
    codes, found = known_mixture(600), []
    for iterations in (0, 1, 2, 5, 20):
        mixture = Mixture(1, 5, 2)
        mixture.fit(0, codes, iterations, 1e-3, 1e-6, rng())
        found.append(float(mixture.log_densities(codes).mean()))
    assert all(after >= before - 2e-3 for before, after in pairwise(found)), found
    assert found[-1] > found[0]


def test_the_density_of_one_gaussian_is_that_of_torch() -> None:
    mixture = Mixture(1, 1, 3)
    factor = torch.tensor([[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.7]])
    mixture.factors[0, 0], mixture.means[0, 0] = factor, torch.tensor([1.0, 2.0, 3.0])
    codes = torch.randn(10, 3, generator=rng())
    wanted = torch.distributions.MultivariateNormal(mixture.means[0, 0], scale_tril=factor).log_prob(codes)
    torch.testing.assert_close(mixture.log_densities(codes)[:, 0], wanted, atol=1e-4, rtol=1e-4)


def test_draws_have_the_moments_of_the_mixture() -> None:
    mixture = Mixture(2, 3, 2)
    mixture.fit(1, known_mixture(3_000), 20, 1.0, 1e-6, rng())
    drawn = mixture.draw(torch.ones(20_000, dtype=torch.int64), rng(1))
    torch.testing.assert_close(drawn.mean(0), known_mixture(3_000).mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), known_mixture(3_000).T.cov(), atol=0.5, rtol=0.05)


def test_a_class_of_one_image_and_one_of_equal_images_are_fitted_all_the_same() -> None:
    mixture = Mixture(2, 4, 6)
    mixture.fit(0, torch.ones(1, 6), 5, 20.0, 1e-5, rng())
    mixture.fit(1, torch.ones(7, 6), 5, 20.0, 1e-5, rng())
    assert all(value.isfinite().all() for value in mixture.state_dict().values())


def test_the_density_of_an_image_is_that_of_one_gaussian_over_pixels(
    train: Data, fit: Fit, test_images: Images
) -> None:
    """One class, one Gaussian: N(mean, basis' covariance basis + noise of the rest), computed on all 64 pixels."""
    of_one = replace(train, spec=replace(train.spec, classes=("digit",)), labels=torch.zeros_like(train.labels))
    model = fit(Gmm, GmmConfig(components=16, mixture=1), of_one, 2_000)
    factor = model.mixture.factors[0, 0].double()
    basis = model.basis.double()
    rest = torch.eye(64, dtype=torch.float64) - basis.T @ basis
    covariance = basis.T @ factor @ factor.T @ basis + model.noise.double() * rest
    mean = model.mean.double() + model.mixture.means[0, 0].double() @ basis
    normal = torch.distributions.MultivariateNormal(mean, covariance)
    wanted = normal.log_prob(test_images[:20].double().flatten(1)).float()
    torch.testing.assert_close(model.log_density(test_images[:20]), wanted, atol=0.05, rtol=1e-3)
    assert torch.equal(model.log_weights(test_images[:20], 3, rng()), model.log_density(test_images[:20]).expand(3, -1))


def test_digits_are_told_and_drawn(gmm: Gmm, test: Data, test_images: Images) -> None:
    """Bayes' rule tells 19 of 20 unseen digits; drawn ones are told as what they were drawn for."""
    assert (gmm.logits(test_images).argmax(1) == test.labels).float().mean() > 0.93
    labels = torch.arange(200) % 10
    assert (gmm.logits(gmm.sample_class(labels, rng())).argmax(1) == labels).float().mean() > 0.95


def test_digits_are_more_likely_than_noise_and_than_under_no_classes(gmm: Gmm, test_images: Images) -> None:
    noise = torch.rand(test_images.shape, generator=rng())
    assert gmm.log_density(test_images).mean() > gmm.log_density(noise).mean() + 100
    assert math.isfinite(float(gmm.log_density(noise).mean()))


def test_reconstructions_are_projections(gmm: Gmm, test_images: Images) -> None:
    """The error is what the components leave out; a second projection of an image that was not cut changes nothing."""
    error = (gmm.reconstruct(test_images) - test_images).square().mean()
    assert error < 0.25 * test_images.var(0).mean()
    codes = gmm.encode(test_images)
    again = (codes @ gmm.basis) @ gmm.basis.T
    torch.testing.assert_close(again, codes, atol=1e-4, rtol=1e-4)


def test_a_class_without_images_is_refused(train: Data, fit: Fit) -> None:
    with pytest.raises(BenchError, match="class '3': expected at least one training image, got none"):
        fit(Gmm, GmmConfig(), train[(train.labels != 3).nonzero()[:, 0]], 100)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"components": 0}, "components: expected at least 1"),
        ({"pca_share": 1.0}, "pca_share: expected a value between"),
        ({"prior_images": 0.0}, "prior_images: expected a positive"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GmmConfig(**settings)
