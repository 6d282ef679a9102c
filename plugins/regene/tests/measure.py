"""Print the figures of claims.toml that are more than a test's yes: `python plugins/regene/tests/measure.py`.

On the digits of scikit-learn, with the model and the judge that the tests use.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from conftest import BUDGET, CONFIG, trained
from test_decoding import agreement, round_trip_error, with_another_decoder, within_class_distance
from test_theorem import exclusive_or_retention, probability_violations, tight_round_trips, two_class_retention
from torch import Tensor

from bench import Codes, Data, Images, Labels, to_float
from bench.testing.fixtures import Judge, digits
from bench_regene import ReGene

TRAIN, TEST = digits()[:1297], digits()[1297:]
IMAGES = to_float(TEST.images)
LABELS = torch.arange(10_000) % 10
REAL = within_class_distance(to_float(TRAIN.images), TRAIN.labels)


def main() -> None:
    judge, model = Judge(TRAIN), trained(CONFIG, TRAIN, BUDGET)
    for line in (
        *references(model, judge),
        *guarantees(model),
        *(mixes(model, judge, n, alpha) for n in (1, 2, 3, 5, 10, 20) for alpha in (1.0, 0.2)),
        *decoders(model, judge),
        *ablations(judge),
    ):
        print(line)


@torch.no_grad()
def references(model: ReGene, judge: Judge) -> Iterator[str]:
    yield f"real test images: judge {agreement(judge(IMAGES), TEST.labels):.4f}, nearest train {nearest(IMAGES):.3f}"
    yield f"own accuracy on them {agreement(model.logits(IMAGES).argmax(1), TEST.labels):.4f}"
    yield f"exact zeros in the bank {(model.bank.latents[model.bank.pool] == 0).float().mean():.2f}"


def guarantees(model: ReGene) -> Iterator[str]:
    yield f"p_c(z*) below the geometric mean of its sources: {probability_violations(model)} of 5000"
    tight, kept = tight_round_trips(model, *(it[:2_000] for it in draw(model, 3, 1.0)))
    yield f"tight round trips {tight.float().mean():.3f} of 2000, of which {kept[tight].float().mean():.4f} keep the class"
    yield f"control, halves of two classes: retention {two_class_retention(model):.4f}"
    affine, perceptron = exclusive_or_retention(model)
    yield f"control, exclusive or: retention of an affine head {affine:.4f}, of a perceptron {perceptron:.4f}"


@torch.no_grad()
def mixes(model: ReGene, judge: Judge, n: int, alpha: float) -> str:
    """10,000 mixed latents, 2,000 of them decoded."""
    latents, labels = draw(model, n, alpha)
    images, classes = model.decoder(latents[:2_000]), labels[:2_000]
    return (
        f"n = {n:2d}, alpha = {alpha}: latents kept {int((model.head(latents).argmax(1) == labels).sum())} of 10000, "
        f"covariance {covariance_ratio(model, latents, labels):.3f} (formula {(alpha + 1) / (n * alpha + 1):.3f}), "
        f"judge {agreement(judge(images), classes):.4f}, own {agreement(model.logits(images).argmax(1), classes):.4f}, "
        f"distance / real {within_class_distance(images, classes) / REAL:.3f}, nearest train {nearest(images):.3f}"
    )


def decoders(model: ReGene, judge: Judge) -> Iterator[str]:
    """The same classifier under decoders that were trained with more and more terms, features 1.0 and class 0.1."""
    for name, settings in {
        "pixels": {"feature_weight": 0.0, "class_weight": 0.0},
        "pixels, features": {"class_weight": 0.0},
        "pixels, features, class": {},
        "pixels, features, class, cycle": {"cycle_weight": 0.1},
        "pixels, features 0.1, class 0.05": {"feature_weight": 0.1, "class_weight": 0.05},
    }.items():
        yield f"decoder of {name}: {reconstructions(with_another_decoder(model, TRAIN, **settings), judge)}"


def ablations(judge: Judge) -> Iterator[str]:
    """Joint training, down to an autoencoder that no class ever reached, mixed by label."""
    for w in (0.5, 0.9, 1.0):
        model = trained(replace(CONFIG, training="joint", joint_weight=w), TRAIN, BUDGET)
        if w == 1:
            model.bank.pool.copy_(model.bank.predictions >= 0)
        zeros = (model.bank.latents[model.bank.pool] == 0).float().mean()
        yield f"joint, w = {w}: zeros {zeros:.2f}, {reconstructions(model, judge)}"
        yield from (f"joint, w = {w}, {mixes(model, judge, n, 1.0)}" for n in (2, 10))


@torch.no_grad()
def reconstructions(model: ReGene, judge: Judge) -> str:
    again = model.reconstruct(IMAGES)
    return (
        f"test MSE {F.mse_loss(again, IMAGES):.4f}, latent MSE {round_trip_error(model, IMAGES):.3f}, "
        f"judge {agreement(judge(again), TEST.labels):.4f}, own "
        f"{agreement(model.logits(again).argmax(1), TEST.labels):.4f}"
    )


def draw(model: ReGene, n: int, alpha: float) -> tuple[Codes, Labels]:
    config = replace(model.config, n=n, alpha=alpha)
    return model.bank.draw(LABELS, config, torch.Generator().manual_seed(1)), LABELS


def covariance_ratio(model: ReGene, latents: Codes, labels: Labels) -> float:
    """trace cov(z*) / trace cov(z | c), a mean over the classes."""
    pools = [model.bank.latents[c, model.bank.pool[c]] for c in range(10)]
    ratios: list[Tensor] = [latents[labels == c].var(0).sum() / pool.var(0).sum() for c, pool in enumerate(pools)]
    return float(torch.stack(ratios).mean())


def nearest(images: Images, data: Data = TRAIN) -> float:
    """Mean Euclidean distance to the nearest training image."""
    return float(torch.cdist(images.flatten(1), to_float(data.images).flatten(1)).amin(1).mean())


if __name__ == "__main__":
    main()
