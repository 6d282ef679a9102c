"""The class guarantee and its conditions: README section 5, T1 to T4, on latents of real digits."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from bench import Codes, Data, Labels
from bench.parts.mixing import Bank, draw_weights
from bench_regene import ReGene, ReGeneConfig

Draw = Callable[..., tuple[Codes, Labels]]


def margins(logits: Tensor, labels: Labels) -> Tensor:
    """m_c(z) = min over j != c of (l_c - l_j)(z)."""
    others = logits.scatter(-1, labels.unsqueeze(-1), -torch.inf).amax(-1)
    return logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1) - others


@pytest.fixture
def sources(model: ReGene) -> tuple[Tensor, Tensor, Labels]:
    return take_apart(model)


def take_apart(model: ReGene) -> tuple[Tensor, Tensor, Labels]:
    """5,000 draws of two sources: (m, n, d) source latents, (m, n) weights, labels."""
    labels, rng = torch.arange(5_000) % 10, torch.Generator().manual_seed(3)
    index = model.bank.draw_sources(labels, model.config, rng)
    return model.bank.latents[labels.unsqueeze(1), index], draw_weights(5_000, model.config, rng), labels


@torch.no_grad()
def probability_violations(model: ReGene) -> int:
    """On how many of 5,000 draws p_c(z*) is below the geometric mean, or that below the least p_c, by over 1e-4."""
    latents, weights, labels = take_apart(model)
    mixed = model.head(torch.einsum("msd,ms->md", latents, weights)).softmax(1)[torch.arange(5_000), labels]
    each = model.head(latents).log_softmax(2).gather(2, labels.view(-1, 1, 1).expand(-1, 2, 1)).squeeze(2)
    geometric, least = (weights * each).sum(1).exp(), each.amin(1).exp()
    return int(((mixed < geometric - 1e-4) | (geometric < least - 1e-4)).sum())


def test_every_mix_of_maps_as_they_are_kept_keeps_its_class(fit: Callable[..., ReGene], train: Data) -> None:
    """At the defaults, with latents in half precision: 10,000 of 10,000 mixes of two and of ten."""
    model = fit(ReGeneConfig(width=16, bank_size=1_000), train, 6_400)
    assert model.bank.latents.dtype == torch.float16
    labels = torch.arange(10_000) % 10
    for n in (2, 10):
        mixed = model.bank.draw(labels, replace(model.config, n=n, neighbours=None), torch.Generator().manual_seed(n))
        assert mixed.dtype == torch.float32
        assert torch.equal(model.head(mixed).argmax(1), labels)


@torch.no_grad()
def tight_round_trips(model: ReGene, latents: Codes, labels: Labels) -> tuple[Tensor, Tensor]:
    """For each z*: whether |E(D(z*)) - z*| < min_j (l_c - l_j)(z*) / |w_c - w_j|, and whether E, H tell D(z*) as c."""
    images, logits, w = model.decoder(latents), model.head(latents), model.head.weight
    gaps = (logits.gather(1, labels.unsqueeze(1)) - logits) / (w[labels].unsqueeze(1) - w).norm(dim=2)
    radius = gaps.nan_to_num(torch.inf).amin(1)  # 0 / 0 where j = c
    tight = (model.encode(images) - latents).norm(dim=1) < radius
    return tight, model.logits(images).argmax(1) == labels


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
def test_every_mix_of_rightly_told_sources_keeps_their_class(model: ReGene, draw: Draw, n: int) -> None:
    """T1, exactly: 10,000 of 10,000."""
    latents, labels = draw(10_000, n=n)
    assert int((model.head(latents).argmax(1) == labels).sum()) == 10_000


def test_the_margin_of_a_mix_is_at_least_the_mean_of_its_sources(
    model: ReGene, sources: tuple[Tensor, Tensor, Labels]
) -> None:
    """T2: m_c(z*) >= sum a_i m_c(z_i) >= min m_c(z_i)."""
    latents, weights, labels = sources
    mixed = margins(model.head(torch.einsum("msd,ms->md", latents, weights)), labels)
    each = margins(model.head(latents), labels.unsqueeze(1).expand(-1, 2))
    assert (mixed >= (weights * each).sum(1) - 1e-4).all()
    assert (mixed >= each.amin(1) - 1e-4).all()


def test_the_probability_of_a_mix_is_at_least_the_geometric_mean_of_its_sources(model: ReGene) -> None:
    """T3: p_c(z*) >= prod p_c(z_i)^a_i >= min p_c(z_i)."""
    assert probability_violations(model) == 0


def test_a_tight_round_trip_keeps_the_class_of_the_image(model: ReGene, draw: Draw) -> None:
    """T4, where the round trip is tight for some at least."""
    tight, kept = tight_round_trips(model, *draw(2_000, n=3))
    assert tight.float().mean() > 0.1
    assert kept[tight].all()


# The controls: what the theorem does not promise does not hold.


def test_half_of_one_class_and_half_of_another_does_not_keep_the_class(model: ReGene) -> None:
    assert 0.2 < two_class_retention(model) < 0.8


def test_an_affine_head_keeps_classes_of_an_exclusive_or_and_a_perceptron_does_not(model: ReGene) -> None:
    """Two classes that are not convex, every source classified correctly: only an affine head keeps all their mixes."""
    affine, perceptron = exclusive_or_retention(model)
    assert affine == 1
    assert perceptron < 1


def two_class_retention(model: ReGene) -> float:
    """How many of 10,000 even mixes of a latent of class c and one of class c + 1 are told as c."""
    rng, labels = torch.Generator().manual_seed(0), torch.arange(10_000) % 10
    ours = model.bank.draw(labels, model.config, rng)
    others = model.bank.draw((labels + 1) % 10, model.config, rng)
    return float((model.head(0.5 * ours + 0.5 * others).argmax(1) == labels).float().mean())


@torch.no_grad()
def exclusive_or_retention(model: ReGene) -> tuple[float, float]:
    """Retention of an affine head and of a perceptron that is always right, on latents labelled by whether the signs
    of their first two principal components differ. Neither head is trained.
    """
    latents = model.bank.latents[model.bank.pool]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, _, directions = torch.pca_lowrank(latents, 2)
    components = linear(directions.T, -latents.mean(0) @ directions)
    labels = (components(latents) > 0).sum(1) % 2
    by_the_first = linear(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    signs = linear(torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]))
    difference = linear(torch.tensor([[1.0, 1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 0.0]]))  # |a + b| - |a - b|, and 0
    affine, perceptron = (
        nn.Sequential(components, by_the_first),
        nn.Sequential(components, signs, nn.ReLU(), difference),
    )
    return _retention(affine, latents, labels), _retention(perceptron, latents, labels)


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """The layer with this weight and bias."""
    layer = nn.Linear(weight.shape[1], len(weight))
    layer.weight.copy_(weight)
    layer.bias.copy_(torch.zeros(len(weight)) if bias is None else bias)
    return layer


def _retention(head: nn.Module, latents: Codes, labels: Labels) -> float:
    """The share of even mixes of two latents of a class, both of which the head classifies correctly, that it keeps."""
    kept = []
    for label in (0, 1):
        pool = latents[(labels == label) & (head(latents).argmax(1) == label)]
        pairs = pool[torch.randint(len(pool), (10_000, 2), generator=torch.Generator().manual_seed(0))]
        kept.append((head(pairs.mean(1)).argmax(1) == label).float().mean())
    return float(torch.stack(kept).mean())


def test_only_rightly_told_members_are_mixed(model: ReGene) -> None:
    """P_c = {i : y_i = c and p_i = c}; taken by label alone, a wrongly told source breaks the guarantee."""
    bank = Bank(10, 4, 32)
    ones = model.bank.latents[1, model.bank.pool[1]][:4]
    zeros = model.bank.latents[0, model.bank.pool[0]][:2]
    members = torch.cat([zeros, ones[:2]])  # two 1s that someone labelled 0
    assert bank.fill_classified(0, members, model.head(members), least=2) == 2
    assert bank.pool[0].tolist() == [True, True, False, False]
    labels = torch.zeros(500, dtype=torch.int64)
    kept = model.head(bank.draw(labels, model.config, torch.Generator().manual_seed(0))).argmax(1) == 0
    assert kept.all()
    bank.pool[0] = True  # by label alone
    kept = model.head(bank.draw(labels, model.config, torch.Generator().manual_seed(0))).argmax(1) == 0
    assert not kept.all()


def test_a_batch_does_not_change_an_image_of_it(model: ReGene, draw: Draw) -> None:
    """Batch norm in train mode between z and the image would, by far more than rounding."""
    latents, _ = draw(50)
    with torch.no_grad():
        torch.testing.assert_close(model.decoder(latents)[:1], model.decoder(latents[:1]), atol=1e-5, rtol=0)
    assert not any(part.training for part in model.modules())
