"""The README and the ledger say what the plugin does."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bench_dr_vae import DrVae, DrVaeConfig, DrVaeLogitsConfig

HERE = Path(__file__).parent
ROW = re.compile(r"^\| `(\w+)` \| `([^`]*)` \|", re.MULTILINE)
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
LEDGER = tomllib.loads((HERE.parent / "claims.toml").read_text(encoding="utf-8"))


def written(value: object) -> str:
    """As `--set` takes it."""
    return ",".join(value) if isinstance(value, tuple) else str(value).lower()


def test_the_readme_lists_every_setting_with_its_default() -> None:
    _, _, rest = README.partition("## 8. Settings\n")
    listed = dict(ROW.findall(rest.partition("\n## ")[0]))
    assert listed == {field.name: written(field.default) for field in fields(DrVaeConfig)}


def test_the_readme_says_what_the_other_entry_has_otherwise() -> None:
    ours, theirs = DrVaeConfig(), DrVaeLogitsConfig()
    names = [field.name for field in fields(DrVaeConfig) if getattr(ours, field.name) != getattr(theirs, field.name)]
    assert f"differs in {', '.join(f'`{name}={written(getattr(theirs, name))}`' for name in names)}." in README


@pytest.mark.parametrize("claim", LEDGER["claim"], ids=lambda claim: claim["id"])
def test_a_claim_names_a_test_or_a_command_that_is_there(claim: dict[str, str]) -> None:
    words = claim["measured_by"].split()
    if words[0] == "bench":
        return
    path, _, test = words[1].removeprefix("plugins/dr_vae/tests/").partition("::")
    assert f"def {test or 'main'}(" in (HERE / path).read_text(encoding="utf-8")


def test_the_ledger_is_of_this_source() -> None:
    assert LEDGER["source"] == DrVae.source
