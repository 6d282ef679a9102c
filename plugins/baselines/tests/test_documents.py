"""The README and the ledger say what the plugin does."""

from pathlib import Path
from typing import Any

import pytest

from bench.parts.adversarial import GanConfig
from bench.parts.style_model import StyleConfig
from bench.testing.documents import is_measured, ledger_of, settings_listed, settings_of
from bench_baselines import (
    AeMixConfig,
    BetaTcVaeConfig,
    BetaVaeConfig,
    FactorVaeConfig,
    GmmConfig,
    PlainVae,
    VaeConfig,
)
from bench_baselines.latent_mixture import MixtureConfig

HOME = Path(__file__).parents[1]
LEDGER = ledger_of(HOME / "bench_baselines" / "claims.toml")
SECTIONS = {
    "vae and cvae": VaeConfig,
    "vae-mix and ae-gmm": MixtureConfig,
    "beta-vae": BetaVaeConfig,
    "factor-vae": FactorVaeConfig,
    "beta-tcvae": BetaTcVaeConfig,
    "gan and cgan": GanConfig,
    "style-gan": StyleConfig,
    "ae-mix": AeMixConfig,
    "gmm": GmmConfig,
}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_readme_lists_every_setting_with_its_default(section: str) -> None:
    assert settings_listed(HOME / "README.md", f"### {section}") == settings_of(SECTIONS[section])


@pytest.mark.parametrize("claim", LEDGER["claim"], ids=lambda claim: claim["id"])
def test_a_claim_names_a_test_or_a_command_that_is_there(claim: dict[str, Any]) -> None:
    assert is_measured(claim, HOME.parents[1])


def test_the_ledger_is_of_this_source() -> None:
    assert LEDGER["source"] == PlainVae.source
