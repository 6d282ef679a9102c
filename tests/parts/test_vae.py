"""The VAE: its terms are the closed forms, labels are for those that have them, one image is as in a batch."""

import pytest
import torch

from bench.parts.gaussian import gaussian_nll, kl_to_standard
from bench.parts.vae import Vae, conv_vae

SHAPE = (1, 8, 8)


def vae(classes: int = 0) -> Vae:
    torch.manual_seed(0)
    return conv_vae(SHAPE, width=4, latent_dim=3, classes=classes, sigma_start=-1.0).eval()


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_terms_are_the_closed_forms_of_what_the_networks_say() -> None:
    net, images = vae(), torch.rand(4, *SHAPE)
    terms = net(images, rng())
    mu, log_s = net.encode(images)
    noise = torch.randn(mu.shape, generator=rng())
    assert torch.equal(terms.codes, mu + log_s.exp() * noise)
    assert torch.equal(terms.mean, net.decode(terms.codes))
    assert torch.equal(terms.kl, kl_to_standard(mu, log_s))
    assert torch.equal(terms.pixels, gaussian_nll(images, terms.mean, torch.full(SHAPE, -1.0)))
    assert torch.equal(terms.loss, (terms.pixels + terms.kl).mean())


def test_gradients_reach_every_weight_and_sigma() -> None:
    net = vae().train()
    net(torch.rand(4, *SHAPE), rng()).loss.backward()
    assert all(it.grad is not None and it.grad.abs().sum() > 0 for it in net.parameters())


def test_labels_condition_both_sides_and_only_a_conditional_one() -> None:
    net, images, labels = vae(classes=3), torch.rand(2, *SHAPE), torch.tensor([0, 1])
    other = torch.tensor([2, 1])
    mu, again = net.encode(images, labels)[0], net.encode(images, other)[0]
    assert not torch.equal(mu[0], again[0])
    torch.testing.assert_close(mu[1], again[1])
    assert not torch.equal(net.decode(mu, labels)[0], net.decode(mu, other)[0])
    with pytest.raises(ValueError, match="3 classes: expected labels, got none"):
        net(images, rng())
    with pytest.raises(ValueError, match="0 classes: expected no labels, got labels"):
        vae()(images, rng(), labels)


def test_more_draws_make_a_tighter_likelihood_than_the_bound() -> None:
    net, images = vae(), torch.rand(8, *SHAPE)
    bound = -torch.stack([net(images, torch.Generator().manual_seed(s)).loss for s in range(50)]).mean()
    assert net.log_likelihood(images, rng(), draws=50).mean() > bound
    one = net.log_likelihood(images, rng(), draws=1)
    terms = net(images, rng())
    mu, log_s = net.encode(images)
    away = (terms.codes - mu) / log_s.exp()
    kl = 0.5 * (terms.codes.square() - away.square() - 2 * log_s).sum(1)  # log q - log p of this draw
    torch.testing.assert_close(one, -terms.pixels - kl)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)])
def test_images_of_the_suite_come_back_in_their_shape(shape: tuple[int, int, int]) -> None:
    net = conv_vae(shape, width=4, latent_dim=5).eval()
    assert net(torch.rand(2, *shape), rng()).mean.shape == (2, *shape)
