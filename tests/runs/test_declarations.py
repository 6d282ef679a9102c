"""What plugins declare: images that a method is not for, and how its settings were chosen. Both are shown, and train nothing."""

import shutil
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"
DIGITS = "--dataset", "digits", "--budget", "smoke"
RUN = "run", "--plugins", "good,wants-large", *DIGITS, "--json"
FIRST = '[good]\ntrials = 4\nmetric = "fd-lite0"\ndata = "digits, validation split"\n'
SAID = "best of 4 settings by fd-lite0 on digits, validation split"
REASON = "it needs images of at least 64 pixels, and digits has 32"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory) -> Path:
    """A copy of a plugin, with a statement on how its settings were chosen."""
    folder = tmp_path_factory.mktemp("plugins") / "hostile"
    shutil.copytree(HOSTILE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bench_hostile" / "tuning.toml").write_text(FIRST)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("declared")


@pytest.fixture(scope="module")
def bench(plugin, folder, bench_in):
    found = bench_in(folder)
    return lambda *arguments: found(*arguments, PYTHONPATH=str(plugin))


@pytest.fixture(scope="module")
def run(bench):
    return bench(*RUN)


@pytest.fixture(scope="module")
def shown(bench, run) -> str:
    return bench("leaderboard", "digits", "--all").out


def test_a_run_with_a_skipped_method_is_a_success(run):
    assert run.code == 0, run.err
    assert run.row("good")["status"] == "ok"
    assert run.json["failed"] == 0
    assert f"wants-large seed 0: skipped: {REASON}" in run.err


def test_its_row_has_the_reason_and_the_judge_of_the_other_rows(run):
    row = run.row("wants-large")
    assert (row["status"], row["reason"], row["value"]) == ("skipped", REASON, None)
    assert (row["guide"], row["judge"]) == (run.row("good")["guide"], run.row("good")["judge"])
    assert [r["metric"] for r in run.json["records"] if r["entry"] == "wants-large"] == ["fit"]


def test_every_form_of_the_board_shows_it_below_the_tables(shown, folder):
    assert f"Skipped: wants-large: {REASON}" in shown
    assert "wants-large" not in shown.partition("Skipped:")[0]
    boards = folder / "runs/leaderboards"
    assert f"- wants-large: {REASON}" in (boards / "digits.md").read_text()
    assert f"<li>wants-large: {REASON}</li>" in (boards / "digits.html").read_text()


def test_the_row_of_a_training_and_its_pages_say_how_its_settings_were_chosen(bench, run, shown, folder):
    row = run.row("good")
    assert row["tuning"] == SAID
    assert run.row("good", "fd-lite0")["tuning"] == ""
    assert run.row("real")["tuning"] == ""
    assert SAID in shown
    assert SAID in bench("explain", row["key"]).out
    assert SAID in bench("info", "good").out
    assert SAID in (folder / "runs/leaderboards/jobs" / f"{row['key'][:12]}.html").read_text()


def test_a_second_run_trains_nothing_and_an_invalid_statement_is_a_warning(bench, run, plugin):
    (plugin / "bench_hostile" / "tuning.toml").write_text("[good]\ntrials = -1\n")
    again = bench(*RUN)
    assert again.code == 0
    assert set(again.json["ends"].values()) == {"cached", "skipped"}
    assert again.row("wants-large") == run.row("wants-large")
    assert again.row("good")["tuning"] == ""
    assert "expected trials as a whole number of at least 0, got -1" in again.err


def test_another_statement_shows_at_once_and_trains_nothing(bench, run, plugin):
    (plugin / "bench_hostile" / "tuning.toml").write_text("[good]\ntrials = 0\n")
    for _ in range(2):
        answer = bench("run", "--plugins", "good", *DIGITS, "--json")
        assert answer.row("good")["tuning"] == "not tuned"
        assert "started" not in answer.err
    assert "nothing to do" in answer.err  # the second time from the manifest


def test_a_dry_run_shows_what_is_skipped_and_a_limit_that_raises_an_error_is_broken(bench):
    answer = bench("run", "--plugins", "wants-large,fails-to-say", *DIGITS, "--dry-run", "--json")
    assert answer.code == 0
    (skipped,) = (job for job in answer.json["jobs"] if "skipped" in job)
    assert (skipped["entry"], skipped["skipped"]) == ("wants-large", REASON)
    (broken,) = (job for job in answer.json["jobs"] if "broken" in job)
    assert "LookupError: no such size" in broken["broken"]
