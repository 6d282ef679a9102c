"""The documentation site: it builds without a warning, loads nothing from elsewhere, and its reference is complete."""

import argparse
import html
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench import hookspecs
from bench.api import CAPABILITIES
from bench.cli import parser
from bench.cli.settings import settings_of
from bench.metrics import METRICS
from bench.registry.plugins import OWN, Plugins

ROOT = Path(__file__).parents[2]
HOOKS = [name for name in vars(hookspecs) if name.startswith("bench_")]
METHODS = [(name, method) for name, methods in CAPABILITIES.items() for method in methods]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="needs the extra docs: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [
        "-W",
        "--keep-going",
        "-q",
        "-c",
        ROOT / "docs",
        "-b",
        "html",
        "-d",
        folder / "doctrees",
        ROOT,
        folder / "html",
    ]
    done = subprocess.run([sys.executable, "-m", "sphinx", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def text(page: Path) -> str:
    """The page as one line of words, without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))).split())


def signature(page: Path, name: str) -> str:
    """What stands in the heading of a documented object, without the spaces that markup leaves."""
    found = re.search(rf'<dt[^>]* id="{re.escape(name)}">(.*?)</dt>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{name} is not in {page.name}"
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", found[1])))


def parameters(function) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def in_order(words: list[str], line: str) -> bool:
    """Whether these are parameters of a signature, in this order."""
    return re.search(".*".join(rf"[(,]\**{re.escape(word)}\b" for word in words), line) is not None


def test_every_page_is_in_the_navigation_and_no_link_is_dead(site):
    pages = {path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {path for path in pages if not (site / path).exists()} == set()  # Sphinx warns of the rest


def test_it_loads_nothing_from_elsewhere(site):
    loads = re.compile(r'<(?:script|img|iframe)[^>]* src="(?:https?:)?//[^"]*"|<link[^>]* href="(?:https?:)?//[^"]*"')
    found = {path.name: loads.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert {name: what for name, what in found.items() if what} == {}
    assert [
        path for path in site.rglob("*.css") if re.search(r"(url\(|@import)\W*(https?:)?//", path.read_text())
    ] == []


def test_its_first_page_is_found(site):
    assert 'url=docs/index.html"' in (site / "index.html").read_text()
    assert (site / "docs/index.html").exists()


@pytest.mark.parametrize("name", bench.__all__)
def test_every_public_name_has_its_signature(site, name):
    page, target = site / "docs/reference/python.html", getattr(bench, name)
    shown = signature(page, f"bench.{name}")
    if inspect.isfunction(target):
        assert in_order(parameters(target), shown)
    elif name in ("Images", "Pixels", "Labels", "Logits", "Codes"):
        assert re.sub(r"[\s'\"]", "", target.__name__) in re.sub(r"['\"]", "", shown)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_its_signature(site, hook):
    shown = signature(site / "docs/reference/python.html", f"bench.hookspecs.{hook}")
    returned = str(inspect.signature(getattr(hookspecs, hook)).return_annotation)
    assert shown.startswith(re.sub(r"\s", "", f"bench.hookspecs.{hook}()→{returned}"))


@pytest.mark.parametrize(("capability", "method"), METHODS)
def test_every_capability_has_its_methods(site, capability, method):
    import bench.api

    shown = signature(site / "docs/reference/python.html", f"bench.api.{capability}.{method}")
    assert in_order(parameters(getattr(getattr(bench.api, capability), method)), shown)


def test_every_metric_is_listed(site):
    shown = text(site / "docs/reference/metrics.html")
    assert [metric.name for metric in METRICS if f" {metric.name} " not in shown] == []


def test_every_command_is_shown_with_all_its_options(site):
    page = site / "docs/reference/commands.html"
    shown, source = text(page), page.read_text(encoding="utf-8")
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, sub in commands.choices.items():
        assert f'id="bench-{name}"' in source
        for action in sub._actions:
            for option in action.option_strings or [str(action.metavar or action.dest)]:
                assert option in shown, f"bench {name} {option}"


def test_every_setting_of_every_method_is_listed(site):
    source = (site / "docs/reference/settings.html").read_text(encoding="utf-8")
    for entry in Plugins().all("generators"):
        if entry.distribution == OWN:
            (section,) = re.findall(rf'<section id="{entry.name}">(.*?)</section>', source, re.DOTALL)
            for row in settings_of(entry.target.Config):
                assert f">{row['name']}<" in section, f"{entry.name}.{row['name']}"
