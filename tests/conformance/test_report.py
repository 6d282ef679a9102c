"""`bench test`: which entries are tested, what is printed, and with which exit code."""

import json
import re
import time

import bad_datasets
import pytest
import toys

from bench.cli import main
from bench.errors import BenchError
from bench.registry.plugins import Broken, Entry, Plugins
from bench.testing import conformance


class Nowhere(toys.ToyData):
    """Shows which argument it was given."""

    def load(self, size=None):
        raise BenchError(f"no such place as [{self.argument}]")


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """A plugin with a good and a bad data set, another with a generator and a data set, and a broken one."""
    plugins = Plugins(found=[], broken=[Broken("torn", "bench-torn", "0.1", "ImportError: no module named thread")])
    brought = [
        ("datasets", "toy-data", "toys", toys.ToyData),
        ("datasets", "bad-data", "toys", bad_datasets.CountsFromOne),
        ("generators", "plain", "plain", toys.Plain),
        ("datasets", "place", "places", Nowhere),
        ("datasets", "blank", "plain", toys.ToyData),
    ]
    for kind, name, plugin, target in brought:
        plugins.entries[kind][name] = Entry(name, kind, plugin, f"bench-{plugin}", "1.0", target)
    monkeypatch.setattr("bench.testing.report.Plugins", lambda: plugins)
    for room in ("models", "datasets"):  # test_promises.py has another process
        monkeypatch.setattr(f"bench.testing.{room}.require_same_elsewhere", lambda subject: None)


def report(capsys, *names: str) -> tuple[int, dict]:
    code = main(["test", "--plugins", ",".join(names), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_plugin_that_keeps_its_promises_exits_with_0(capsys):
    code, found = report(capsys, "toy-data")
    assert code == 0
    assert set(found["counts"]) == {"ok"}
    assert {result["entry"] for result in found["results"]} == {"toy-data"}
    assert (found["device"], found["format"]) == ("cpu", 2)
    assert {"bench", "python", "torch"} <= found.keys()
    (entry,) = found["entries"]
    assert (entry["name"], entry["distribution"], entry["version"]) == ("toy-data", "bench-toys", "1.0")
    assert len(entry["source"]) == 16
    assert all(result["id"].startswith("D") and result["remedy"] == "" for result in found["results"])


def test_a_broken_promise_exits_with_1_and_its_reason(capsys):
    code, found = report(capsys, "bad-data")
    assert code == 1
    (failed,) = (result for result in found["results"] if result["status"] == "failed")
    assert (failed["id"], failed["promise"]) == ("D04", "labels_name_a_class")
    assert failed["remedy"] == "count labels from 0, and keep every class in the training split"
    assert failed["reason"] == "test.labels: expected labels in 0..2, got 1..3"


def test_the_name_of_a_plugin_stands_for_all_that_it_brings(capsys):
    _, found = report(capsys, "toys")
    assert {result["entry"] for result in found["results"]} == {"toy-data", "bad-data"}


def test_an_entry_of_the_name_and_all_others_of_its_plugin_are_tested(capsys):
    _, found = report(capsys, "plain")
    assert {(result["entry"], result["kind"]) for result in found["results"]} == {
        ("plain", "generators"),
        ("blank", "datasets"),
    }


def test_several_names_are_tested_one_after_the_other(capsys):
    _, found = report(capsys, "toy-data", "bad-data")
    entries = [result["entry"] for result in found["results"]]
    assert entries == ["toy-data"] * (len(entries) // 2) + ["bad-data"] * (len(entries) // 2)


def test_names_may_have_spaces_between_them(capsys):
    found, same = report(capsys, " toy-data ", " place: atlantis ", ""), report(capsys, "toy-data", "place: atlantis")
    for _, one in (found, same):
        for result in one["results"]:
            del result["seconds"]
    assert found == same


def test_a_path_of_images_is_answered_with_how_to_ask_for_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets").mkdir()
    assert main(["test", "--plugins", "toy-data, ./pets"]) == 2
    assert "unknown plugin './pets': for the images there, use 'folder:./pets'" in capsys.readouterr().err


def test_an_argument_reaches_the_data_set(capsys):
    code, found = report(capsys, "place:atlantis")
    assert code == 1
    reasons = {result["reason"] for result in found["results"] if result["status"] == "failed"}
    assert any("no such place as [atlantis]" in reason for reason in reasons)


def test_failures_are_shown_first_with_their_reason_and_remedy_and_one_line_sums_up(capsys):
    assert main(["test", "--plugins", "toy-data,bad-data"]) == 1
    first, failure, remedy, second, total = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"bad-data \(dataset of toys, bench-toys 1\.0\): 1 failed, \d+ passed", first)
    assert re.fullmatch(
        r"  failed +D04 labels name a class +test\.labels: expected labels in 0\.\.2, got 1\.\.3", failure
    )
    assert remedy == "  remedy for D04: count labels from 0, and keep every class in the training split"
    assert re.fullmatch(r"toy-data \(dataset of toys, bench-toys 1\.0\): \d+ passed", second)
    assert re.fullmatch(r"1 failed, \d+ passed", total)


def test_a_reason_is_not_repeated(capsys):
    assert main(["test", "--plugins", "place"]) == 1
    out = capsys.readouterr().out
    assert "no such place as []" in out
    assert "same reason" in out


def test_verbose_shows_every_test(capsys):
    assert main(["test", "--plugins", "bad-data", "-v"]) == 1
    _, first, *rows, _, total = capsys.readouterr().out.splitlines()
    assert first.startswith("  failed")
    assert all(row.startswith("  ok") for row in rows)
    assert total == f"1 failed, {len(rows)} passed"


def test_a_time_limit_is_one_of_a_test(capsys, monkeypatch):
    monkeypatch.setattr(toys.ToyData, "load", lambda self, size=None: time.sleep(60))
    assert main(["test", "--plugins", "toy-data", "--timeout", "0.2", "--json"]) == 1
    failed = [result for result in json.loads(capsys.readouterr().out)["results"] if result["status"] == "failed"]
    assert {result["reason"] for result in failed} == {"it took longer than 0.2 s"}


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BenchError, match=r"unknown plugin 'toy-dat': did you mean 'toy-data'\?"):
        conformance(["toy-dat"])


def test_a_broken_plugin_is_told_with_its_reason():
    with pytest.raises(BenchError, match="plugin 'torn' is broken: ImportError: no module named thread"):
        conformance(["torn"])


def test_an_argument_for_anything_but_a_data_set_is_refused():
    with pytest.raises(BenchError, match="'plain:small': only a data set takes an argument after the colon"):
        conformance(["plain:small"])


def test_an_unknown_device_is_told_before_anything_is_tested():
    with pytest.raises(BenchError, match="unknown device 'abacus'"):
        conformance(["toy-data"], device="abacus")


def test_the_command_line_passes_on_what_it_is_told(capsys):
    assert main(["test", "--plugins", "toy-data,bad-data", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["results"]) >= 16
    assert main(["test", "--plugins", "nobody"]) == 2
    assert "unknown plugin 'nobody'" in capsys.readouterr().err
