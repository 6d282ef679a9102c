"""Items 1 and 2: the loss is the sum of the closed forms; the classifier is frozen and passes gradient on."""

import math
from dataclasses import replace

import pytest
import torch
from dr_vae_figures import rng
from dr_vae_toys import TOY, TOY_PLAIN, ConvGuide, a_term
from torch import Tensor

from bench import BenchError, Data, Run, to_float
from bench_dr_vae import DrVae, DrVaeLogits, DrVaeLogitsConfig


def state(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def a_run(model: DrVae, guide: ConvGuide, images: int = 640) -> Run:
    return Run(model, images=images, guide=guide)


def gaussian(a: Tensor, b: Tensor, sigma: float) -> Tensor:
    """The closed form, by hand, with one sigma."""
    return 0.5 * (math.log(2 * math.pi) + 2 * math.log(sigma) + (a - b) ** 2 / sigma**2).flatten(1).sum(1)


def test_the_loss_is_the_sum_of_the_closed_forms(train: Data, guide: ConvGuide) -> None:
    config = replace(TOY, sigma_start=-0.5, gamma=0.7)
    model, term = DrVae(config, train.spec), a_term(guide, config)
    x, sigma = to_float(train.images[:8]), math.exp(-0.5)
    loss, _ = model.loss(x, a_run(model, guide), term)
    mu, log_s = model.vae.encode(x)
    mean = model.vae.decode(mu + log_s.exp() * torch.randn(mu.shape, generator=a_run(model, guide).rng))
    kl = 0.5 * ((2 * log_s).exp() + mu**2 - 2 * log_s - 1).sum(1)
    terms = kl + gaussian(x, mean, sigma)
    real, drawn = term.features.target(x), term.features.target(mean)
    for name in real:
        terms = terms + 0.7 * gaussian(real[name], drawn[name], sigma)
    torch.testing.assert_close(loss, terms.mean(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("without", [{"layers": ()}, {"gamma": 0.0}])
def test_without_a_term_it_is_the_plain_vae_to_the_bit_and_takes_no_guide(
    train: Data, guide: ConvGuide, without: dict[str, object]
) -> None:
    config = replace(TOY, **without)  # type: ignore[arg-type]
    models = []
    for layers in (config, TOY_PLAIN):
        torch.manual_seed(0)
        model = DrVae(layers, train.spec)
        model.fit(train, Run(model, images=640))  # lends no guide
        models.append(model)
    assert all(torch.equal(a, b) for a, b in zip(*(it.state_dict().values() for it in models), strict=True))
    run = a_run(models[0], guide)
    loss, _ = models[0].loss(to_float(train.images[:8]), run, None)
    again = models[0].vae(to_float(train.images[:8]), a_run(models[0], guide).rng)
    assert torch.equal(loss, (again.pixels + again.kl).mean())


def test_an_empty_list_of_layers_adds_nothing_to_the_bit(train: Data, guide: ConvGuide) -> None:
    model = DrVae(TOY, train.spec)
    terms, term = model.vae(to_float(train.images[:8]), rng()), a_term(guide, replace(TOY, layers=()))
    of_layers = term(term.features.target(to_float(train.images[:8])), terms.mean)
    assert of_layers == {}
    assert torch.equal(term.add(terms.loss, of_layers), terms.loss)


def test_the_classifier_is_the_same_to_the_bit_after_training(train: Data, guide: ConvGuide, fit) -> None:
    before = state(guide)
    fit(replace(TOY, adjust_share=0.2), train, guide, 1_280)
    assert any("running_mean" in name for name in before)
    assert all(torch.equal(value, before[name]) for name, value in guide.state_dict().items())
    assert all(it.grad is None for it in guide.parameters())


def test_gradient_reaches_the_decoder_through_the_classifier_and_none_reaches_the_target(
    train: Data, guide: ConvGuide
) -> None:
    model, term = DrVae(TOY, train.spec), a_term(guide, TOY)
    x = to_float(train.images[:8]).requires_grad_()
    target = term.features.target(x)
    assert not any(it.requires_grad for it in target.values())
    mean = model.vae.decode(torch.randn(8, 16, generator=rng()))
    sum(it.sum() for it in term(target, mean).values()).backward()  # type: ignore[union-attr]
    assert all(it.grad is not None and it.grad.abs().sum() > 0 for it in model.vae.decoder.parameters())
    assert all(it.grad is not None for it in term.parameters())  # the sigmas
    assert x.grad is None


def test_the_correction_divides_by_elements_over_pixels(guide: ConvGuide) -> None:
    assert a_term(guide, replace(TOY, gamma=0.5)).weight == 0.5
    corrected = a_term(guide, replace(TOY, gamma=0.5, per_pixel=True))
    assert corrected.elements == 2048 + 1024 + 256
    assert corrected.weight == pytest.approx(0.5 * 64 / 3328)


@pytest.mark.parametrize(("sharing", "sigmas"), [("element", 3328), ("layer", 3), ("fixed", 0)])
def test_sigmas_are_shared_as_set(guide: ConvGuide, sharing: str, sigmas: int) -> None:
    term = a_term(guide, replace(TOY, feature_sigma=sharing))  # type: ignore[arg-type]
    assert sum(it.numel() for it in term.parameters()) == sigmas


def test_features_are_those_of_the_guide_before_their_activation_or_of_an_untrained_one(
    train: Data, guide: ConvGuide
) -> None:
    x = to_float(train.images[:8])
    kinds = ({}, {"before_activation": False}, {"features": "random"})
    first, after, random = (
        a_term(guide, replace(TOY, layers=("map2",), **it)).features.target(x)["map2"] for it in kinds
    )
    assert torch.equal(guide.convs[:2][1][:2](guide.convs[0](x)), first)
    assert torch.equal(first.relu(), after)
    assert not torch.equal(first, random)
    again = a_term(guide, replace(TOY, layers=("map2",), features="random")).features.target(x)["map2"]
    assert torch.equal(random, again)


def test_the_logits_variant_is_half_the_squared_difference_of_logits(train: Data, guide: ConvGuide) -> None:
    config = DrVaeLogitsConfig(width=4, latent_dim=4)
    model, term = DrVaeLogits(config, train.spec), a_term(guide, config)
    x, drawn = to_float(train.images[:8]), to_float(train.images[8:16])
    found = term(term.features.target(x), drawn)["logits"]
    wanted = 0.5 * (guide.logits(x) - guide.logits(drawn)).square().sum(1) + 5 * math.log(2 * math.pi)
    torch.testing.assert_close(found, wanted)
    assert list(term.parameters()) == []
    model.fit(train, a_run(model, guide))


def test_a_layer_that_the_guide_has_not_ends_the_training_before_it_starts(train: Data, guide: ConvGuide) -> None:
    model = DrVae(replace(TOY, layers=("map7",)), train.spec)
    with pytest.raises(BenchError, match="this guide has no layer 'map7': it has map1, map2, map3"):
        model.fit(train, a_run(model, guide))
