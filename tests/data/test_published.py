"""CIFAR, SVHN, CelebA and digits: the published formats."""

import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import load
from bench.data.celeba import published_partition
from bench.errors import BenchError

pytestmark = pytest.mark.usefixtures("made_up")

# CIFAR


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def batch(count: int, seed: int, classes: int = 10, key: bytes = b"labels") -> dict[bytes, object]:
    data = np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)
    return {b"data": data, key: [i % classes for i in range(count)], b"filenames": [b"x"] * count}


def cifar10(folder: Path, **changes: object) -> Path:
    contents: dict[str, object] = {f"data_batch_{i}": batch(40, i) for i in range(1, 6)}
    contents |= {"test_batch": batch(30, 9), "batches.meta": {b"label_names": [b"c%d" % i for i in range(10)]}}
    contents |= {name.replace("_meta", ".meta"): value for name, value in changes.items()}
    members = {
        f"cifar-10-batches-py/{name}": value if isinstance(value, bytes) else pickle.dumps(value, 2)
        for name, value in contents.items()
        if value is not None
    }
    return write_tar(folder / "cifar-10-python.tar.gz", members)


def test_cifar10_is_read_within_its_archive(tmp_path: Path):
    cifar10(tmp_path)
    dataset = load("cifar10", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (180, 20, 30)
    assert dataset.spec.classes == tuple(f"c{i}" for i in range(10))
    wanted = batch(30, 9)[b"data"].reshape(-1, 3, 32, 32)  # type: ignore[attr-defined]
    assert (dataset.test.images.numpy() == wanted).all()
    assert dataset.test.labels.tolist() == [i % 10 for i in range(30)]
    assert sorted(os.listdir(tmp_path)) == ["cache", "cifar-10-python.tar.gz"]


def test_cifar100_has_its_fine_classes(tmp_path: Path):
    members = {"train": batch(300, 0, 100, b"fine_labels"), "test": batch(100, 1, 100, b"fine_labels")}
    members["meta"] = {b"fine_label_names": [b"f%d" % i for i in range(100)], b"coarse_label_names": [b"c"] * 20}
    write_tar(
        tmp_path / "cifar-100-python.tar.gz",
        {f"cifar-100-python/{name}": pickle.dumps(value, 2) for name, value in members.items()},
    )
    dataset = load("cifar100", tmp_path)
    assert len(dataset.spec.classes) == 100
    assert dataset.spec.classes[99] == "f99"
    assert len(dataset.test) == 100


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch owned",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data_batch_3": Attack()}, "data_batch_3 is refused: its pickle refers to posix.system"),
        ({"data_batch_3": None}, "does not contain data_batch_3"),
        ({"batches_meta": None}, "does not contain batches.meta"),
        (
            {"batches_meta": {b"label_names": [b"one"]}},
            "expected 'label_names' as a list of 10 distinct names, got list",
        ),
        ({"test_batch": [1, 2]}, "expected a dict with string keys, got list"),
        ({"test_batch": {b"data": np.zeros((3, 30), dtype=np.uint8)}}, r"shape \(n, 3072\), got uint8 of shape"),
        ({"test_batch": {**batch(3, 0), b"labels": [0, 1, 10]}}, "expected 3 'labels' in 0..9, got 3 in 0..10"),
        ({"test_batch": {**batch(3, 0), b"labels": [0, 1]}}, "expected 3 'labels' in 0..9, got 2 in 0..1"),
        ({"test_batch": {**batch(3, 0), b"labels": "abc"}}, "'labels' as a list of integers, got str"),
        ({"test_batch": pickle.dumps(batch(3, 0))[:500]}, "test_batch is not a valid pickle"),
    ],
)
def test_a_bad_cifar_batch_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], says: str
):
    monkeypatch.chdir(tmp_path)
    path = cifar10(tmp_path, **changes)
    with pytest.raises(BenchError, match=says) as caught:
        load("cifar10", tmp_path)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.7, 0.999])
def test_a_truncated_tar_is_named(tmp_path: Path, keep: float):
    path = cifar10(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(BenchError, match=f"{path} (is not a valid tar archive|does not contain)"):
        load("cifar10", tmp_path)


def test_an_unpacked_archive_is_not_taken_for_the_archive(tmp_path: Path):
    (tmp_path / "cifar-10-python.tar").write_bytes(b"")
    from bench.data.cifar import Cifar10

    assert Cifar10(root=tmp_path).state().state == "download"


# SVHN


def svhn(folder: Path, **changes: np.ndarray) -> None:
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    for name, count in (("train", 60), ("test", 20)):
        content = {
            "X": rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8),
            "y": (np.arange(count) % 10 + 1)[:, None],
        }
        savemat(folder / f"{name}_32x32.mat", content | changes, do_compression=True)


def test_svhn_is_read_upright_and_its_ten_is_a_zero(tmp_path: Path):
    from scipy.io import loadmat

    svhn(tmp_path)
    dataset = load("svhn", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (50, 10, 20)
    assert dataset.test.labels.tolist() == [*range(1, 10), 0] * 2
    pixels = loadmat(tmp_path / "test_32x32.mat")["X"]
    assert (dataset.test.images[7].permute(1, 2, 0).numpy() == pixels[..., 7]).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"X": np.zeros((32, 32, 3, 7), dtype=np.uint8)}, r"expected y as numbers of shape \(7, 1\), got"),
        ({"X": np.zeros((32, 32, 3, 60))}, "expected X as uint8"),
        ({"y": np.zeros((60, 1))}, "expected labels y in 1..10"),
    ],
)
def test_a_bad_svhn_file_is_named(tmp_path: Path, changes: dict[str, np.ndarray], says: str):
    svhn(tmp_path, **changes)
    with pytest.raises(BenchError, match=f"train_32x32.mat: {says}"):
        load("svhn", tmp_path)


@pytest.mark.parametrize("keep", [0, 60, 0.5, 0.99])
def test_a_truncated_mat_is_named(tmp_path: Path, keep: float):
    svhn(tmp_path)
    path = tmp_path / "test_32x32.mat"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(BenchError, match=r"test_32x32\.mat is not a valid MATLAB file"):
        load("svhn", tmp_path)


# CelebA


def celeba(folder: Path, partition: bool = True) -> None:
    """12 faces: red 178 x 178 centre, blue above and below; even ones smile."""
    face = np.zeros((218, 178, 3), dtype=np.uint8)
    face[..., 2] = 255
    face[20:198] = [255, 0, 0]
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "JPEG", quality=95)
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for i in range(12):
            archive.writestr(f"img_align_celeba/{i + 1:06d}.jpg", buffer.getvalue())
    rows = [f"{i + 1:06d}.jpg {1 - 2 * (i % 2)} {2 * (i % 3 == 0) - 1} -1" for i in range(12)]
    (folder / "list_attr_celeba.txt").write_text("12\nSmiling Male Young\n" + "\n".join(rows) + "\n")
    if partition:
        lines = [f"{i + 1:06d}.jpg {i // 4}" for i in range(12)]
        (folder / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")


def test_celeba_is_cut_to_its_centre_and_split_as_published(tmp_path: Path):
    celeba(tmp_path)
    dataset = load("celeba", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (4, 4, 4)
    assert dataset.spec.shape == (3, 64, 64)
    assert dataset.spec.classes == ("not-smiling", "smiling")
    assert dataset.train.labels.tolist() == [1, 0, 1, 0]
    red, _, blue = dataset.test.images[0].float().mean(dim=(1, 2)).tolist()
    assert red > 250
    assert blue < 5
    assert [factor.name for factor in dataset.spec.factors] == ["Smiling", "Male", "Young"]
    assert dataset.test.factors is not None
    assert dataset.test.factors.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_another_attribute_can_be_the_class(tmp_path: Path):
    celeba(tmp_path)
    dataset = load("celeba:male", tmp_path)
    assert dataset.spec.classes == ("not-male", "male")
    assert dataset.spec.name == "celeba-male"
    assert dataset.train.labels.tolist() == [1, 0, 0, 1]
    with pytest.raises(BenchError, match="unknown attribute 'Smilling' of celeba: did you mean 'Smiling'"):
        load("celeba:Smilling", tmp_path)


def test_the_published_partition_follows_from_the_names():
    names = ["000001.jpg", "162770.jpg", "162771.jpg", "182637.jpg", "182638.jpg", "202599.jpg"]
    assert published_partition(names).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_missing_face_is_named(tmp_path: Path):
    celeba(tmp_path)
    text = (tmp_path / "list_attr_celeba.txt").read_text().replace("000012", "000099")
    (tmp_path / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(BenchError, match=r"list_eval_partition.txt has no entry for 000099.jpg"):
        load("celeba", tmp_path)
    partition = tmp_path / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("000012", "000099"))
    with pytest.raises(BenchError, match=r"img_align_celeba.zip does not contain 000099.jpg"):
        load("celeba", tmp_path)


@pytest.mark.parametrize("text", ["", "x\n", "3\nSmiling\n000001.jpg 1\n", "1\nSmiling Male\n000001.jpg 1\n"])
def test_a_bad_attribute_list_is_named(tmp_path: Path, text: str):
    celeba(tmp_path)
    (tmp_path / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(BenchError, match=r"list_attr_celeba.txt( is not a valid|: expected)"):
        load("celeba", tmp_path)


# digits


def test_digits_are_split_evenly():
    dataset = load("digits")
    counts = [len(split) for split in (dataset.train, dataset.validation, dataset.test)]
    assert sum(counts) == 1797
    assert counts[2] / 1797 == pytest.approx(0.2, abs=0.01)
    assert counts[1] / (1797 - counts[2]) == pytest.approx(0.1, abs=0.01)
    assert dataset.test.labels.bincount().min() >= 34
    assert dataset.spec.shape == (1, 32, 32)


def test_digits_span_the_whole_range_at_their_own_size():
    dataset = load("digits", size=8)
    assert dataset.train.images.aminmax() == (0, 255)
    assert set(dataset.train.images.unique().tolist()) <= {round(v * 255 / 16) for v in range(17)}
