"""`bench doctor`: what it finds, what it advises, and when its exit code is 1."""

import json
from importlib.metadata import EntryPoint

import pytest

from bench.cli import main
from bench.cli.doctor import report
from bench.doctor import contents, installation, machine
from bench.doctor.check import Check


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.util.paths.SYSTEM_DATA", tmp_path / "system")


def by_name(checks) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_an_installation_without_optional_things_is_well(no_data, capsys, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["broken"] == 0
    states = {check["name"]: check["state"] for check in found["checks"]}
    assert states["browser"] == states["mnist"] == states["celeba"] == "optional"
    assert states["dependencies"] == states["device"] == states["cache"] == states["guides and judges"] == "ok"


def test_what_is_missing_comes_with_a_command(no_data):
    found = by_name(contents.checks())
    assert found["mnist"].remedy == "bench fetch mnist"
    assert "img_align_celeba.zip" in found["celeba"].remedy
    assert "digits" in found["data sets"].detail


def test_a_dependency_that_is_missing_or_too_old_is_broken(monkeypatch):
    versions = {"torch": "2.8.0", "pandas": None}
    known = installation._version
    monkeypatch.setattr(installation, "_version", lambda name: versions[name] if name in versions else known(name))
    found = by_name(installation.checks())["dependencies"]
    assert found.state == "broken"
    assert "torch>=2.9 (2.8.0)" in found.detail
    assert "pandas>=2.3 (not installed)" in found.detail
    assert "'torch>=2.9'" in found.remedy


def test_an_extra_that_is_missing_is_optional_and_named_by_its_packages(monkeypatch):
    known = installation._version
    monkeypatch.setattr(installation, "_version", lambda name: None if name == "resvg-py" else known(name))
    found = by_name(installation.checks())
    assert found["dependencies"].state == "ok"
    assert found["extra faces"].state == "optional"
    assert found["extra faces"].remedy.endswith("install 'resvg-py<0.6,>=0.5'")


def test_a_broken_plugin_is_broken(monkeypatch):
    points = [EntryPoint("nowhere", "bench_nowhere", "bench")]
    monkeypatch.setattr("bench.registry.plugins.installed", lambda: points)
    found = by_name(installation.checks())["plugin nowhere"]
    assert found.state == "broken"
    assert "No module named 'bench_nowhere'" in found.detail


def test_a_folder_of_data_that_is_not_there_is_broken(no_data, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "gone"))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert f"there is no folder {tmp_path / 'gone'}" in shown
    assert shown.splitlines()[-1] == "broken: BENCH_DATA"


def test_a_cache_that_cannot_be_made_is_broken(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file" / "cache"))
    found = by_name(machine.checks())["cache"]
    assert (found.state, found.remedy) == ("broken", "export BENCH_CACHE=FOLDER")


def test_a_full_disk_is_broken(no_data, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**29})())
    found = by_name(machine.checks())["cache"]
    assert found.state == "broken"
    assert "0.5 GB free; expected at least 2.0 GB" in found.detail


def test_changed_weights_of_a_judge_are_broken(monkeypatch):
    monkeypatch.setattr(contents, "_digest", lambda name: "0" * 64)
    found = contents._published()
    assert found.state == "broken"
    assert "not as published: digits.convnext-s, digits.resnet-s, " in found.detail


def test_a_data_set_that_cannot_say_whether_it_is_there_is_broken(monkeypatch):
    from bench.data.digits import Digits

    monkeypatch.setattr(Digits, "state", lambda self: 1 / 0)
    found = by_name(contents.checks())["digits"]
    assert (found.state, found.detail) == ("broken", "state() fails: ZeroDivisionError: division by zero")


def test_the_report_ends_with_remedies_and_a_verdict():
    rows = [Check("a", "one", "ok", "fine"), Check("a", "two", "optional", "not there", "get two"),
            Check("b", "three", "broken", "gone", "mend three")]  # fmt: skip
    assert report(rows, 80) == [
        "a", "  ok        one  fine", "  optional  two  not there", "", "b", "  broken  three  gone", "",
        "to mend", "  three  mend three", "", "if you need it", "  two  get two", "", "broken: three",
    ]  # fmt: skip
