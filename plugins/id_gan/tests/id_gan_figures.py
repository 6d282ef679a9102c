"""What is measured of a model, for the tests and for measure.py: items 2 to 6 of the README, section 7."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench import Images, to_float
from bench.api import Codes, Pixels, quantize
from bench.parts.disentangling import ACTIVE, kl_of_codes
from bench_id_gan import IdGan
from bench_id_gan.distillation import ceiling, distillation

STEPS = torch.linspace(-2, 2, 7)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Figures:
    """Of one model, over its active codes."""

    active: int  # codes
    obeyed: Tensor  # (active,), correlation of c_j with its reading
    leak: float  # variance of readings over s at fixed c, over that over c
    excess: float  # L_ID - L_real, nats per active code
    readings: Tensor  # (active,), correlation of the values of a traversal with their readings
    share: Tensor  # (active,), of the variance of all readings that the moved code's own has
    pixel_variance: float  # over s at fixed c

    def __str__(self) -> str:
        lists = {"obeyed": self.obeyed, "traversal": self.readings, "share": self.share}
        numbers = ", ".join(f"{name} {' '.join(f'{it:.2f}' for it in values)}" for name, values in lists.items())
        return (
            f"{self.active} active codes, {numbers}, leak {self.leak:.3f}, L_ID - L_real {self.excess:.2f} nats per "
            f"active code, pixel variance over s {self.pixel_variance:.4f}"
        )


def figures(model: IdGan, pixels: Pixels, n: int = 1_000) -> Figures:
    """Of the generator of a trained model; `pixels` are held-out images, of which the code is taken."""
    images = to_float(pixels[:n])
    active = kl_of_codes(model.vae, images) > ACTIVE
    codes = model.draw_codes(n, rng(1))
    drawn = model.decode(codes, rng(2))
    read = readings(model, drawn)
    values, share = traversals(model, codes[:100], active)
    return Figures(
        active=int(active.sum()),
        obeyed=correlation(codes, read)[active],
        leak=leak(model, codes[:100], active),
        excess=excess(model, codes, drawn, images) / max(int(active.sum()), 1),
        readings=values,
        share=share,
        pixel_variance=pixel_variance(model, codes[:50]),
    )


def readings(model: IdGan, images: Images) -> Codes:
    """mu of q(c|x) of images."""
    return torch.cat([model.encode(part) for part in images.split(500)])


def correlation(first: Codes, second: Codes) -> Tensor:
    """Pearson, of each column (d,)."""
    a, b = (it - it.mean(0) for it in (first, second))
    return (a * b).sum(0) / (a.square().sum(0) * b.square().sum(0)).sqrt().clamp_min(1e-12)


def leak(model: IdGan, codes: Codes, active: Tensor, draws: int = 16) -> float:
    """The variance of readings over s at fixed c, over that of their means over c (item 3)."""
    read = torch.stack([readings(model, model.decode(codes, rng(it))) for it in range(draws)])[:, :, active]
    return float(read.var(0).mean() / read.mean(0).var(0).mean().clamp_min(1e-12))


@torch.no_grad()
def excess(model: IdGan, codes: Codes, drawn: Images, real: Images) -> float:
    """L_ID - L_real in nats (item 4)."""
    mu, log_s = model.vae.encode(drawn)
    return float(distillation(codes, mu, log_s) - ceiling(model.vae.encode(real)[1]))


def traversals(model: IdGan, codes: Codes, active: Tensor) -> tuple[Tensor, Tensor]:
    """Of each active code, the correlation of its values with its readings, and its share of their variance (item 5)."""
    found, shares = [], []
    for index in active.nonzero()[:, 0].tolist():
        read = torch.stack([readings(model, model.decode(moved(codes, index, it), rng(3))) for it in STEPS.tolist()])
        values = STEPS[:, None].expand(-1, len(codes)).reshape(-1, 1)
        found.append(correlation(values, read[..., index].reshape(-1, 1))[0])
        variances = read.var(0).mean(0)
        shares.append(variances[index] / variances[active].sum())
    return torch.stack(found), torch.stack(shares)


def moved(codes: Codes, index: int, value: float) -> Codes:
    """The same with one code set."""
    codes = codes.clone()
    codes[:, index] = value
    return codes


def pixel_variance(model: IdGan, codes: Codes, draws: int = 8) -> float:
    """Of pixels over s at fixed c (item 6)."""
    return float(torch.stack([model.decode(codes, rng(it)) for it in range(draws)]).var(0).mean())


def gradient_energy(images: Images) -> float:
    """Mean squared difference of neighbouring pixels."""
    return float(images.diff(dim=2).square().mean() + images.diff(dim=3).square().mean())


def distance(images: Images, real: Pixels, space: object) -> float:
    """The Frechet distance of images to real ones in a feature space of the suite."""
    from bench.metrics.fidelity import frechet_from_features

    assert callable(space)
    return frechet_from_features(space(quantize(images.clamp(0, 1))), space(real))
