"""What is measured of a model, for the tests and for measure.py."""

import torch
from dr_vae_toys import ConvGuide
from torch import Tensor

from bench import Classifier, Data, Images, Run, to_float
from bench.parts.features import FrozenFeatures
from bench.parts.gaussian import gaussian_nll
from bench.testing.fixtures import Judge
from bench_dr_vae import DrVae
from bench_dr_vae.term import Term


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def relative_errors(model: DrVae, guide: ConvGuide, images: Images) -> list[float]:
    """Squared error of each map of reconstructions drawn from q, over the variance of the map."""
    features = FrozenFeatures(guide, ["maps"], before_activation=True)
    real, drawn = features.target(images), features.target(model.redraw(images, rng()))
    return [float((drawn[name] - it).square().mean() / it.var(0, correction=0).mean()) for name, it in real.items()]


def agreement(model: DrVae, teller: Classifier | Judge, images: Images) -> float:
    """Share of images that are told as the reconstruction drawn from q is."""
    with torch.no_grad():
        same = teller.logits(images).argmax(1) == teller.logits(model.redraw(images, rng())).argmax(1)
    return float(same.float().mean())


def nll(model: DrVae, images: Images, draws: int = 100) -> float:
    """-log p(x) of the pixels, nats, mean."""
    return -float(model.log_likelihood(images, rng(), draws).mean())


@torch.no_grad()
def kl(model: DrVae, images: Images) -> float:
    """KL of q to the prior, nats, mean."""
    return float(model.vae(images, rng()).kl.mean())


def settle(model: DrVae, term: Term, data: Data, steps: int = 250) -> None:
    """Train all sigmas on by the same loss, at a rate that falls to 0, while the network stays: they lag behind it."""
    run = Run(model, images=steps * 128, seed=1)
    sigmas = [model.vae.log_sigma, *term.log_sigmas]
    optimizer = torch.optim.Adam([it.value for it in sigmas], 0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    model.vae.log_sigma.train()
    term.train()
    for images, _ in run.batches(data, 128, run.images):
        with torch.no_grad():
            mean = model.redraw(images, run.rng)
            target, drawn = term.features.target(images), term.features.target(mean)
        of_pixels = gaussian_nll(images, mean, model.vae.log_sigma()).mean()
        optimizer.zero_grad()
        term.add(of_pixels, term.of_layers(target, drawn)).backward()
        optimizer.step()
        schedule.step()
    model.eval()
    term.eval()


@torch.no_grad()
def variance_ratios(model: DrVae, term: Term, data: Data, draws: int = 10) -> list[Tensor]:
    """sigma^2 over the mean squared residual of each element above the floor: of pixels, then of each layer."""
    images = to_float(data.images)
    target = term.features.target(images)
    sums = [torch.zeros(images.shape[1:]), *(torch.zeros(it.shape[1:]) for it in target.values())]
    generator = rng()
    for _ in range(draws):
        mean = model.redraw(images, generator)
        pairs = [(images, mean), *zip(target.values(), term.features.target(mean).values(), strict=True)]
        for total, (a, b) in zip(sums, pairs, strict=True):
            total += (a - b).square().mean(0) / draws
    sigmas = [model.vae.log_sigma(), *(it() for it in term.log_sigmas)]
    return [
        ((2 * it).exp() / total)[it > model.config.sigma_floor + 0.01] for it, total in zip(sigmas, sums, strict=True)
    ]


def frechet(first: Tensor, second: Tensor) -> float:
    """Between Gaussians with the moments of two sets of features (n, d)."""
    moments = [(it.double().mean(0), it.double().T.cov()) for it in (first, second)]
    (m, a), (n, b) = moments
    values, vectors = torch.linalg.eigh(a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ b @ root).clamp(min=0).sqrt().sum()
    return float((m - n).square().sum() + a.trace() + b.trace() - 2 * cross)
