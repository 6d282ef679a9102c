"""Data sets made ready once."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.api import Factor, Spec
from bench.data import prepared
from bench.data.builder import DatasetBuilder, SplitBuilder
from bench.data.prepared import load_or_build, prepared_folder, read
from bench.util.atomic import Corrupt

SPEC = Spec("toy", 1, 8, ("a", "b"), (Factor("f", "linear", 0, 1),))


def builder(spec: Spec = SPEC, made: list[int] | None = None, factor: float = 0.5) -> DatasetBuilder:
    if made is not None:
        made.append(1)

    def part(count: int, seed: int) -> SplitBuilder:
        rng = np.random.default_rng(seed)
        images = rng.integers(0, 256, (count, *spec.shape), dtype=np.uint8)

        def blocks() -> Iterator[np.ndarray]:
            yield images[:3]
            yield images[3:]

        factors = np.full((count, 1), factor, dtype=np.float32) if spec.factors else None
        return SplitBuilder(np.arange(count) % 2, blocks, factors)

    return DatasetBuilder(spec, part(10, 0), part(4, 1), part(6, 2))


@pytest.fixture
def folder(cache: Path) -> Path:
    return prepared_folder("toy", 1)


def test_a_data_set_is_built_once_and_read_afterwards(folder: Path):
    made: list[int] = []
    first = load_or_build(folder, lambda: builder(made=made))
    second = load_or_build(folder, lambda: builder(made=made))
    assert len(made) == 1
    assert first.digest == second.digest
    for split in ("train", "validation", "test"):
        one, two = getattr(first, split), getattr(second, split)
        assert one.images.dtype == torch.uint8
        assert one.labels.dtype == torch.int64
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.labels, two.labels)
        assert torch.equal(one.factors, two.factors)
    assert second.spec == SPEC


def test_the_digest_is_that_of_names_images_labels_and_factors(cache: Path):
    def digest(**changes: object) -> str:
        spec = Spec(**{**SPEC.__dict__, **{key: value for key, value in changes.items() if key != "factor"}})
        made = builder(spec, factor=changes.get("factor", 0.5))  # type: ignore[arg-type]
        return load_or_build(prepared_folder("toy", repr(changes)), lambda: made).digest

    digests = [
        digest(),
        digest(name="other"),
        digest(classes=("a", "c")),
        digest(factors=(Factor("g", "linear", 0, 1),)),
        digest(factor=0.25),
        digest(factors=()),
    ]
    assert len(set(digests)) == len(digests)
    assert digest() == digests[0]
    assert len(digests[0]) == 64


@pytest.mark.parametrize("file", ["train.images.npy", "test.labels.npy", "validation.factors.npy", "dataset.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "empty"])
def test_a_corrupt_file_is_found_and_built_again(
    folder: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture
):
    wanted = load_or_build(folder, builder).digest
    path = folder / file
    content = bytearray(path.read_bytes())
    content[-3 if file != "dataset.json" else len(content) // 2] ^= 0x11
    match damage:
        case "flip":
            path.write_bytes(content)
        case "cut":
            path.write_bytes(content[:-1])
        case "empty":
            path.write_bytes(b"")
        case "remove":
            path.unlink()
    made: list[int] = []
    assert load_or_build(folder, lambda: builder(made=made)).digest == wanted
    assert made == [1]
    assert read(folder).digest == wanted
    if (file, damage) != ("dataset.json", "remove"):
        assert f"{folder} is corrupt" in caplog.text


def test_a_changed_digest_is_corrupt(folder: Path):
    load_or_build(folder, builder)
    header = json.loads((folder / "dataset.json").read_text())
    header["spec"]["name"] = "mnist"
    (folder / "dataset.json").write_text(json.dumps(header))
    with pytest.raises(Corrupt, match="does not match its digest"):
        read(folder)


def test_large_arrays_are_mapped_and_never_written_through(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prepared, "MAP_ABOVE", 100)
    loaded: list[object] = []
    original = np.load
    monkeypatch.setattr(np, "load", lambda *args, **kwargs: loaded.append(kwargs) or original(*args, **kwargs))
    dataset = load_or_build(folder, builder)
    assert {"mmap_mode": "c", "allow_pickle": False} in loaded
    dataset.train.images[:] = 0
    assert read(folder).digest == dataset.digest


def test_a_folder_left_by_a_killed_writer_is_replaced(folder: Path):
    left = folder.parent / f".{folder.name}.tmp"
    left.mkdir(parents=True)
    (left / "train.images.npy").write_bytes(b"half")
    assert load_or_build(folder, builder).spec == SPEC
    assert not left.exists()


def test_it_is_built_once_for_many_concurrent_readers(folder: Path):
    made: list[int] = []
    digests: list[str] = []

    def ask() -> None:
        digests.append(load_or_build(folder, lambda: builder(made=made)).digest)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(digests)) == 1
    assert len(digests) == 6


def test_a_failed_build_leaves_no_files(folder: Path):
    def broken() -> DatasetBuilder:
        good = builder()

        def blocks() -> Iterator[np.ndarray]:
            yield np.zeros((1, *SPEC.shape), dtype=np.uint8)
            raise RuntimeError("bad image")

        return DatasetBuilder(
            good.spec, good.train, SplitBuilder(good.validation.labels, blocks, good.validation.factors), good.test
        )

    with pytest.raises(RuntimeError, match="bad image"):
        load_or_build(folder, broken)
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == []


def test_without_a_writable_cache_it_is_built_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folder: Path
):
    wanted = load_or_build(folder, builder)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    dataset = load_or_build(prepared_folder("toy", 1), builder)
    assert dataset.digest == wanted.digest
    assert torch.equal(dataset.test.images, wanted.test.images)
    assert "cannot cache data set toy" in caplog.text


def test_on_a_full_disk_the_data_set_is_built_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepared.os, "fsync", full)
    assert len(load_or_build(folder, builder).train) == 10
    assert "No space left on device" in caplog.text
    assert not folder.exists()
