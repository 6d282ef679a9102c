"""What the documents and the project's files say about each other and about the code: links, names, commands, pins."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from bench.cli import parser
from bench.experiment.budget import BUDGETS

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(
        part.startswith(".") or part in {"runs", "build", "dist", "node_modules"}
        for part in path.relative_to(ROOT).parts
    )
)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
TREES = ("bench/", "plugins/", "tests/", "docs/", "leaderboards/", "changelog.d/", ".ci/", ".github/")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))["project"]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def quoted_commands(text: str) -> Iterator[list[str]]:
    """The arguments of every `bench` command in a shell block."""
    for language, block in FENCE.findall(text):
        if language in ("sh", "bash", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                for command in split(words, "&&", "||", "|", ";"):
                    if command and Path(command[0]).name == "bench":
                        yield command[1:]


def split(words: list[str], *separators: str) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if word in separators:
            yield command
            command = []
        elif not re.fullmatch(r"[A-Z_]+=\S*", word):  # a variable for the command
            command.append(word)
    yield command


def headings(text: str) -> set[str]:
    """The anchors of a page, as forges make them."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose(document.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue  # an address
        path, _, anchor = target.partition("#")
        page = (document.parent / path).resolve() if path else document
        assert page.exists(), f"{name(document)} links to {target}"
        if anchor and page.suffix == ".md":
            assert anchor in headings(page.read_text(encoding="utf-8")), f"{name(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_named_in_the_text_exist(document: Path) -> None:
    for word in re.findall(r"`([\w./-]+)`", prose(document.read_text(encoding="utf-8"))):
        if word.startswith(TREES) and (word.endswith("/") or Path(word).suffix):
            assert (ROOT / word).exists(), f"{name(document)} names {word}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_quoted_commands_parse(document: Path) -> None:
    for arguments in quoted_commands(document.read_text(encoding="utf-8")):
        if "--version" not in arguments and "--help" not in arguments:
            parser().parse_args(arguments)


def test_readme_quotes_the_main_job() -> None:
    commands = list(quoted_commands(read("README.md")))
    assert ["run", "--plugins", "regene,ae-mix,gmm", "--dataset", "digits"] in commands


def test_readme_fits_on_one_screen() -> None:
    without_board = re.sub(r"<!-- board -->.*<!-- /board -->", "", read("README.md"), flags=re.DOTALL)
    assert len(without_board.splitlines()) <= 80


def test_ci_runs_the_test_command_of_the_readme() -> None:
    quoted = [line for line in read("README.md").splitlines() if "python -m pytest" in line]
    assert len(quoted) == 1
    assert "-c constraints.txt" in quoted[0]
    assert "grep -m 1 'python -m pytest' README.md" in read(".ci/run")


def test_every_direct_dependency_is_pinned_within_its_bounds() -> None:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    extras = project()["optional-dependencies"].values()
    wanted = [Requirement(text) for text in [*project()["dependencies"], *(item for extra in extras for item in extra)]]
    for requirement in wanted:
        if requirement.name != project()["name"]:
            assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_dependencies_have_a_lower_bound() -> None:
    extras = project()["optional-dependencies"].values()
    wanted = [Requirement(text) for text in [*project()["dependencies"], *(item for extra in extras for item in extra)]]
    assert [str(item) for item in wanted if item.name != project()["name"] and ">=" not in str(item.specifier)] == []


def test_news_fragments_are_of_a_known_kind() -> None:
    kinds = {kind["directory"] for kind in tomllib.loads(read("pyproject.toml"))["tool"]["towncrier"]["type"]}
    fragments = [path for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md"]
    assert {path.name: path.suffixes[-2].removeprefix(".") in kinds for path in fragments} == {
        path.name: True for path in fragments
    }


def test_decisions_are_numbered_and_complete() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        assert {"status", "context", "decision", "consequences"} <= headings(path.read_text(encoding="utf-8")), path
        assert f"({path.name})" in read("docs/decisions/README.md"), f"{path.name} is not in the index"


def test_the_license_is_the_one_declared() -> None:
    assert project()["license"] == "Apache-2.0"
    assert read("LICENSE").lstrip().startswith("Apache License\n")


def test_the_citation_names_this_version() -> None:
    cited = yaml.safe_load(read("CITATION.cff"))
    assert cited["version"] == project()["version"]
    assert cited["license"] == project()["license"]
    assert f"version = {{{project()['version']}}}" in read("docs/citing.md")


def test_forms_for_issues_ask_for_something() -> None:
    forms = [path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert forms
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= form.keys(), path
        assert any(part.get("validations", {}).get("required") for part in form["body"]), path


def test_hooks_before_a_commit_are_tools_of_the_project() -> None:
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    extras = project()["optional-dependencies"]
    known = {Requirement(text).name for text in [*extras["lint"], *extras["test"]]} | {"python"}
    assert {hook["entry"].split()[0] for hook in repo["hooks"]} <= known


def test_a_command_that_does_not_exist_would_be_found() -> None:
    text = "```sh\nX=1 .venv/bin/bench run --plugins regene && bench frobnicate\n```\n"
    found = list(quoted_commands(text))
    assert found == [["run", "--plugins", "regene"], ["frobnicate"]]
    with pytest.raises(SystemExit):
        parser().parse_args(found[1])


def test_the_table_of_budgets_is_that_of_the_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d,]*).*? \| .*?([\d,]+) \| ([\d,]+) \| ([\d,]+) \|", read("docs/speed.md"), re.MULTILINE
    )
    told = {name: tuple(int(number.replace(",", "") or 0) for number in numbers) for name, *numbers in rows}
    known = BUDGETS.values()
    assert told == {it.name: (it.images or 0, it.classifier_images, it.samples, it.reference) for it in known}
