"""Mixtures: which pairs, which weights, and what a perfect and a blind model score."""

import pytest
import torch

from bench.metrics.mixing import PAIRS, mixture_agreement, pairs


@pytest.mark.parametrize("k", [2, 3, 10, 100])
def test_pairs_are_of_different_classes_and_use_them_evenly(k: int):
    first, second = pairs(k)
    assert len(first) == len(second) == PAIRS
    assert (first != second).all()
    assert max(int(second.max()), int(first.max())) < k
    counts = first.bincount(minlength=k)
    assert counts.max() - counts.min() <= 1
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == min(PAIRS, k * (k - 1))


def test_a_model_that_mixes_two_classes_shows_no_third(make_context, toys):
    measured = mixture_agreement(make_context(model=toys.Painter(), samples=None, judge=toys.Thirds(100.0)))
    assert measured.value > 0.98
    assert measured.n == PAIRS
    assert list(measured.parts) == ["1", "0.75", "0.5", "0.25", "0", "a-1", "a-0.75", "a-0.5", "a-0.25", "a-0"]
    first = [measured.parts[f"a-{weight:g}"] for weight in (1, 0.75, 0.5, 0.25, 0)]
    assert first == sorted(first, reverse=True)
    assert first[0] > 0.99 > 0.6 > first[2] > 0.4 > 0.01 > first[4]


def test_a_model_that_draws_a_third_class_scores_nothing(make_context, toys):
    class Wrong(toys.Painter):
        def sample_mixture(self, weights, rng):
            third = torch.eye(3)[(weights > 0).double().argmin(1)]
            return super().sample_mixture(third, rng)

    measured = mixture_agreement(make_context(model=Wrong(), samples=None, judge=toys.Thirds(100.0)))
    assert measured.parts["0.5"] < 0.01


def test_the_same_seed_draws_the_same_mixtures(make_context, toys):
    first, again, other = (
        mixture_agreement(make_context(model=toys.Painter(), seed=seed, judge=toys.Thirds(10.0))).value
        for seed in (3, 3, 4)
    )
    assert first == again != other
