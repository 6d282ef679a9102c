"""The first minute: help with examples, lists that fit a screen, and facts about one entry."""

import inspect
import json
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import main
from bench.cli.info import describe
from bench.cli.list import in_full, inventory, overview
from bench.cli.settings import field_comments, settings_of
from bench.data import load
from bench.errors import BenchError, nearest
from bench.util.columns import columns
from bench_regene import ReGene

ROOT = Path(__file__).parents[2]
COMMANDS = ("run", "leaderboard", "list", "info", "claims", "explain", "test", "new", "doctor", "completion")


def test_bench_alone_prints_help_with_three_examples_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert len(re.findall(r"^  bench \w+", out.split("examples:")[1], re.MULTILINE)) == 3
    assert "documentation: docs/README.md" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_80_columns_and_every_option_has_a_text(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for option in re.findall(r"^  (--[a-z-]+)", out, re.MULTILINE):
        assert re.search(rf"^  {option}\b[^\n]*(  |\n +)\S", out, re.MULTILINE), option


def test_the_help_of_run_is_grouped_and_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    out = capsys.readouterr().out
    for heading in ("what to run", "how much", "limits", "where", "output", "examples"):
        assert f"\n{heading}:\n" in out
    assert len(re.findall("^  bench run ", out, re.MULTILINE)) == 2


def test_the_overview_fits_a_screen_and_cuts_no_name() -> None:
    found = inventory()
    lines = overview(found, 80)
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    words = " ".join(lines).split()
    assert {row["name"] for kind in ("generators", "classifiers", "datasets") for row in found[kind]} <= set(words)


@pytest.mark.parametrize(
    ("kind", "key"),
    [("metrics", "metrics"), ("methods", "generators"), ("spaces", "feature_spaces"), ("oracles", "oracles")],
)
def test_a_kind_in_full_shows_every_row_whole(kind: str, key: str) -> None:
    found = inventory()
    lines = in_full(kind, found, 80)
    assert {row["name"] for row in found[key]} <= set(" ".join(lines).split())
    assert "…" not in "".join(lines)


def test_an_unknown_kind_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "metric"]) == 2
    assert "unknown kind 'metric': did you mean 'metrics'?" in capsys.readouterr().err


def test_json_of_list_has_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == [
        "plugins", "broken", "generators", "classifiers", "datasets", "metrics", "feature_spaces", "oracles",
    ]  # fmt: skip


def test_info_shows_every_setting_with_type_default_and_meaning() -> None:
    [found] = describe("regene", [ROOT / "leaderboards"])
    settings = {row["name"]: row for row in found["settings"]}
    assert settings["width"] == {
        "name": "width", "type": "int", "default": "32",
        "meaning": "channels of the first stage, doubled by each; 64 on a GPU",
    }  # fmt: skip
    assert settings["upsampling"]["type"] == "bilinear or nearest"
    assert settings["alpha"]["meaning"], "of an inherited field"
    assert any("images/s" in line for line in found["cost"])


def test_info_names_the_readme_of_a_checkout_and_leaves_it_out_of_a_wheel() -> None:
    [found] = describe("regene", [ROOT / "leaderboards"])
    readme = ROOT / "plugins" / "regene" / "README.md"
    installed = Path(inspect.getfile(ReGene))
    assert found["readme"] == (str(readme) if installed.is_relative_to(ROOT / "plugins") else "")


def test_info_says_that_a_cost_is_unknown(tmp_path: Path) -> None:
    [found] = describe("regene", [tmp_path])
    assert found["cost"] == ["unknown: no leaderboard has a result"]


@pytest.mark.parametrize(("name", "kind"), [("resnet-s", "classifier"), ("digits", "dataset"), ("fd-lite0", "metric")])
def test_info_knows_every_kind(name: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == kind


def test_info_of_an_unknown_name_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "regenne"]) == 2
    assert "unknown entry 'regenne': did you mean 'regene'?" in capsys.readouterr().err


def test_a_config_without_source_has_settings_without_meaning() -> None:
    space: dict[str, object] = {}
    exec("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass C:\n    n: int = 3  # lost", space)
    config = space["C"]
    assert isinstance(config, type)
    assert field_comments(config) == {}
    assert settings_of(config) == [{"name": "n", "type": "int", "default": "3", "meaning": ""}]


def test_a_classifier_as_a_method_and_a_folder_as_a_data_set_are_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapes").mkdir()
    assert main(["run", "--plugins", "resnet-s", "--dry-run"]) == 2
    assert "'resnet-s' is a classifier: use it with --guide or --judge" in capsys.readouterr().err
    (tmp_path / "shapes.zip").touch()
    for path in ("./shapes", "shapes", "shapes.zip", "./shapes@20", str(tmp_path / "shapes")):
        assert main(["run", "--plugins", "gmm", "--dataset", path, "--dry-run"]) == 2
        assert (
            f"unknown dataset {path.split('@')[0]!r}: for the images there, use 'folder:{path}'"
            in capsys.readouterr().err
        )
    with pytest.raises(BenchError, match=r"unknown data set '\./shapes': for the images there, use 'folder:\./"):
        load("./shapes")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("GMM", ["gmm", "vae"], "did you mean 'gmm'?"),
        ("fashionmnist", ["Fashion-MNIST", "digits"], "did you mean 'Fashion-MNIST'?"),
        ("xyz", ["gmm", "vae"], "known: gmm, vae"),
        ("xyz", [], "known: none"),
    ],
)
def test_the_nearest_name_is_found_in_any_case(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint


def test_a_warning_of_the_host_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    main(["completion", "bash"])  # a second command adds no second handler
    capsys.readouterr()
    logging.getLogger("bench").warning("moved %s\nto %s", "a", "b")
    assert capsys.readouterr().err == "bench: moved a to b\n"


def test_columns_fold_the_last_cell_and_cut_nothing() -> None:
    lines = columns([("name", "one two three four five six seven eight nine ten")], 30)
    assert lines[0].startswith("name  one two")
    assert all(len(line) <= 30 for line in lines)
    assert " ".join(" ".join(lines).split()) == "name one two three four five six seven eight nine ten"


def terminal(*arguments: str, **environment: str) -> str:
    """What a command prints on a terminal of 80 columns."""
    parent, child = pty.openpty()
    env = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments], stdout=child, stderr=child, env=env, cwd=ROOT
    )
    os.close(child)
    text = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:  # Linux says so at the end of a pseudo-terminal
            break
        text += piece
    os.close(parent)
    assert process.wait(60) == 0
    return text.decode()


def test_colours_are_for_terminals_without_no_color() -> None:
    assert "\x1b[" in terminal("claims", "stic")
    plain = terminal("claims", "stic", NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert max(map(len, plain.splitlines())) <= 80
