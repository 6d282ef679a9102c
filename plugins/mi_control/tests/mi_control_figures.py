"""What is measured of a model, for the tests and for measure.py: items M3 to M8 of the README, section 6."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from bench import Codes, Images
from bench.api import Pixels, quantize
from bench.metrics.control.evaluation import VARIES, least_variance, variance
from bench.metrics.control.indices import Effects, effects, scores
from bench.metrics.control.morphology import Morphology
from bench.metrics.control.sweeps import Sweeper, Sweeps
from bench.metrics.disentanglement.total_correlation import gaussian_total_correlation
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.scale import Scale
from bench.metrics.spaces import load_space
from bench.parts.adversarial import signed
from bench.parts.scale_codes import ScaleCode
from bench.parts.style_discriminator import StyleDiscriminator
from bench.parts.style_model import StyleModel
from bench_mi_control import MiControlConfig
from bench_mi_control.information import bound, errors_of
from bench_mi_control.posterior import Posterior

SCALE = Scale(n=1_000, reference=1_000)
CPU = torch.device("cpu")
LOW = 8  # pixels of an image that is averaged


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Figures:
    """Of one model."""

    bounds: dict[str, float]  # of its average generator, nats
    effects: Effects
    locality: float
    total_correlation: float
    distance: float  # fd-lite0 of 2,000 images to as many real ones

    def __str__(self) -> str:
        table, found = self.effects, scores(self.effects)
        best = table.first.argmax(0)
        controlled = ", ".join(
            f"{name} {table.first[code, j]:.2f} ({table.codes[code]})"
            for j, (name, code) in enumerate(zip(table.attributes, best, strict=True))
        )
        nats = " ".join(f"{name} {nats:.2f}" for name, nats in self.bounds.items())
        return (
            f"bounds {nats} nats; control {found.control:.2f}, acs {found.acs:.2f}, selectivity "
            f"{_number(found.selectivity)}, monotonicity {_number(found.monotonicity)}, live {found.live:.2f}; S1 of the "
            f"best code: {controlled}; scale locality {self.locality:.2f}, total correlation "
            f"{self.total_correlation:.3f} nats, fd-lite0 {self.distance:.0f}"
        )


def figures(model: StyleModel, posterior: "Reader", real: Pixels) -> Figures:
    """Of a trained model, whose codes `posterior` reads off its images; `real` are held-out images."""
    swept = sweeps(model)
    codes = model.draw_codes(2_000, rng(1))
    images = torch.cat([model.decode(part, rng(index)) for index, part in enumerate(codes.split(100))])
    read = posterior(images)
    return Figures(
        bounds=bounds_of(model.codes, codes, read),
        effects=effects_of(swept, real),
        locality=locality(model.codes, swept),
        total_correlation=gaussian_total_correlation(read.double().numpy()),
        distance=distance(quantize(images), real[:2_000]),
    )


class Reader:
    """The means or logits of a posterior for images."""

    def __init__(self, discriminator: StyleDiscriminator, posterior: Posterior) -> None:
        self.discriminator, self.posterior = discriminator, posterior

    @torch.no_grad()
    def __call__(self, images: Images) -> Codes:
        return torch.cat([self.posterior(self.discriminator.features(signed(it)))[0] for it in images.split(250)])


def fitted_reader(model: StyleModel, images: int, batch: int = 64) -> Reader:
    """A posterior with a trunk of its own, fitted to images that the finished model draws."""
    torch.manual_seed(0)
    trunk = StyleDiscriminator(model.spec.shape, model.config.width, batch)
    posterior = Posterior(model.codes, MiControlConfig(), trunk.dim)
    adam = torch.optim.Adam([*trunk.parameters(), *posterior.parameters()], 1e-3, betas=(0.0, 0.99))
    for step in range(images // batch):
        codes = model.draw_codes(batch, rng(step))
        features = trunk.features(signed(model.decode(codes, rng(step + 1))))
        log_q = posterior.log_density(codes, *posterior(features))
        adam.zero_grad()
        (-torch.stack(list(log_q.values())).sum(0).mean()).backward()
        adam.step()
    return Reader(trunk, posterior)


def bounds_of(layout: Sequence[ScaleCode], codes: Codes, read: Codes) -> dict[str, float]:
    errors = errors_of(layout, codes, read).tolist()
    return {code.name: bound(code, error) for code, error in zip(layout, errors, strict=True)}


def sweeps(model: StyleModel) -> Sweeps:
    sweeper, oracle = Sweeper(model, model.spec.shape, CPU, 0), Morphology(model.spec.channels)
    return sweeper.sweeps(sweeper.draws(2_000, oracle), oracle, SCALE)


def effects_of(swept: Sweeps, real: Pixels) -> Effects:
    """On the attributes that vary, over real images and over those of the codes."""
    oracle = Morphology(real.shape[1])
    truth = oracle.read(real[:2_000])
    varying = [it for it in oracle.attributes if variance(truth, it) >= least_variance(it)]
    kept = [it for it in varying if variance(swept.spread, it) >= VARIES * variance(truth, it)]
    return effects(swept.sweeps, kept, np.array([variance(swept.spread, it) for it in kept]))


def locality(layout: Sequence[ScaleCode], swept: Sweeps) -> float:
    """The share of its change that a code makes in averaged pixels: of the finest scale's codes over the coarsest's."""
    shares = {grid.code.name: _low_share(images) for grid, images in zip(swept.grids, swept.images, strict=True)}
    scales = sorted({code.scale for code in layout})
    finest, coarsest = (
        np.mean([shares[code.name] for code in layout if code.scale == scale]) for scale in (scales[-1], scales[0])
    )
    return float(finest / coarsest)


def distance(pixels: Pixels, real: Pixels) -> float:
    space = load_space("lite0")
    return frechet_from_features(space(pixels), space(real))


def _low_share(images: Pixels) -> float:
    """Of images (contexts, m, c, h, w): the variance along a sweep of averaged images over that of the images."""
    flat = images.flatten(0, 1).float()
    low = F.avg_pool2d(flat, flat.shape[-1] // LOW)
    change = [it.unflatten(0, images.shape[:2]).var(1).mean() for it in (low, flat)]
    return float(change[0] / change[1].clamp_min(1e-12))


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"
