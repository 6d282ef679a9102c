"""Which environments a tox.ini lists."""

import configparser
import re
from pathlib import Path


def environments(path: Path) -> list[str]:
    """The names in `env_list`, with braces expanded: `py{311,312}-{a,b}` is py311-a, py311-b, py312-a and py312-b."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(path)
    names = re.split(r"[,\n]\s*(?![^{]*\})", config["tox"]["env_list"].strip())
    return [expanded for name in names for expanded in _expanded(name)]


def _expanded(name: str) -> list[str]:
    match = re.fullmatch(r"(.*?)\{(.*?)\}(.*)", name)
    if not match:
        return [name]
    return [expanded for choice in match[2].split(",") for expanded in _expanded(match[1] + choice + match[3])]
