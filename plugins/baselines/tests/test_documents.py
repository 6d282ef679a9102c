"""The README and the ledger say what the plugin does."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bench_baselines import AeMixConfig, GmmConfig, PlainVae, VaeConfig

HERE = Path(__file__).parent
ROW = re.compile(r"^\| `(\w+)` \| `([^`]+)` \|", re.MULTILINE)
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
LEDGER = tomllib.loads((HERE.parent / "claims.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("section", "config"), [("vae and cvae", VaeConfig), ("ae-mix", AeMixConfig), ("gmm", GmmConfig)]
)
def test_the_readme_lists_every_setting_with_its_default(section: str, config: type) -> None:
    _, _, rest = README.partition(f"### {section}\n")
    listed = dict(ROW.findall(rest.partition("\n##")[0]))
    assert listed == {field.name: str(field.default) for field in fields(config)}


@pytest.mark.parametrize("claim", LEDGER["claim"], ids=lambda claim: claim["id"])
def test_a_claim_names_a_test_or_a_command_that_is_there(claim: dict[str, str]) -> None:
    words = claim["measured_by"].split()
    if words[0] == "bench":
        return
    path, _, test = words[1].partition("::")
    assert f"def {test or 'test_vae_training'}(" in (HERE.parents[2] / path).read_text(encoding="utf-8")


def test_the_ledger_is_of_this_source() -> None:
    assert LEDGER["source"] == PlainVae.source
