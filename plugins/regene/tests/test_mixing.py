"""How ReGene's latents are mixed: README section 4 and T5. What holds of any latents is in tests/parts."""

from dataclasses import replace

import pytest
import torch

from bench_regene import ReGene, ReGeneConfig


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
def test_mixes_of_digits_shrink_by_the_formula_of_distinct_sources(model: ReGene, n: int) -> None:
    """Without repetition from a pool of P the ratio is 2 / (n + 1) - 1 / P, alpha = 1: within 5 % (a 3 and a 7)."""
    for label in (3, 7):
        members = model.bank.latents[label, model.bank.pool[label]]
        rng = torch.Generator().manual_seed(0)
        mixed = model.bank.draw(torch.full((10_000,), label), replace(model.config, n=n), rng)
        ratio = float(mixed.var(0).sum() / members.var(0).sum())
        assert ratio == pytest.approx(2 / (n + 1) - 1 / len(members), rel=0.05)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": 0.0}, "alpha: expected a positive"),
        ({"width": 0}, "width: expected at least 1"),
        ({"ema": 1.5}, "ema: expected a value in"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ReGeneConfig(**settings)
