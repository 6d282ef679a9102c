"""Which environments a tox.ini lists."""

import configparser
import re
from pathlib import Path


def environments(path: Path) -> list[str]:
    """The names in `env_list`, with braces expanded: `py{311,312}` is py311 and py312."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(path)
    names = re.split(r",\s*(?![^{]*\})", config["tox"]["env_list"])
    return [expanded for name in names for expanded in _expanded(name)]


def _expanded(name: str) -> list[str]:
    match = re.fullmatch(r"(.*)\{(.*)\}", name)
    return [match[1] + choice for choice in match[2].split(",")] if match else [name]
