"""A method that says what it is not for: planned and shown as skipped, with its reason, and not as a failure."""

from pathlib import Path

import pytest

DIGITS = "--dataset", "digits", "--budget", "smoke"
REASON = "it needs images of at least 64 pixels, and digits has 32"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, bench_in):
    return bench_in(tmp_path_factory.mktemp("limits"))


@pytest.fixture(scope="module")
def run(folder):
    return folder("run", "--plugins", "good,wants-large", *DIGITS, "--json")


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


def test_every_form_of_the_board_shows_it_below_the_tables(run, folder):
    shown = folder("leaderboard", "digits").out
    assert f"Skipped: wants-large: {REASON}" in shown
    assert "wants-large" not in shown.partition("Skipped:")[0]
    boards = Path(folder.folder / "runs/leaderboards")
    assert f"- wants-large: {REASON}" in (boards / "digits.md").read_text()
    assert f"<li>wants-large: {REASON}</li>" in (boards / "digits.html").read_text()


def test_a_second_run_computes_nothing_and_says_the_same(run, folder):
    again = folder("run", "--plugins", "good,wants-large", *DIGITS, "--json")
    assert again.code == 0
    assert set(again.json["ends"].values()) == {"cached", "skipped"}
    assert again.json["records"] == run.json["records"]


def test_a_dry_run_shows_it(folder):
    answer = folder("run", "--plugins", "wants-large", *DIGITS, "--dry-run")
    assert answer.code == 0
    (line,) = (line for line in answer.out.splitlines() if line.startswith("wants-large"))
    assert f"skipped: {REASON}" in line


def test_a_limit_that_raises_an_error_is_a_row_that_failed(folder):
    answer = folder("run", "--plugins", "good,fails-to-say", *DIGITS, "--dry-run", "--json")
    (job,) = (job for job in answer.json["jobs"] if "broken" in job)
    assert "LookupError: no such size" in job["broken"]
