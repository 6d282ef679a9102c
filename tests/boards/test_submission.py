"""Submissions: what is missing, altered, too old or out of range is refused with a sentence; the rest is merged."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_board import KEYS, put_run, rows

from bench.boards import merge, read
from bench.boards.conflict import both_sides, has_conflict
from bench.boards.rows import decode_sides, encode
from bench.boards.submission import check, of_these_files, open_submission, pack
from bench.cli import main
from bench.errors import BenchError
from bench.metrics.catalog import CATALOG
from bench.metrics.ranges import RANGES, outside

RESULT = {"entry": "alpha", "kind": "generators", "id": "G99", "promise": "it_draws", "status": "ok", "reason": ""}
REPORT = {"entries": [], "results": [RESULT]}


def alpha(dataset: str = "toys"):
    return [row for row in rows(dataset) if row.entry == "alpha"]


@pytest.fixture
def packed(tmp_path):
    """A submission of two seeds of one method."""
    for record in alpha():
        if record.metric == "fit":
            put_run(tmp_path / "runs", record)
    pack(tmp_path / "alpha.zip", alpha(), tmp_path / "runs", REPORT)
    return tmp_path / "alpha.zip"


def again(path: Path, name: str, change) -> Path:
    """The file with one member changed, and the manifest as it was."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.namelist():
            payload = old.read(member)
            if member == name:
                payload = change(payload)
            if payload is not None:
                new.writestr(member, payload)
    path.write_bytes(buffer.getvalue())
    return path


def repacked(tmp_path: Path, records, report=REPORT) -> Path:
    pack(tmp_path / "changed.zip", records, tmp_path / "runs", report)
    return tmp_path / "changed.zip"


def test_a_submission_holds_rows_jobs_environments_and_the_report(packed):
    found = open_submission(packed)
    check(found)
    assert {record.place for record in found.records} == {record.place for record in alpha()}
    assert set(found.jobs) == {KEYS["alpha"][:-1] + str(seed) for seed in (0, 1)}
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert sum(name.endswith("environment.json") for name in names) == 2


def test_the_same_rows_give_the_same_bytes(packed, tmp_path):
    before = packed.read_bytes()
    pack(packed, alpha(), tmp_path / "runs", REPORT)
    assert packed.read_bytes() == before


@pytest.mark.parametrize("name", ["rows.csv", "conformance.json", f"jobs/{KEYS['alpha'][:-1]}0/job.json"])
@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_file_that_was_changed_or_removed_is_named(packed, name, how):
    again(packed, name, (lambda payload: payload + b" ") if how == "changed" else lambda payload: None)
    with pytest.raises(BenchError, match=f"{name} is missing, or is not what the manifest lists"):
        open_submission(packed)


def test_what_is_not_a_submission_is_one_sentence(packed, tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(BenchError, match=r"text\.zip"):
        open_submission(tmp_path / "text.zip")
    with pytest.raises(BenchError, match=r"nothing\.zip"):
        open_submission(tmp_path / "nothing.zip")
    with pytest.raises(BenchError, match=r"it has no manifest\.json; bench submit makes one"):
        open_submission(again(packed, "manifest.json", lambda payload: None))


def test_another_format_is_refused(packed):
    def newer(payload: bytes) -> bytes:
        return json.dumps(json.loads(payload) | {"format": 99}).encode()

    with pytest.raises(BenchError, match="expected format 1, got 99"):
        open_submission(again(packed, "manifest.json", newer))


@pytest.mark.parametrize(
    ("metric", "fields", "said"),
    [
        ("class-agreement", {"value": 1.2}, "class-agreement of alpha, seed 0: expected 0 to 1, got 1.2"),
        ("fd-lite0", {"value": -3.0}, "fd-lite0 of alpha, seed 0: expected at least 0, got -3"),
        (
            "acs",
            {"protocol": "acs:v1"},
            "acs of alpha, seed 0 was measured with version 1 of the metric, this is version 2",
        ),
    ],
)
def test_values_out_of_range_and_older_metrics_are_refused(packed, tmp_path, metric, fields, said):
    good = alpha()
    bad = [replace(row, **fields) if (row.metric, row.seed) == (metric, 0) else row for row in good]
    with pytest.raises(BenchError) as caught:
        check(open_submission(repacked(tmp_path, bad)))
    assert said in str(caught.value)


def test_without_a_passed_conformance_test_nothing_is_accepted(packed, tmp_path):
    with pytest.raises(BenchError, match="no conformance report of alpha: bench test --plugins alpha"):
        check(open_submission(repacked(tmp_path, alpha(), {"results": []})))
    failed = {"results": [{**RESULT, "status": "failed"}]}
    with pytest.raises(BenchError, match="alpha failed the conformance test G99 it_draws"):
        check(open_submission(repacked(tmp_path, alpha(), failed)))


def test_a_report_of_other_files_of_the_plugin_is_refused(packed, tmp_path):
    source = next(iter(open_submission(packed).jobs.values()))["job"]["source"]
    same = REPORT | {"entries": [{"name": "alpha", "source": source}]}
    check(open_submission(repacked(tmp_path, alpha(), same)))
    other = REPORT | {"entries": [{"name": "alpha", "source": "0" * 16}]}
    with pytest.raises(BenchError, match="the conformance report of alpha is of other files of its plugin"):
        check(open_submission(repacked(tmp_path, alpha(), other)))


def test_rows_that_earlier_files_of_the_plugin_have_made_are_left_out(packed, tmp_path):
    runs, [first, _] = tmp_path / "runs", list(open_submission(packed).jobs.values())
    [path] = (path for path in runs.rglob("job.json") if json.loads(path.read_text())["key"] == first["key"])
    older = json.loads(path.read_text())
    older["job"]["source"] = "0" * 16
    path.write_text(json.dumps(older))
    report = REPORT | {"entries": [{"name": "alpha", "source": first["job"]["source"]}]}
    kept, left = of_these_files(alpha(), runs, report)
    seeds = {record.seed for record in left}
    assert len(seeds) == 1
    assert {record.seed for record in kept} == {0, 1} - seeds
    assert len(kept) + len(left) == len(alpha())
    check(open_submission(repacked(tmp_path, kept, report)))


def test_the_report_of_an_earlier_version_is_read(packed):
    """It was the list of results alone."""
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    earlier = json.dumps([RESULT]).encode()
    manifest["files"]["conformance.json"] = hashlib.sha256(earlier).hexdigest()
    again(packed, "conformance.json", lambda payload: earlier)
    again(packed, "manifest.json", lambda payload: json.dumps(manifest).encode())
    check(open_submission(packed))


@pytest.mark.parametrize("content", ["7", '{"results": 7}', '["x"]', '{"results": [], "entries": [7]}', "{}"])
def test_a_report_that_is_none_is_one_sentence(packed, content):
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["files"]["conformance.json"] = hashlib.sha256(content.encode()).hexdigest()
    again(packed, "conformance.json", lambda payload: content.encode())
    again(packed, "manifest.json", lambda payload: json.dumps(manifest).encode())
    with pytest.raises(BenchError, match="not a submission"):
        open_submission(packed)


def test_a_job_without_its_run_directory_cannot_be_packed(packed, tmp_path):
    with pytest.raises(BenchError, match="the run directory of beta, seed 0, is not in"):
        pack(tmp_path / "x.zip", [row for row in rows() if row.entry == "beta"], tmp_path / "runs", REPORT)


def test_adding_merges_once_and_never_replaces(packed, tmp_path, capsys):
    folder = tmp_path / "leaderboards"
    good = alpha()
    path = repacked(tmp_path, good)
    add = ["leaderboard", "--add", str(path), "--leaderboards", str(folder)]
    assert main([*add, "--dry-run"]) == 0
    assert not folder.exists()
    assert main(add) == 0
    assert f"rows added {len(good)}, replaced 0, unchanged 0" in capsys.readouterr().out
    assert main(add) == 0
    assert f"rows added 0, replaced 0, unchanged {len(good)}" in capsys.readouterr().out
    other = [replace(row, value=7.0) if row.metric == "fd-lite0" else row for row in good]
    assert main(["leaderboard", "--add", str(repacked(tmp_path, other)), "--leaderboards", str(folder)]) == 2
    assert "2 rows are on the board toys already, with other values" in capsys.readouterr().err
    assert main(["leaderboard", "toys", *add[1:]]) == 2
    assert "the file names its board" in capsys.readouterr().err


def test_every_range_is_that_of_a_metric_and_holds_what_it_should():
    assert set(RANGES) <= {entry.name for entry in CATALOG}
    assert outside("class-agreement", 1.0) == outside("class-agreement", 0.0) == ""
    assert outside("class-agreement", 1.1) == "0 to 1"
    assert outside("fd-lite0", -1.0) == "at least 0"
    assert outside("kid-lite0", -1.0) == ""  # its unbiased estimate can be negative


# A git merge conflict in a board


def conflicted(base: list, ours: list, theirs: list) -> bytes:
    """The file that git leaves if two branches added rows at the end."""
    lines = [encode(side).decode().splitlines(keepends=True) for side in (base, ours, theirs)]
    common = lines[0]
    mine, other = (["".join(line for line in side if line not in common)] for side in lines[1:])
    return "".join([*common, "<<<<<<< HEAD\n", *mine, "=======\n", *other, ">>>>>>> branch\n"]).encode()


def test_both_sides_of_a_conflict_are_merged(tmp_path, capsys):
    every = [row for row in rows() if row.metric == "fd-lite0"]
    base, ours, theirs = every[:2], every[:4], [*every[:2], *every[4:6]]
    path = tmp_path / "toys.csv"
    path.write_bytes(conflicted(base, ours, theirs))
    with pytest.raises(BenchError, match="has a git merge conflict; bench leaderboard toys --merge"):
        read(path)
    assert main(["leaderboard", "toys", "--leaderboards", str(tmp_path), "--merge", str(path)]) == 0
    assert path.read_bytes() == encode(every[:6])


def test_a_conflict_in_the_board_of_another_machine_is_merged_too(tmp_path, capsys):
    every = [row for row in rows() if row.metric == "fd-lite0"]
    other = tmp_path / "other.csv"
    other.write_bytes(conflicted(every[:1], every[:2], [every[0], every[3]]))
    [board] = merge(tmp_path / "leaderboards", every[4:6])
    assert main(["leaderboard", "toys", "--leaderboards", str(tmp_path / "leaderboards"), "--merge", str(other)]) == 0
    assert board.read_bytes() == encode([*every[:2], every[3], *every[4:6]])


@given(
    st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=6),
    st.lists(st.sampled_from(["x\n", "y\n"]), max_size=3),
    st.lists(st.sampled_from(["z\n"]), max_size=2),
)
def test_the_sides_are_what_each_branch_had(common, ours, theirs):
    text = "".join(
        [*common, "<<<<<<< HEAD\n", *ours, "||||||| base\n", "old\n", "=======\n", *theirs, ">>>>>>> b\n", *common]
    )
    assert has_conflict(text)
    assert both_sides(text) == ("".join([*common, *ours, *common]), "".join([*common, *theirs, *common]))
    assert not has_conflict("".join(common))


def test_a_file_without_a_conflict_has_one_side():
    whole = [row for row in rows() if row.metric == "fd-lite0"]
    assert encode(decode_sides(encode(whole), Path("toys.csv"))) == encode(whole)
