"""Checks that the README and `claims.toml` of a method agree with its code."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

ROW = re.compile(r"^\| `(\w+)` \| `([^`]+)` \|", re.MULTILINE)


def settings_of(config: type, besides: type | None = None) -> dict[str, str]:
    """Each setting with its default as text, without the settings of the class `besides`."""
    known = {field.name for field in fields(besides)} if besides else set[str]()
    return {field.name: str(field.default) for field in fields(config) if field.name not in known}


def settings_listed(readme: Path, heading: str = "") -> dict[str, str]:
    """The rows | `name` | `default` | of a document, or of its section under `heading` (`### stic`)."""
    text = readme.read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"{heading}\n")[2].partition("\n##")[0]
    return dict(ROW.findall(text))


def ledger_of(path: Path) -> dict[str, Any]:
    """The contents of a `claims.toml`: method, source, and under `claim` the claims."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def is_measured(claim: dict[str, Any], root: Path) -> bool:
    """Whether `measured_by` of a claim exists: a command of bench, a script, or a test `path::name` below root."""
    words = claim["measured_by"].split()
    if words[0] == "bench":
        return True
    path, _, test = words[1].partition("::")
    definition = f"def {test}(" if test else "def main(" if words[0] == "python" else ""
    return (root / path).is_file() and definition in (root / path).read_text(encoding="utf-8")
