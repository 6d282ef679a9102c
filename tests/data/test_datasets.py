"""What holds for every built-in data set, and where they are looked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.api import DataSource
from bench.data import bench_datasets, face_drawing, load
from bench.data.source import FileSource
from bench.errors import BenchError
from bench.util.paths import cache_dir, data_roots

DATASETS = bench_datasets()
PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
REAL = [Path(part) for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part]  # before it is unset


def test_the_names_are_the_documented_ones():
    assert set(DATASETS) == {
        "sprites", "faces", "dsprites", "dsprites-like", "digits", "mnist", "fashion-mnist", "kmnist",
        "cifar10", "cifar100", "cifar10-jpeg", "svhn", "celeba", "folder",
    }  # fmt: skip


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_states_its_source_and_whether_its_files_exist(name: str):
    source = DATASETS[name]()
    assert isinstance(source, DataSource)
    assert source.name == name
    assert source.source
    state = source.state()
    drawn = name in ("sprites", "dsprites-like", "digits") or (name == "faces" and face_drawing.installed())
    assert (state.state == "ready") == drawn
    assert bool(state.note) == (not drawn)
    assert source.judge_floor is None or 0 < source.judge_floor < 1


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_is_documented(name: str):
    assert f"| `{name}" in PAGE


@pytest.mark.parametrize("name", [name for name in DATASETS if not DATASETS[name].argument_meaning])
def test_an_unsupported_argument_is_refused(name: str):
    with pytest.raises(BenchError, match=f"'{name}' takes no argument, got 'x'"):
        load(f"{name}:x")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sprites:simpel", "sprites: expected 'simple' or nothing, got 'simpel'; did you mean 'simple'"),
        ("faces:100", "faces: expected a size in pixels: 64, 128, 256, 512, 1024, got '100'"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_known_ones(name: str, says: str):
    with pytest.raises(BenchError, match=says):
        load(name)


@pytest.mark.parametrize("name", [name for name in DATASETS if issubclass(DATASETS[name], FileSource)])
def test_every_published_file_has_an_origin_and_a_digest(name: str):
    for file in DATASETS[name].files:  # type: ignore[attr-defined]
        assert file.origin
        for known in filter(None, (file.digest, file.content)):
            algorithm, _, digest = known.partition(":")
            assert len(digest) == {"sha256": 64, "md5": 32}[algorithm]
        assert file.digest


@pytest.mark.parametrize(
    ("name", "hint"), [("sprite", "'sprites'"), ("fashionmnist", "'fashion-mnist'"), ("q", "known: ")]
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(name: str, hint: str):
    with pytest.raises(BenchError, match=f"unknown data set '{name}': .*{hint}"):
        load(name)


@pytest.mark.parametrize("size", [0, 7, 513, -1, 28.0, "28"])
def test_an_unsupported_size_is_refused(size: int):
    with pytest.raises(BenchError, match="size: expected an integer from 8 to 512 pixels"):
        load("digits", size=size)


def test_a_size_has_a_cache_entry_of_its_own(cache: Path):
    assert load("digits", size=8).spec.size == 8
    assert load("digits", size=16).spec.size == 16
    assert load("digits", size=8).spec.size == 8
    assert len([path for path in (cache / "prepared").iterdir() if path.is_dir()]) == 2


def test_importing_imports_no_slow_package():
    code = "import sys, bench.data; print([m for m in ('sklearn', 'scipy', 'requests', 'rich', 'dicebear', 'resvg_py') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Where files are looked for.


def test_the_search_path_is_the_documented_one(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BENCH_DATA", os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")]))
    roots = data_roots(tmp_path / "zero")
    assert roots[:4] == [tmp_path / "zero", tmp_path / "one", tmp_path / "two", cache / "data"]
    assert len(roots) == 5


def test_the_cache_is_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert cache_dir() == tmp_path / "xdg" / "bench"
    monkeypatch.setenv("BENCH_CACHE", "~/elsewhere")
    assert cache_dir() == Path.home() / "elsewhere"


def touch(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in DATASETS[name].files:  # type: ignore[attr-defined]
        (folder / file.name).write_bytes(b"")


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_files_lie_in_a_searched_folder_or_in_one_named_after_the_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
):
    touch(tmp_path / "data" / below, "cifar10")
    assert DATASETS["cifar10"]().state().state == "download"
    monkeypatch.setenv("BENCH_DATA", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "data")]))
    assert DATASETS["cifar10"]().state().state == "ready"


def test_the_cache_and_the_system_are_searched(tmp_path: Path, cache: Path):
    touch(cache / "data" / "svhn", "svhn")
    touch(tmp_path / "no-system-data" / "kmnist", "kmnist")
    assert DATASETS["svhn"]().state().state == "ready"
    assert DATASETS["kmnist"]().state().state == "ready"
    assert DATASETS["mnist"]().state().state == "download"


def test_files_of_another_data_set_with_the_same_names_are_not_used(tmp_path: Path):
    touch(tmp_path / "fashion-mnist", "fashion-mnist")
    for root in (tmp_path, tmp_path / "fashion-mnist"):
        assert DATASETS["fashion-mnist"](root=root).state().state == "ready"  # type: ignore[call-arg]
        assert DATASETS["mnist"](root=root).state().state == "download"  # type: ignore[call-arg]


def test_a_file_to_download_by_hand_is_named_with_its_destination(tmp_path: Path, cache: Path):
    with pytest.raises(
        BenchError, match=r"'celeba' needs a file that was not found: get img_align_celeba\.zip from https"
    ):
        load("celeba")
    touch(tmp_path, "celeba")
    (tmp_path / "list_attr_celeba.txt").unlink()
    note = DATASETS["celeba"](root=tmp_path).state().note  # type: ignore[call-arg]
    assert str(cache / "data" / "celeba" / "list_attr_celeba.txt") in note


# Real data, where it is.


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("fashion-mnist", (1, 28, 28), (55_000, 5_000, 10_000)),
        ("mnist", (1, 28, 28), (55_000, 5_000, 10_000)),
        pytest.param("cifar10-jpeg", (3, 32, 32), (45_000, 5_000, 10_000), marks=pytest.mark.whole),
    ],
)
def test_real_data_are_as_published(
    name: str, shape: tuple[int, int, int], counts: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BENCH_DATA", os.pathsep.join(map(str, REAL)))
    if DATASETS[name]().state().state != "ready":
        pytest.skip(f"{name} is in no folder of $BENCH_DATA")
    dataset = load(name)
    assert dataset.spec.shape == shape
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == counts
    for split, count in zip((dataset.train, dataset.validation, dataset.test), counts, strict=True):
        assert torch.equal(split.labels.bincount(), torch.full((10,), count // 10))
        assert 50 < split.images.float().mean() < 150
