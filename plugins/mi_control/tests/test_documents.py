"""The README and the ledger say what the plugin does."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bench.testing.documents import is_measured, ledger_of, settings_listed, settings_of
from bench_mi_control import MiControl, MiControlConfig, MiControlGlobalConfig

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")
LEDGER = ledger_of(HOME / "bench_mi_control" / "claims.toml")


def test_the_readme_lists_every_setting_with_its_default() -> None:
    listed = settings_listed(HOME / "README.md", "## 7. Settings")
    assert {name: value.lower() for name, value in settings_of(MiControlConfig).items()} == listed


def test_the_readme_says_what_the_other_entry_has_otherwise() -> None:
    ours, theirs = MiControlConfig(), MiControlGlobalConfig()
    names = [field.name for field in fields(ours) if getattr(ours, field.name) != getattr(theirs, field.name)]
    assert f"differs in {', '.join(f'`{name}={getattr(theirs, name)}`' for name in names)}." in README


@pytest.mark.parametrize("claim", LEDGER["claim"], ids=lambda claim: claim["id"])
def test_a_claim_names_a_test_or_a_command_that_is_there(claim: dict[str, Any]) -> None:
    assert is_measured(claim, HOME.parents[1])


def test_the_ledger_is_of_this_source() -> None:
    assert LEDGER["source"] == MiControl.source
