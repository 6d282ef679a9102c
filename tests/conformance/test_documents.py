"""The checks of READMEs and ledgers notice what is missing."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.testing.documents import is_measured, settings_listed, settings_of


@dataclass(frozen=True)
class Common:
    lr: float = 1e-3


@dataclass(frozen=True)
class Config(Common):
    name: str = "conv"


def test_settings_are_read_from_the_table_below_their_heading_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("### one\n\n| `lr` | `0.001` | |\n\n### two\n\n| `name` | `conv` | |\n", encoding="utf-8")
    assert settings_listed(readme, "### one") == settings_of(Common) == {"lr": "0.001"}
    assert settings_listed(readme, "### two") == settings_of(Config, Common) == {"name": "conv"}
    assert settings_listed(readme) == settings_of(Config)


@pytest.mark.parametrize(
    ("command", "there"),
    [
        ("bench run --plugins one", True),
        ("pytest test_it.py::test_one", True),
        ("pytest test_it.py::test_two", False),
        ("pytest test_it.py --benchmark-only", True),
        ("python measure.py all", True),
        ("python test_it.py", False),
        ("python gone.py", False),
    ],
)
def test_a_claim_is_measured_by_something_that_is_there(tmp_path: Path, command: str, there: bool) -> None:
    (tmp_path / "test_it.py").write_text("def test_one(): ...\n", encoding="utf-8")
    (tmp_path / "measure.py").write_text("def main(): ...\n", encoding="utf-8")
    assert is_measured({"measured_by": command}, tmp_path) is there
