"""Print the figures of claims.toml that are more than a test's yes: `python plugins/id_gan/tests/measure.py [WHAT ...]`.

On the digits of scikit-learn at 8 pixels. WHAT is any of term (items 2 to 6, with and without the term, three seeds),
window (the weight over decades, drawn to window.svg) and ablations; without it, all. About a minute of one core a
training: 30,000 training images of stage 1 and 90,000 of stage 2.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from id_gan_chart import Series, chart
from id_gan_figures import Figures, figures, gradient_energy, rng

from bench import Images, to_float
from bench.metrics.fidelity import frechet_from_features
from bench.testing.fixtures import Judge, digits, fitted
from bench_id_gan import IdGan, IdGanConfig, IdGanFactor

TRAIN, TEST = digits()[:1297], digits()[1297:]
TOY = IdGanConfig(latent_dim=6, vae_width=32, width=16, nuisance_dim=16, beta=0.5, kl_warmup=0.2, vae_share=0.25)
IMAGES = 120_000
WEIGHTS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SEEDS = 3


@dataclass(frozen=True)
class Result:
    """Of one training: the figures of the generator, and the quality of its images beside the VAE's."""

    figures: Figures
    fd: float  # of 2,000 images in the features of the judge to the training images
    fd_vae: float  # of the first stage's decoder on the same codes
    energy: float
    energy_vae: float

    def __str__(self) -> str:
        return (
            f"{self.figures}, FD {self.fd:.2f} (decoder of stage 1 {self.fd_vae:.2f}), gradient energy "
            f"{self.energy:.4f} (decoder {self.energy_vae:.4f})"
        )


def main(*wanted: str) -> None:
    parts: dict[str, Callable[[Judge], Iterator[str]]] = {"term": term, "window": window, "ablations": ablations}
    judge = Judge(TRAIN)
    real = frechet(judge, to_float(TEST.images))
    print(f"real test digits: FD {real:.2f}, gradient energy {gradient_energy(to_float(TEST.images)):.4f}")
    for name in wanted or parts:
        for line in parts[name](judge):
            print(line, flush=True)


def frechet(judge: Judge, images: Images) -> float:
    """To the training images, in the features of the judge."""
    with torch.no_grad():
        return frechet_from_features(judge.features(images).numpy(), judge.features(to_float(TRAIN.images)).numpy())


def trained(judge: Judge, seed: int = 0, cls: type[IdGan] = IdGan, **changes: Any) -> Result:
    """One training with these settings changed, and its figures on held-out images."""
    model = fitted(cls, replace(TOY, **changes), TRAIN, IMAGES, seed=seed)
    codes = model.draw_codes(2_000, rng(7))
    drawn, decoded = model.decode(codes, rng(8)), model.decode_vae(codes)
    return Result(
        figures(model, TEST.images, 500), frechet(judge, drawn), frechet(judge, decoded), gradient_energy(drawn),
        gradient_energy(decoded),
    )  # fmt: skip


def term(judge: Judge) -> Iterator[str]:
    for seed in range(SEEDS):
        for weight in (TOY.w_info, 0.0):
            yield f"seed {seed}, w_info {weight:g}: {trained(judge, seed, w_info=weight)}"


def window(judge: Judge) -> Iterator[str]:
    """Means over seeds: FD relative to that of the first stage's decoder, correlation of codes and leak of s."""
    rows = []
    for weight in WEIGHTS:
        results = [trained(judge, seed, w_info=weight) for seed in range(SEEDS)]
        rows.append((
            mean(it.fd / it.fd_vae for it in results),
            mean(float(it.figures.obeyed.mean()) for it in results),
            mean(it.figures.leak for it in results),
        ))  # fmt: skip
        yield f"w_info {weight:g}: FD over decoder's {rows[-1][0]:.3f}, obeyed {rows[-1][1]:.3f}, leak {rows[-1][2]:.3f}"
    names = ("FD, relative to the decoder of stage 1", "correlation of codes with their readings", "leak of s into c")
    series = [Series(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)]
    path = Path(__file__).parents[1] / "window.svg"
    path.write_text(chart("w_info", [f"{it:g}" for it in WEIGHTS], series, top=1.0), encoding="utf-8")
    yield f"drawn to {path.name}"


def ablations(judge: Judge) -> Iterator[str]:
    changes: dict[str, dict[str, Any]] = {
        "codes of the prior": {"code_source": "prior"},
        "the mean as target": {"target": "mean"},
        "no nuisance": {"nuisance_dim": 0},
        "encoder trained with G": {"encoder": "trained"},
        "untrained encoder": {"encoder": "random"},
        "FactorVAE": {"first_stage": "factor-vae"},
        "beta-TCVAE": {"first_stage": "beta-tcvae", "beta": 2.0},
    }
    for name, change in changes.items():
        cls = IdGanFactor if name == "FactorVAE" else IdGan
        yield f"{name}: {trained(judge, cls=cls, **change)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
