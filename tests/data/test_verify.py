"""A published name is earned by content: another file is refused with the digests of both."""

import gzip
import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data import bench_datasets, load, verify
from bench.data.files import Published
from bench.data.idx import FILES, FashionMnist, Mnist
from bench.data.source import FileSource
from bench.data.verify import known_mismatch, mismatch
from bench.errors import BenchError

DATASETS = bench_datasets()
REAL = [Path(part) for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part]  # before it is unset


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def idx_files(seed: int = 0) -> dict[str, bytes]:
    """200 + 50 images in the format of MNIST by the names of their files, not compressed."""
    rng, contents = np.random.default_rng(seed), {}
    for part, count in (("train", 200), ("t10k", 50)):
        images, labels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(count, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            shape = struct.pack(f">{array.ndim}I", *array.shape)
            contents[f"{part}-{kind}-ubyte"] = bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()
    return contents


def write(folder: Path, contents: dict[str, bytes], level: int | None = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if level is None:
            (folder / name).write_bytes(content)
        else:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, level, mtime=level))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Made-up files, of which the table of digests says that they are MNIST."""
    contents = idx_files()
    files = tuple(
        replace(file, digest=sha256(gzip.compress(contents[name], 9, mtime=9)), content=sha256(contents[name]))
        for name, file in zip(FILES, Mnist.files, strict=True)
    )
    monkeypatch.setattr(Mnist, "files", files)
    return contents


@pytest.mark.parametrize("level", [9, 1, None])
def test_the_true_content_passes_as_published_compressed_again_and_plain(
    tmp_path: Path, published: dict[str, bytes], level: int | None
):
    write(tmp_path / "mnist", published, level)
    assert len(load("mnist", tmp_path).test) == 50


@pytest.mark.parametrize("level", [1, None])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_another_content_is_refused_with_both_digests(tmp_path: Path, name: str, level: int | None):
    contents = idx_files()
    write(tmp_path / name, contents, level)
    path = tmp_path / name / (FILES[0] if level is None else f"{FILES[0]}.gz")
    file = DATASETS[name].files[0]  # type: ignore[attr-defined]
    got = sha256(contents[FILES[0]] if file.content else path.read_bytes())
    says = f"{path} is not the published {file.name} of {name}: expected {file.content or file.digest}, got {got}"
    with pytest.raises(BenchError, match=says):
        load(name, tmp_path)


def test_one_changed_label_is_another_content(tmp_path: Path, published: dict[str, bytes]):
    label = published[FILES[3]]
    write(tmp_path, published | {FILES[3]: label[:-1] + bytes([(label[-1] + 1) % 10])})
    with pytest.raises(BenchError, match=r"t10k-labels-idx1-ubyte\.gz is not the published"):
        load("mnist", tmp_path)


def test_a_data_set_that_was_prepared_before_does_not_lend_its_name(tmp_path: Path, published: dict[str, bytes]):
    write(tmp_path / "true", published)
    load("mnist", tmp_path / "true")
    write(tmp_path / "other", idx_files(1))
    with pytest.raises(BenchError, match="is not the published"):
        load("mnist", tmp_path / "other")


def test_a_file_of_another_data_set_is_recognised(tmp_path: Path, published: dict[str, bytes]):
    write(tmp_path, published)
    with pytest.raises(
        BenchError, match=r"got sha256:[0-9a-f]{64}, which is that of mnist; use folder:PATH for images"
    ):
        load("fashion-mnist", tmp_path)


def test_a_place_with_the_true_content_is_preferred_to_one_before_it(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path / "mnist", published)
    write(tmp_path / "first" / "mnist", idx_files(1))
    monkeypatch.setenv("BENCH_DATA", os.pathsep.join([str(tmp_path / "first"), str(tmp_path)]))
    found = load("mnist").test.images.numpy().tobytes()
    assert found == published[FILES[2]][16:]


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "dsprites", "celeba"])
def test_every_published_name_is_checked(tmp_path: Path, name: str):
    source = DATASETS[name]
    assert issubclass(source, FileSource)
    for file in source.files:
        (tmp_path / file.name).write_bytes(b"another file")
    algorithm, _, expected = source.files[0].digest.partition(":")
    got = hashlib.new(algorithm, b"another file").hexdigest()
    says = f"is not the published .* of {name}: expected {algorithm}:{expected}, got {algorithm}:{got}"
    with pytest.raises(BenchError, match=says):
        load(name, tmp_path)


def test_a_refused_file_is_no_longer_called_ready(tmp_path: Path):
    write(tmp_path, idx_files())
    source = FashionMnist(root=tmp_path)
    assert source.state().state == "ready"  # nothing has read it yet
    with pytest.raises(BenchError):
        source.load()
    assert source.state().state == "missing"
    assert source.state().note == f"{tmp_path / FILES[0]}.gz is not the published file"


# Digests are computed once


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of digests that were computed."""
    kinds: list[str] = []
    original = verify._compute
    monkeypatch.setattr(verify, "_compute", lambda path, kind: kinds.append(kind) or original(path, kind))
    return kinds


def test_a_digest_is_computed_once_until_size_or_date_change(tmp_path: Path, computed: list[str]):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"one"))
    file = Published("x.gz", digest=sha256(b"else"), content=sha256(b"one"))
    assert [mismatch(path, file) for _ in range(3)] == [None] * 3
    assert computed == ["sha256", "unpacked sha256"]
    path.write_bytes(gzip.compress(b"two!"))
    assert mismatch(path, file) == (sha256(b"one"), sha256(b"two!"))
    assert known_mismatch(path, file)
    assert len(computed) == 4
    os.utime(path, ns=(1, 1))
    assert not known_mismatch(path, file)
    assert len(computed) == 4


def test_a_damaged_gzip_file_is_compared_as_it_is(tmp_path: Path):
    path, whole = tmp_path / "x.gz", gzip.compress(b"one" * 100)
    path.write_bytes(whole[:-9])
    file = Published("x.gz", digest=sha256(whole), content=sha256(b"one" * 100))
    assert mismatch(path, file) == (sha256(whole), sha256(whole[:-9]))


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verify, "LIMIT", 2**20)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes(2**22), 1))
    assert mismatch(path, Published("x.gz", digest=sha256(b"1"), content=sha256(bytes(2**22)))) is not None


def test_without_a_cache_a_digest_is_computed_each_time(
    tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    path = tmp_path / "x"
    path.write_bytes(b"one")
    assert [mismatch(path, Published("x", digest=sha256(b"one"))) for _ in range(2)] == [None] * 2
    assert computed == ["sha256"] * 2
    assert f"cannot keep the digest of {path}" in caplog.text


# Where torchvision and others put files


@pytest.mark.parametrize(
    "folder",
    ["MNIST/raw", "mnist/raw", "mnist/MNIST/raw", "MNIST", "raw", "Mnist"],
    ids=lambda it: it.replace("/", "-"),
)
def test_the_folders_of_torchvision_are_found(tmp_path: Path, published: dict[str, bytes], folder: str):
    write(tmp_path / folder, published)
    assert len(load("mnist", tmp_path).test) == 50


def test_a_folder_named_by_a_class_of_torchvision_is_found(tmp_path: Path):
    write(tmp_path / "FashionMNIST" / "raw", idx_files())
    assert FashionMnist(root=tmp_path).find(FashionMnist.files[0]) is not None
    assert Mnist(root=tmp_path).find(Mnist.files[0]) is None


@pytest.mark.parametrize("level", [1, None])
def test_names_with_a_dot_before_idx_are_found(tmp_path: Path, published: dict[str, bytes], level: int | None):
    dotted = {name.replace("-idx", ".idx"): content for name, content in published.items()}
    write(tmp_path / "mnist", dotted, level)
    assert (tmp_path / "mnist" / ("train-images.idx3-ubyte" + (".gz" if level else ""))).exists()
    assert len(load("mnist", tmp_path).test) == 50


# The real files, where they are


@pytest.mark.parametrize("pack", [True, False])
def test_the_published_fashion_mnist_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: bool):
    monkeypatch.setenv("BENCH_DATA", os.pathsep.join(map(str, REAL)))
    source = FashionMnist()
    found = [source.find(file) for file in source.files]
    if None in found:
        pytest.skip("fashion-mnist is in no folder of $BENCH_DATA")
    for path, file in zip(found, source.files, strict=True):
        assert path is not None
        if not pack:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            path = tmp_path / path.stem
            path.write_bytes(content)
        assert mismatch(path, file) is None
