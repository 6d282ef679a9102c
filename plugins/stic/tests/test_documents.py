"""The README and the ledger say what the plugin does."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bench_stic import AttentiveConfig, ScoreConfig, Stic, SticConfig

HERE = Path(__file__).parent
ROW = re.compile(r"^\| `(\w+)` \| `([^`]+)` \|", re.MULTILINE)
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
LEDGER = tomllib.loads((HERE.parent / "claims.toml").read_text(encoding="utf-8"))


def defaults(config: type, besides: type | None = None) -> dict[str, str]:
    known = {field.name for field in fields(besides)} if besides else set()
    return {field.name: str(field.default) for field in fields(config) if field.name not in known}


@pytest.mark.parametrize(
    ("section", "wanted"),
    [("stic", defaults(SticConfig)), ("stic-attentive, besides", defaults(AttentiveConfig, SticConfig)),
     ("stic-score", defaults(ScoreConfig))],
)  # fmt: skip
def test_the_readme_lists_every_setting_with_its_default(section: str, wanted: dict[str, str]) -> None:
    _, _, rest = README.partition(f"### {section}\n")
    assert dict(ROW.findall(rest.partition("\n##")[0])) == wanted


@pytest.mark.parametrize("claim", LEDGER["claim"], ids=lambda claim: claim["id"])
def test_a_claim_names_a_test_or_a_command_that_is_there(claim: dict[str, str]) -> None:
    words = claim["measured_by"].split()
    if words[0] == "bench":
        return
    path, _, test = words[1].removeprefix("plugins/stic/tests/").partition("::")
    assert f"def {test or 'main'}(" in (HERE / path).read_text(encoding="utf-8")


def test_the_ledger_is_of_this_source() -> None:
    assert LEDGER["source"] == Stic.source
