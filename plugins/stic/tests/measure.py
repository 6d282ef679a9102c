"""Print the figures of claims.toml that are more than a test's yes: `python plugins/stic/tests/measure.py [WHAT ...]`.

On the digits of scikit-learn at 8 pixels, with the judge of the tests, 24,000 training images seen a training. WHAT is
any of drawings (S3, S5, S6, the Gram weight), accuracy (S4), passes (S7) and readings; without it, all.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from conftest import TOY
from torch import Tensor

from bench import to_float
from bench.metrics.fidelity import frechet_from_features
from bench.testing.fixtures import Judge, digits, first_per_class, fitted, fraction_correct
from bench_stic import Drawing, Stic, SticConfig

TRAIN, VALIDATION, TEST = digits()[:1097], digits()[1097:1297], digits()[1297:]
IMAGES = to_float(TEST.images)
LABELS = torch.arange(500) % 10
BUDGET = 24_000
NO_FAKES = replace(TOY, fake_weight=0.0)


def main(*wanted: str) -> None:
    parts: dict[str, Callable[[Judge], Iterator[str]]] = {
        "drawings": drawings, "accuracy": accuracy, "passes": passes, "readings": readings,
    }  # fmt: skip
    judge = Judge(TRAIN)
    print(
        f"judge on real test digits {fraction_correct(judge(IMAGES), TEST.labels):.4f}, their FD {fd(IMAGES, judge):.1f}"
    )
    for name in wanted or parts:
        for line in parts[name](judge):
            print(line, flush=True)


def fd(images: Tensor, judge: Judge) -> float:
    """The Frechet distance to the training digits in the judge's penultimate layer."""
    return frechet_from_features(judge.features(images), judge.features(to_float(TRAIN.images)))


def described(drawing: Drawing, judge: Judge) -> str:
    classes = torch.stack([drawing.images[label == LABELS].std(0).mean() for label in range(10)]).mean()
    return (
        f"judge {fraction_correct(judge(drawing.images), LABELS):.4f}, FD {fd(drawing.images, judge):.1f}, pixels within "
        f"+-{drawing.canvas.abs().max():.1f}, acceptance {drawing.acceptance.nanmean():.3f}, class std {classes:.3f}"
    )


def drawings(judge: Judge) -> Iterator[str]:
    """S3, S5, S6 and the rule for gamma, on one model beside the same without fakes."""
    model, baseline = fitted(Stic, TOY, TRAIN, BUDGET), fitted(Stic, NO_FAKES, TRAIN, BUDGET)
    for name, it in (("stic", model), ("without fakes", baseline)):
        for steps in (200, 600):
            yield f"{name}, {steps} steps from a blank canvas: {described(it.synthesize(LABELS, steps=steps), judge)}"
    yield f"stic, 200 steps without the test: {described(model.synthesize(LABELS, mh=False), judge)}"
    yield from soft_classes(model, judge)
    yield from gram_weights(model, judge)


def soft_classes(model: Stic, judge: Judge) -> Iterator[str]:
    """S5: 20 pairs, 10 drawings each."""
    first = (torch.arange(20) % 10).repeat_interleave(10)
    second = (first + 1 + 3 * (torch.arange(20) // 10).repeat_interleave(10)) % 10
    for weight in (1.0, 0.75, 0.5, 0.25, 0.0):
        weights = weight * torch.eye(10)[first] + (1 - weight) * torch.eye(10)[second]
        p = judge.logits(model.synthesize(weights).images).softmax(1)
        a, b = p.gather(1, first[:, None]).mean(), p.gather(1, second[:, None]).mean()
        yield f"lambda {weight}: p_a {a:.3f}, p_a + p_b {a + b:.3f}"


def gram_weights(model: Stic, judge: Judge) -> Iterator[str]:
    """S8 with figures, and the rule, which looks at validation images."""
    yield f"R of held-out digits {model.class_distance(to_float(VALIDATION.images), VALIDATION.labels):.4f}"
    for gamma in (0.0, 0.1, 0.3, 1.0):
        drawing = model.synthesize(LABELS, gamma=gamma)
        distance = model.class_distance((drawing.canvas + 1) / 2, LABELS)
        yield f"gamma {gamma}: R {distance:.4f}, {described(drawing, judge)}"
    yield f"gamma by the rule: {model.calibrate(VALIDATION):.2f}"


def accuracy(judge: Judge) -> Iterator[str]:
    """S4: three seeds with all labels and with 20 per class, with fakes and without."""
    for name, data in (("all labels", TRAIN), ("20 per class", first_per_class(TRAIN, 20))):
        for kind, config in (("stic", TOY), ("without fakes", NO_FAKES)):
            models = [fitted(Stic, config, data, BUDGET, seed) for seed in range(3)]
            rates = [100 * fraction_correct(it.logits(IMAGES).argmax(1), TEST.labels) for it in models]
            yield f"{name}, {kind}: {' '.join(f'{it:.2f}' for it in rates)}, mean {sum(rates) / 3:.2f}"


def passes(judge: Judge) -> Iterator[str]:
    """S7: refresh=pass, drawings after one pass and after ten, each pass as long, by two readings of the fake loss."""
    for loss in ("margin", "contrast"):
        for number in (1, 10):
            config: SticConfig = replace(
                TOY, refresh="pass", passes=number, blank_steps=100, store_size=500, lr=5e-4, fake_loss=loss
            )
            model = fitted(Stic, config, TRAIN, number * BUDGET // 10)
            yield f"{loss}, after pass {number}: {described(model.synthesize(LABELS, steps=200), judge)}"


def readings(judge: Judge) -> Iterator[str]:
    """The other readings of the fake loss, hard fakes only, and the other reference of the Gram term."""
    changes: dict[str, dict[str, Any]] = {
        "margin": {"fake_loss": "margin"},
        "K + 1 classes": {"fake_loss": "k_plus_1", "energy": "logprob"},
        "hard fakes only": {"soft_share": 0.0},
        "exemplars": {"reference": "exemplar"},
        "no Gram term": {"gamma": 0.0},
    }
    for name, change in changes.items():
        model = fitted(Stic, replace(TOY, **change), TRAIN, BUDGET)
        own = 100 * fraction_correct(model.logits(IMAGES).argmax(1), TEST.labels)
        yield f"{name}: accuracy {own:.2f}, {described(model.synthesize(LABELS), judge)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
