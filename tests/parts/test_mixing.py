"""How latents are drawn and weighted: closed forms on made-up banks, whatever the latents are."""

from dataclasses import replace

import pytest
import torch

from bench.parts.mixing import Bank, MixingConfig, draw_weights

CONFIG = MixingConfig(neighbours=None)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def bank() -> Bank:
    """Two classes of 1,000 Gaussian latents in 8 dimensions, of which only even positions may be mixed."""
    bank = Bank(2, 2_000, 8)
    bank.latents.copy_(torch.randn(2, 2_000, 8, generator=rng()))
    bank.pool[:, ::2] = True
    return bank


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 5.0])
@pytest.mark.parametrize("n", [2, 10])
def test_weights_have_the_moments_of_a_dirichlet(n: int, alpha: float) -> None:
    """Mean 1 / n, E[sum a_i^2] = (alpha + 1) / (n alpha + 1), all within four standard errors."""
    weights = draw_weights(20_000, replace(CONFIG, n=n, alpha=alpha), rng())
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(20_000))
    assert abs(weights[:, 0].mean() - 1 / n) < 4 * weights[:, 0].std() / 20_000**0.5
    squares = weights.square().sum(1)
    assert abs(squares.mean() - (alpha + 1) / (n * alpha + 1)) < 4 * squares.std() / 20_000**0.5


def test_weights_of_a_tiny_alpha_are_those_of_one_source() -> None:
    weights = draw_weights(1_000, replace(CONFIG, n=5, alpha=1e-4), rng())
    assert weights.isfinite().all()
    assert (weights.amax(1) > 0.99).float().mean() > 0.98


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_the_covariance_of_mixes_shrinks_as_dirichlet_weights_tell(bank: Bank, n: int, alpha: float) -> None:
    """Trace cov(z*) / trace cov(z | c) = (alpha + 1) / (n alpha + 1) within 5 %, for a large pool."""
    ratio = _covariance_ratio(bank, 0, replace(CONFIG, n=n, alpha=alpha))
    assert ratio == pytest.approx((alpha + 1) / (n * alpha + 1), rel=0.05)


def _covariance_ratio(bank: Bank, label: int, config: MixingConfig) -> float:
    mixed = bank.draw(torch.full((10_000,), label), config, rng())
    return float(mixed.var(0).sum() / bank.latents[label, bank.pool[label]].var(0).sum())


def test_sources_are_distinct_members_of_the_pool_of_their_class(bank: Bank) -> None:
    labels = torch.arange(500) % 2
    index = bank.draw_sources(labels, replace(CONFIG, n=20), rng())
    assert (index % 2 == 0).all()
    assert all(len(set(row)) == 20 for row in index.tolist())


def test_every_member_of_the_pool_is_drawn_equally_often(bank: Bank) -> None:
    index = bank.draw_sources(torch.zeros(20_000, dtype=torch.int64), replace(CONFIG, n=5), rng())
    counts = torch.bincount(index.flatten(), minlength=2_000)[::2].double()
    chi_square = float(((counts - 100) ** 2 / 100).sum())
    assert chi_square < 999 + 4 * (2 * 999) ** 0.5  # four standard deviations


def test_neighbours_are_the_nearest_of_the_pool(bank: Bank) -> None:
    index = bank.draw_sources(torch.zeros(200, dtype=torch.int64), replace(CONFIG, n=4, neighbours=5), rng())
    pool = bank.latents[0, ::2]
    nearest = torch.cdist(pool[index[:, 0] // 2], pool).argsort(1)[:, 1:6] * 2
    assert all(len(set(row)) == 4 for row in index.tolist())
    assert (index[:, 1:].unsqueeze(2) == nearest.unsqueeze(1)).any(2).all()


def test_more_neighbours_than_the_pool_holds_are_all_of_it(bank: Bank) -> None:
    bank.pool[0] = False
    bank.pool[0, :3] = True
    index = bank.draw_sources(torch.zeros(50, dtype=torch.int64), replace(CONFIG, n=3, neighbours=1_000), rng())
    assert all(sorted(row) == [0, 1, 2] for row in index.tolist())


def test_neighbours_keep_mixes_nearer_to_their_anchor(bank: Bank) -> None:
    labels = torch.zeros(500, dtype=torch.int64)
    spread = {}
    for neighbours in (None, 10):
        config = replace(CONFIG, n=5, neighbours=neighbours)
        anchors = bank.latents[0, bank.draw_sources(labels, config, rng())[:, 0]]
        spread[neighbours] = (bank.draw(labels, config, rng()) - anchors).norm(dim=1).mean()
    assert spread[10] < 0.8 * spread[None]


def test_the_anchor_has_at_least_the_weight_asked_for() -> None:
    weights = draw_weights(5_000, replace(CONFIG, n=5, include_anchor_weight=0.6), rng())
    assert weights[:, 0].min() >= 0.6
    torch.testing.assert_close(weights.sum(1), torch.ones(5_000))


def test_a_random_number_of_sources_is_uniform_between_its_bounds() -> None:
    weights = draw_weights(8_000, replace(CONFIG, n=2, n_max=5), rng())
    counts = torch.bincount((weights > 0).sum(1), minlength=6)[2:]
    assert len(counts) == 4
    assert (counts - 2_000).abs().max() < 4 * (8_000 * 0.25 * 0.75) ** 0.5
    torch.testing.assert_close(weights.sum(1), torch.ones(8_000))


def test_the_same_seed_draws_the_same_latents_and_another_does_not(bank: Bank) -> None:
    labels = torch.arange(20) % 2
    first, again = (bank.draw(labels, CONFIG, rng()) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, bank.draw(labels, CONFIG, torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": 0.0}, "alpha: expected a positive value, got 0"),
        ({"n": 0}, "^n: expected at least 1, got 0"),
        ({"n": 5, "n_max": 3}, "n_max: expected at least n = 5, got 3"),
        ({"n": 5, "neighbours": 3}, "neighbours: expected at least 4 to mix 5 latents, got 3"),
        ({"include_anchor_weight": 1.5}, r"include_anchor_weight: expected a value in \[0, 1\], got 1.5"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MixingConfig(**settings)


def test_latents_without_a_head_may_all_be_mixed() -> None:
    bank = Bank(2, 5, 3)
    bank.fill(1, torch.ones(4, 3))
    assert bank.pool.tolist() == [[False] * 5, [True] * 4 + [False]]
    assert bank.predictions[1].tolist() == [1, 1, 1, 1, -1]


def test_misclassified_latents_are_excluded_unless_too_few_are_correct() -> None:
    """The nearest to the class, by margin, then join."""
    bank, latents = Bank(2, 5, 3), torch.ones(3, 3)
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    assert bank.fill_classified(0, latents, logits, least=1) == 1
    assert bank.pool[0].tolist() == [True, False, False, False, False]
    assert bank.fill_classified(0, latents, logits, least=2) == 1
    assert bank.pool[0].tolist() == [True, True, False, False, False]
