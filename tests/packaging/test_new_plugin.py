"""What a new plugin of this repository needs outside its folder: one line in each of the files of `EDITS`."""

import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest
from environment import build_wheel
from tox_ini import environments

ROOT = Path(__file__).parents[2]
EDITS = {
    "pyproject.toml": ('datasets = "bench.data"\n', 'datasets = "bench.data"\ntwo-words = "bench_two_words"\n'),
    "tox.ini": ("-{host,", "-{host,two_words,"),
}
FILES = {
    "bench_two_words/__init__.py": '"""A plugin."""\n',
    "bench_two_words/inner/__init__.py": "",
    "bench_two_words/claims.toml": 'method = "m"\n',
    "bench_two_words/py.typed": "",
    "tests/test_it.py": "",
    "README.md": "",
}


@pytest.fixture
def extended(tracked: list[str], copied, tmp_path: Path) -> Path:
    """A copy of the repository with a new plugin and the edits."""
    checkout = copied(tracked, tmp_path / "checkout")
    for name, (before, after) in EDITS.items():
        text = (checkout / name).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (checkout / name).write_text(text.replace(before, after), encoding="utf-8")
    for name, text in FILES.items():
        path = checkout / "plugins" / "two_words" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return checkout


def test_the_edits_are_those_of_the_contributing_guide() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (paragraph,) = (item for item in guide.split("\n- ") if item.startswith("**A method in this repository**"))
    assert "two lines outside it" in paragraph
    assert all(f"`{name}`" in paragraph for name in EDITS)


def test_it_is_in_the_wheel_with_its_entry_point(extended: Path) -> None:
    wheel = build_wheel(extended, extended.parent / "wheels")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if "two_words" in name}
        (points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "two-words = bench_two_words" in archive.read(points).decode().splitlines()
    assert held == {name for name in FILES if name.startswith("bench_two_words/")}


def test_it_is_not_in_the_next_wheel_once_it_is_removed(extended: Path) -> None:
    build_wheel(extended, extended.parent / "before")
    shutil.rmtree(extended / "plugins" / "two_words")
    with zipfile.ZipFile(build_wheel(extended, extended.parent / "after")) as archive:
        assert [name for name in archive.namelist() if "two_words" in name] == []


def test_its_types_are_checked(extended: Path) -> None:
    config = tomllib.loads((extended / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    checked = {path for pattern in config["files"] for path in extended.glob(pattern)}
    assert extended / "plugins/two_words/bench_two_words" in checked


def test_it_has_environments_of_its_own(extended: Path) -> None:
    assert "py311-lowest-two_words" in environments(extended / "tox.ini")
