"""`bench new`: what it accepts as a name and a folder, and what it says. tests/thirdparty runs what it writes."""

import ast
import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import BenchError
from bench.scaffold.distribution import FILES, RESERVED, check_name, class_name, rendered, write_distribution


def test_it_prints_the_commands_to_type_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "haze"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "bench-haze: 10 files; the generator is in bench-haze/src/bench_haze/__init__.py"
    commands = [line.strip() for line in lines[lines.index("next:") + 1 :]]
    assert commands[0].endswith("install -e bench-haze") or "pip install -p" in commands[0]
    assert "bench test --plugins haze" in commands
    assert "bench run --plugins haze --dataset digits --budget smoke" in commands


def test_json_names_every_file(tmp_path, capsys):
    folder = tmp_path / "it"
    assert main(["new", "haze", "--kind", "dataset", "--folder", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {Path(name) for name in found["files"]} == {path for path in folder.rglob("*") if path.is_file()}
    assert len(found["next"]) >= 3


def test_an_existing_folder_is_left_as_it_is(tmp_path, capsys):
    assert main(["new", "haze", "--folder", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"bench: {tmp_path} exists already; choose another name or another folder with --folder\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"cannot write .*file"):
        write_distribution("haze", "generator", tmp_path / "file" / "bench-haze")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Haze", "haze"), ("my_method", "my-method"), ("3d-net", "d-net"), ("", "my-method"), ("-", "my-method"),
     ("a--b", "a-b"), ("../x", "x"), ("x" * 41, "x" * 40), ("é", "my-method"), ("a\n", "a")],
)  # fmt: skip
def test_a_name_that_cannot_be_used_is_refused_with_one_that_can(name, hint):
    with pytest.raises(BenchError, match=f"got .*; use '{hint}'$"):
        check_name(name)
    check_name(hint)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gmm", "an entry 'gmm' is installed already, by classifier-bench"), ("dr-vae", "a package bench_dr_vae"),
     ("bench-haze", "use 'haze'")],
)  # fmt: skip
def test_a_name_that_is_taken_is_refused(name, reason):
    with pytest.raises(BenchError, match=reason):
        check_name(name)


@pytest.mark.parametrize("kind", ["generator", "classifier", "dataset"])
def test_a_class_never_hides_what_its_module_needs(kind):
    tree = ast.parse(rendered("haze", kind)["src/bench_haze/__init__.py"])
    imported = {
        name.asname or name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert {name for name in imported if name[0].isupper()} <= RESERVED
    assert [class_name(name) for name in ("tensor", "none", "f", "my-f")] == ["Tensor_", "None_", "F_", "MyF"]


def test_every_template_is_used(monkeypatch):
    used = set()
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **options: used.add(path.name) or read(path, **options))
    for kind in ("generator", "classifier", "dataset"):
        rendered("haze", kind)
    assert {path.name for path in FILES.iterdir()} <= used


@pytest.mark.parametrize("kind", ["generator", "classifier", "dataset"])
def test_a_module_fits_on_a_page_or_two(kind):
    text = rendered("haze", kind)["src/bench_haze/__init__.py"]
    assert len([line for line in text.splitlines() if line.strip()]) <= 70
