"""Fills docs/writing-a-plugin.md: files between `quote` marks, promises between `promises` marks.

`python tests/thirdparty/guide.py` writes the page anew; a test asserts that there is nothing to write.
"""

import inspect
import re
from pathlib import Path

from bench import api, hookspecs
from bench.testing import classifiers, datasets, generators, metrics, models
from bench.testing.promise import Promise

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "writing-a-plugin.md"
LANGUAGES = {".py": "python", ".toml": "toml"}
PROMISES: dict[str, tuple[Promise, ...]] = {
    "models": models.PROMISES,
    "generators": generators.PROMISES[len(models.PROMISES) :],
    "classifiers": classifiers.PROMISES[len(models.PROMISES) :],
    "datasets": datasets.PROMISES,
    "metrics": metrics.PROMISES,
}


def fill(page: str) -> str:
    """The page with every quotation as its source is now."""
    page = re.sub(r"<!-- quote (\S+) -->\n.*?<!-- /quote -->", _quote, page, flags=re.DOTALL)
    return re.sub(r"<!-- promises (\w+) -->\n.*?<!-- /promises -->", _promises, page, flags=re.DOTALL)


def signature(owner: object, name: str) -> str:
    """A function as it is written: name, parameters, what it returns."""
    function = getattr(owner, name)
    text = f"{name}{inspect.signature(function)}".replace("(self, ", "(").replace("(self)", "()")
    return re.sub(r"'([^']*)'", r"\1", text)


def hooks() -> list[str]:
    """The signature of every hook."""
    return [signature(hookspecs, name) for name in vars(hookspecs) if name.startswith("bench_")]


def capabilities() -> dict[str, tuple[str, ...]]:
    """Each capability with its methods."""
    return api.CAPABILITIES


def _quote(match: re.Match[str]) -> str:
    path = ROOT / match[1]
    source = path.read_text(encoding="utf-8")
    return f"<!-- quote {match[1]} -->\n```{LANGUAGES[path.suffix]}\n{source}```\n<!-- /quote -->"


def _promises(match: re.Match[str]) -> str:
    lines = [
        f"- **{promise}**{_needs(promise)}: {promise.sentence} Why: {promise.why}." for promise in PROMISES[match[1]]
    ]
    return f"<!-- promises {match[1]} -->\n" + "\n".join(lines) + "\n<!-- /promises -->"


def _needs(promise: Promise) -> str:
    return f" ({', '.join(promise.needs)})" if len(promise.needs) == 1 else ""


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
