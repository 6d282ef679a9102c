"""A plugin that says how its settings were chosen: in its rows, on its pages, and without training anything anew."""

import os
import shutil
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"
RUN = "run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke"
FIRST = '[good]\ntrials = 4\nmetric = "fd-lite0"\ndata = "digits, validation split"\n'
SAID = "best of 4 settings by fd-lite0 on digits, validation split"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    """A copy of a plugin, with a statement."""
    folder = tmp_path_factory.mktemp("plugins") / "hostile"
    shutil.copytree(HOSTILE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bench_hostile" / "tuning.toml").write_text(FIRST)
    return folder


@pytest.fixture(scope="module")
def run(plugin, tmp_path_factory, bench_in):
    bench = bench_in(tmp_path_factory.mktemp("tuned"))
    return lambda *arguments: bench(*arguments, PYTHONPATH=str(plugin)), bench.folder


def test_the_row_of_a_training_and_its_pages_say_it(run):
    bench, folder = run
    answer = bench(*RUN, "--json")
    assert answer.code == 0, answer.err
    row = answer.row("good")
    assert row["tuning"] == SAID
    assert answer.row("good", "fd-lite0")["tuning"] == ""
    assert answer.row("real")["tuning"] == ""
    assert SAID in bench("leaderboard", "digits", "--all").out
    assert SAID in bench("explain", row["key"]).out
    assert SAID in bench("info", "good").out
    (page,) = (folder / "runs/leaderboards/jobs").glob(f"{row['key'][:12]}.html")
    assert SAID in page.read_text()
    changed = bench(*RUN, "--set", "good.level=0.25", "--json")
    assert changed.row("good")["tuning"] == ""  # other settings than those that were chosen


def test_another_statement_shows_at_once_and_trains_nothing(run, plugin):
    bench, _ = run
    (plugin / "bench_hostile" / "tuning.toml").write_text("[good]\ntrials = 0\n")
    for _ in range(2):  # the second time from the manifest
        answer = bench(*RUN, "--json")
        assert answer.row("good")["tuning"] == "not tuned"
        assert "started" not in answer.err
    assert "nothing to do" in answer.err
    assert "Settings of good: not tuned." in bench("leaderboard", "digits", "--all").out


def test_an_invalid_statement_is_a_warning(run, plugin):
    bench, _ = run
    (plugin / "bench_hostile" / "tuning.toml").write_text("[good]\ntrials = -1\n")
    answer = bench(*RUN, "--json")
    assert answer.code == 0
    assert "expected trials as a whole number" in answer.err
    assert os.linesep not in answer.row("good")["tuning"]
    assert answer.row("good")["tuning"] == ""
