"""`bench verify`: what is wrong with a board is found by measuring its samples again, or by training new seeds."""

import json
import re
import shutil

import pytest
from scipy.stats import ttest_ind

from bench.execution.retrain import LEVEL, p_value
from bench.results.run_dir import jobs_in

QUICKLY = "--dataset", "toys-bars", "--budget", "smoke"
METRICS = "--metrics", "fd-lite0,class-agreement,diversity-ratio"


@pytest.fixture(scope="module")
def first(tmp_path_factory, bench_in):
    """A finished run of two methods, its folder not to be changed."""
    bench = bench_in(tmp_path_factory.mktemp("verify"))
    answer = bench("run", "--plugins", "toys,toys-adam", "--seeds", "0,1", *QUICKLY)
    assert answer.code == 0, answer.err
    return bench


@pytest.fixture
def again(first, tmp_path, bench_in):
    """A copy of that folder, to be changed at will."""
    shutil.copytree(first.folder, tmp_path / "copy")
    return bench_in(tmp_path / "copy")


def board(bench):
    (path,) = (bench.folder / "runs/leaderboards").glob("*.csv")
    return path


def change(bench, pattern: str, by: str) -> None:
    """Change the one line of the board that the pattern finds."""
    text = board(bench).read_text()
    changed, count = re.subn(pattern, by, text, count=1, flags=re.MULTILINE)
    assert count == 1
    board(bench).write_text(changed)


def verdicts(answer) -> dict[tuple[str, int, str], dict]:
    return {(v["row"]["entry"], v["row"]["seed"], v["row"]["metric"]): v for v in answer.json}


def test_a_true_board_is_equal_to_the_last_bit_and_nothing_changes(first):
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    answer = first("verify", "toys-bars", "--only", "toys,real", *METRICS, "--json")
    assert answer.code == 0, answer.err
    found = verdicts(answer)
    assert {entry for entry, _, _ in found} == {"toys", "real"}
    assert {verdict["state"] for verdict in found.values()} == {"equal"}
    assert {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()} == before


def test_one_changed_digit_and_an_older_version_of_a_metric_are_found(again):
    change(again, r"^(bars,toys,[^,]*,[^,]*,0,smoke,fd-lite0,\d+\.)(\d)", lambda m: f"{m[1]}{(int(m[2]) + 1) % 10}")
    change(again, r"^(bars,toys,[^,]*,[^,]*,0,smoke,diversity-ratio,.*):v1", r"\1:v0")
    answer = again("verify", "toys-bars", "--only", "toys", *METRICS)
    assert answer.code == 1, answer.err
    assert re.search(
        r"fd-lite0 of toys, seed 0, budget smoke: different: the board has [\d.]+, measured again", answer.out
    )
    assert re.search(
        r"diversity-ratio of toys, seed 0, .*: different: it was measured as .*v0, which is .*v1 now", answer.out
    )
    assert answer.out.count("different:") == 2


def test_samples_exchanged_between_two_methods_are_found(again):
    folders = {
        written["job"]["entry"]: path for path, written in jobs_in(again.folder / "runs") if written["job"]["seed"] == 0
    }
    ours, theirs = (next(folders[entry].glob("samples-*.npz")) for entry in ("toys", "toys-adam"))
    mine = ours.read_bytes()
    ours.write_bytes(theirs.read_bytes())
    theirs.write_bytes(mine)
    answer = again("verify", "toys-bars", "--only", "toys,toys-adam", *METRICS, "--json")
    assert answer.code == 1, answer.err
    found = verdicts(answer)
    assert {found[entry, 0, "fd-lite0"]["state"] for entry in ("toys", "toys-adam")} == {"different"}
    assert {found[entry, 1, "fd-lite0"]["state"] for entry in ("toys", "toys-adam")} == {"equal"}


def test_a_row_of_other_source_and_a_row_without_a_run_are_told_apart(again):
    for path, written in jobs_in(again.folder / "runs"):
        if written["job"]["entry"] == "toys-adam":
            shutil.rmtree(path)
        elif written["job"]["entry"] == "toys":
            text = json.loads((path / "job.json").read_text())
            text["job"]["source"] = text["training"]["source"] = "0" * 24
            (path / "job.json").write_text(json.dumps(text))
    answer = again("verify", "toys-bars", "--only", "toys,toys-adam", *METRICS)
    assert answer.code == 1
    assert "fd-lite0 of toys, seed 0, budget smoke: different: the source of its plugin was 000000" in answer.out
    assert "6 rows not verified: its run directory is not in runs" in answer.out


def test_new_seeds_of_a_true_board_agree(again):
    answer = again("verify", "toys-bars", "--only", "toys", "--retrain", "--new-seeds", "1", "--json")
    assert answer.code == 0, answer.out
    found = {row["metric"]: row for row in answer.json}
    assert found["fd-lite0"]["agrees"]
    assert [len(found["fd-lite0"][side]) for side in ("published", "new")] == [2, 1]
    seeds = {
        written["job"]["seed"] for _, written in jobs_in(again.folder / "runs") if written["job"]["entry"] == "toys"
    }
    assert seeds == {0, 1, 2}


def test_a_submission_is_packed_and_added_to_the_board_of_another_machine(first, tmp_path, bench_in):
    answer = first("submit", "toys-bars", "--only", "toys", "--out", str(tmp_path / "toys.zip"), "--json")
    assert answer.code == 0, answer.err
    assert answer.json["jobs"] == 2
    there = bench_in(tmp_path)
    assert there("leaderboard", "--add", "toys.zip").code == 0
    rows = there("leaderboard", "toys-bars", "--json").json
    assert {row["entry"] for row in rows} == {"toys"}
    assert len(rows) == answer.json["rows"]


def test_what_cannot_be_verified_is_one_sentence(first):
    for arguments, said in (
        (("nothing",), "no leaderboard"),
        (("toys-bars", "--only", "toyz"), "no row with the entry 'toyz' on the board bars: did you mean 'toys'?"),
        (("toys-bars", "--rows", "0"), "expected a whole number of at least 1"),
    ):
        answer = first("verify", *arguments)
        assert (answer.code, "Traceback" in answer.err) == (2, False)
        assert said in answer.err


def test_the_test_of_new_seeds_is_students():
    published, new = [1.0, 1.2, 0.9], [1.1, 1.3]
    assert p_value(published, new) == pytest.approx(ttest_ind(published, new).pvalue)
    assert p_value([1.0, 1.1, 0.9], [9.0, 9.1]) < LEVEL / 50
    assert p_value([1.0], [1.0]) is None
    assert p_value([2.0, 2.0], [2.0]) == 1.0
    assert p_value([2.0, 2.0], [3.0]) is None


def test_what_a_plugin_prints_does_not_reach_the_report(first):
    answer = first("test", "--plugins", "toys-adam", "--json")
    assert {row["entry"] for row in answer.json["results"]} == {"toys-adam"}
