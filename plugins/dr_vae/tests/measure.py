"""Print the figures of claims.toml that are more than a test's yes: `python plugins/dr_vae/tests/measure.py [WHAT ...]`.

On the digits of scikit-learn at 8 pixels, 40,000 training images seen a model, guide and judge of the tests. WHAT is any
of term (items 3 to 6 and 8, three seeds), floor (7), adjusting (8: correction and stage 4) and ablations (2.9); without
it, all.
"""

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from dr_vae_figures import agreement, frechet, kl, nll, relative_errors, rng, settle, variance_ratios
from dr_vae_toys import SEEDS, TOY, TOY_PLAIN, ConvGuide, fit_guide, fitted, with_term

from bench import to_float
from bench.testing.fixtures import Judge, digits
from bench_dr_vae import DrVae, DrVaeConfig

TRAIN, TEST = digits()[:1297], digits()[1297:]
IMAGES = to_float(TEST.images)


def main(*wanted: str) -> None:
    parts: dict[str, Callable[[ConvGuide, Judge], Iterator[str]]] = {
        "term": term, "floor": floor, "adjusting": adjusting, "ablations": ablations,
    }  # fmt: skip
    guide, judge = fit_guide(TRAIN), Judge(TRAIN)
    told = [(it.logits(IMAGES).argmax(1) == TEST.labels).float().mean() for it in (guide, judge)]
    fd = frechet(judge.features(IMAGES), judge.features(to_float(TRAIN.images)))
    print(f"real test digits: guide {told[0]:.4f}, judge {told[1]:.4f}, their FD {fd:.1f}")
    for name in wanted or parts:
        for line in parts[name](guide, judge):
            print(line, flush=True)


def reconstructions(model: DrVae, guide: ConvGuide, judge: Judge) -> str:
    errors = " ".join(f"{it:.3f}" for it in relative_errors(model, guide, IMAGES))
    mse = float((model.redraw(IMAGES, rng()) - IMAGES).square().mean())
    return (
        f"MSE {mse:.4f}, NLL {nll(model, IMAGES):.1f}, KL {kl(model, IMAGES):.1f}, feature error {errors}, agreement "
        f"guide {agreement(model, guide, IMAGES):.3f}, judge {agreement(model, judge, IMAGES):.3f}"
    )


def samples(model: DrVae, judge: Judge) -> str:
    """2,000 draws from the prior."""
    drawn = model.sample(2_000, rng())
    fd = frechet(judge.features(drawn), judge.features(to_float(TRAIN.images)))
    return f"samples: judge's confidence {judge.logits(drawn).softmax(1).amax(1).mean():.3f}, FD {fd:.1f}"


def term(guide: ConvGuide, judge: Judge) -> Iterator[str]:
    for seed in range(SEEDS):
        plain = fitted(TOY_PLAIN, TRAIN, guide, seed=seed)
        yield f"seed {seed}, plain: {reconstructions(plain, guide, judge)}, {samples(plain, judge)}"
        model, the_term = with_term(TOY, TRAIN, guide, seed=seed)
        yield f"seed {seed}, term:  {reconstructions(model, guide, judge)}, {samples(model, judge)}"
        for when in ("as trained", "caught up"):
            ratios = torch.cat(variance_ratios(model, the_term, TRAIN, 4))
            near = ((ratios - 1).abs() < 0.1).float().mean()
            yield (
                f"seed {seed}, sigma {when}: of {len(ratios)} elements above the floor {near:.3f} have sigma^2 within "
                f"10 % of the residual, median ratio {ratios.median():.3f}"
            )
            settle(model, the_term, TRAIN)


def floor(guide: ConvGuide, judge: Judge) -> Iterator[str]:
    for value in (-math.inf, TOY.sigma_floor):
        model, the_term = with_term(replace(TOY, sigma_floor=value), TRAIN, guide)
        least = min(it().min().item() for it in the_term.log_sigmas)
        yield f"floor {value}: least log sigma of pixels {model.vae.log_sigma().min().item():.2f}, of features {least:.2f}"


def adjusting(guide: ConvGuide, judge: Judge) -> Iterator[str]:
    """Samples with and without the correction and stage 4; seed 0 of `term` has the rest."""
    corrected = replace(TOY, per_pixel=True)
    rows = (("per pixel", corrected, 0.0), ("per pixel", corrected, 0.1), ("term", TOY, 0.1), ("plain", TOY_PLAIN, 0.1))
    for name, config, share in rows:
        yield f"{name}, stage 4 {share}: {described(replace(config, adjust_share=share), guide, judge)}"


def ablations(guide: ConvGuide, judge: Judge) -> Iterator[str]:
    changes: dict[str, dict[str, Any]] = {
        "map1 only": {"layers": ("map1",)},
        "map3 only": {"layers": ("map3",)},
        "after activation": {"before_activation": False},
        "untrained features": {"features": "random"},
        "one sigma a layer": {"feature_sigma": "layer"},
        "sigma fixed at 1": {"feature_sigma": "fixed"},
        "gamma 0.1": {"gamma": 0.1},
        "gamma 0.3": {"gamma": 0.3},
        "logits, sigma 1 (dr-vae-logits)": {"layers": ("logits",), "feature_sigma": "fixed"},
    }
    for name, change in changes.items():
        yield f"{name}: {described(replace(TOY, **change), guide, judge)}"


def described(config: DrVaeConfig, guide: ConvGuide, judge: Judge) -> str:
    model = fitted(config, TRAIN, guide)
    return f"{reconstructions(model, guide, judge)}, {samples(model, judge)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
