"""FactorVAE and BetaVAE scores: votes on which factor was held fixed, judged from the codes of a few images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.disentanglement.inputs import Array, require_finite
from bench.metrics.disentanglement.pool import Pool, checked_pool

IMAGES = 64  # of a vote; pairs for the BetaVAE score
TRAIN, EVALUATE = 10_000, 5_000  # votes
PRUNED = 0.05  # of the largest standard deviation
CHUNK = 250  # votes that are drawn at a time: bounds memory

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class VoteScore:
    """Accuracy on votes for evaluation and for training, the factors left out, and how many codes were used."""

    value: float
    train_value: float
    left_out: tuple[int, ...]
    active: int


def factor_vae_score(
    pool: Sequence[NDArray[np.floating]],
    variances: Array,
    rng: int | np.random.Generator = 0,
    train: int = TRAIN,
    evaluate: int = EVALUATE,
) -> VoteScore:
    """The FactorVAE score (arXiv 1802.05983, section 4), in [0, 1]; about 1 / factors for codes of noise.

    `pool`: codes (values, m, k) for each factor, of m >= 128 images that share a value of it and are random otherwise;
    `variances` (k,): those of the codes of random images. A vote draws a factor, a value, and 64 of its images without
    replacement, and names the code of the smallest variance, relative to `variances`. The majority of the `train` votes
    assigns a factor to each code; the score is how often that is right for the `evaluate` votes. Votes to learn from
    see the first half of the m images and those to evaluate the second. A small pool is a random one: with three
    factors of 3 to 6 values and m = 1,024, a score of 0.88 has a standard deviation of 0.03 over pools.

    Codes whose standard deviation is under 0.05 of the largest are not considered. The published limit, 0.05, is meant
    for a unit prior, whose active codes have a standard deviation of about 1; relative to the largest it suits codes
    of any unit. If no code has variance, the score is 0. Raises `BenchError` as `pool.checked_pool` does, and for
    variances that are not k finite numbers of at least 0.
    """
    groups, rng = checked_pool(pool, 2 * IMAGES, "FactorVAE score"), np.random.default_rng(rng)
    variances = _checked_variances(variances, groups.codes)
    _check_votes(train, evaluate, "FactorVAE score")
    active = np.flatnonzero((np.sqrt(variances) >= PRUNED * np.sqrt(variances.max())) & (variances > 0))
    if len(active) == 0:
        return VoteScore(0.0, 0.0, groups.left_out, 0)

    def statistic(codes: Array, rng: np.random.Generator, votes: int) -> Array:
        return _group_variances(codes[:, :, active], rng, votes) / variances[active]

    ratios, fixed = _draw(groups, (train, evaluate), rng, statistic)
    counts = np.zeros((len(active), len(groups.columns)), dtype=np.int64)
    smallest = ratios.argmin(axis=1)
    np.add.at(counts, (smallest[:train], fixed[:train]), 1)
    right = counts.argmax(axis=1)[smallest] == fixed
    return VoteScore(float(right[train:].mean()), float(right[:train].mean()), groups.left_out, len(active))


def beta_vae_score(
    pool: Sequence[NDArray[np.floating]],
    rng: int | np.random.Generator = 0,
    train: int = TRAIN,
    evaluate: int = EVALUATE,
) -> VoteScore:
    """The BetaVAE score (Higgins et al., ICLR 2017, section 3), in [0, 1]; about 1 / factors for codes of noise.

    `pool`: codes (values, m, k) for each factor, of m >= 4 images that share a value of it and are random otherwise. A
    vote draws a factor and 64 pairs of different images that share a value of it, which may differ between pairs. A
    linear classifier (logistic regression) predicts the factor from the mean absolute difference of the pairs, (k,),
    standardised so that the units of codes do not matter. It learns from `train` votes on the first half of the m
    images and is scored on `evaluate` votes on the second. If no code differs within any pair, all votes are alike and
    the score is that of the most frequent factor. Raises `BenchError` as `pool.checked_pool` does.
    """
    from sklearn.linear_model import LogisticRegression

    groups, rng = checked_pool(pool, 4, "BetaVAE score"), np.random.default_rng(rng)
    _check_votes(train, evaluate, "BetaVAE score")
    differences, fixed = _draw(groups, (train, evaluate), rng, _pair_differences)
    center, unit = differences[:train].mean(axis=0), differences[:train].std(axis=0)
    points = (differences - center) / np.where(unit > 0, unit, 1)
    if len(np.unique(fixed[:train])) < 2:
        raise BenchError(f"BetaVAE score: expected votes on at least 2 factors to learn from, got 1 from {train} votes")
    model = LogisticRegression(max_iter=1000).fit(points[:train], fixed[:train])
    right = model.predict(points) == fixed
    active = int((unit > 0).sum())
    return VoteScore(float(right[train:].mean()), float(right[:train].mean()), groups.left_out, active)


Statistic = Callable[[Array, np.random.Generator, int], Array]


def _draw(pool: Pool, votes: tuple[int, int], rng: np.random.Generator, statistic: Statistic) -> tuple[Array, Integers]:
    """A statistic of the codes of each vote (votes, k), and the factor that it holds fixed (votes,).

    Votes for training and for evaluation see different images: a score would otherwise reward codes by which the images
    of the pool are recognised.
    """
    halves = [_half(pool, 0), _half(pool, 1)]
    drawn = [_draw_votes(groups, count, rng, statistic) for groups, count in zip(halves, votes, strict=True)]
    values, fixed = zip(*drawn, strict=True)
    return np.concatenate(values), np.concatenate(fixed)


def _half(pool: Pool, half: int) -> list[Array]:
    return [np.array_split(codes, 2, axis=1)[half] for codes in pool.groups]


def _draw_votes(
    groups: list[Array], votes: int, rng: np.random.Generator, statistic: Statistic
) -> tuple[Array, Integers]:
    fixed = np.sort(rng.integers(len(groups), size=votes))  # the order of votes does not matter
    counts = np.bincount(fixed, minlength=len(groups))
    values = [
        statistic(codes, rng, min(CHUNK, count - start))
        for codes, count in zip(groups, counts.tolist(), strict=True)
        for start in range(0, count, CHUNK)
    ]
    return np.concatenate(values), fixed


def _group_variances(codes: Array, rng: np.random.Generator, votes: int) -> Array:
    """Variances (votes, k) of 64 of the images of a value that is drawn for each vote."""
    value = rng.integers(len(codes), size=votes)
    images = rng.random((votes, codes.shape[1])).argsort(axis=1)[:, :IMAGES]  # without replacement
    return codes[value[:, None], images].var(axis=1, ddof=1)


def _pair_differences(codes: Array, rng: np.random.Generator, votes: int) -> Array:
    """Mean absolute differences (votes, k) of 64 pairs of images; a value is drawn for each pair."""
    value = rng.integers(len(codes), size=(votes, IMAGES))
    first = rng.integers(codes.shape[1], size=(votes, IMAGES))
    other = (first + rng.integers(1, codes.shape[1], size=(votes, IMAGES))) % codes.shape[1]
    return np.abs(codes[value, first] - codes[value, other]).mean(axis=1)


def _checked_variances(variances: Array, codes: int) -> Array:
    variances = np.asarray(variances, dtype=np.float64)
    if variances.shape != (codes,):
        raise BenchError(f"FactorVAE score: expected a variance for each of {codes} codes, got shape {variances.shape}")
    require_finite(variances, "FactorVAE score: variances")
    if variances.min() < 0:
        raise BenchError(f"FactorVAE score: expected variances of at least 0, got {variances.min():.4g}")
    return variances


def _check_votes(train: int, evaluate: int, measure: str) -> None:
    if train < 1 or evaluate < 1:
        raise BenchError(
            f"{measure}: expected at least 1 vote to learn from and 1 to evaluate, got {train} and {evaluate}"
        )
