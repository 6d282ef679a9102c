"""IDX files: the format, and the data sets that come in it."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.data import idx, load
from bench.data.idx import FILES, parse_idx
from bench.errors import BenchError

pytestmark = pytest.mark.usefixtures("made_up")
ARRAYS = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, max_side=6))


def encode(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_set(folder: Path, pack: bool = True, **changes: bytes) -> None:
    """200 + 50 images of 28 x 28, ten classes, in the four files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 200), ("t10k", 50)):
        contents = {
            f"{part}-images-idx3-ubyte": encode(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)),
            f"{part}-labels-idx1-ubyte": encode((np.arange(count) % 10).astype(np.uint8)),
        }
        for name, content in contents.items():
            content = changes.get(name.replace("-", "_"), content)
            (folder / (f"{name}.gz" if pack else name)).write_bytes(gzip.compress(content, 1) if pack else content)


@given(ARRAYS)
def test_an_array_survives(array: np.ndarray):
    assert (parse_idx(io.BytesIO(encode(array)), "x") == array).all()


@given(ARRAYS, st.data())
def test_every_truncation_is_an_error(array: np.ndarray, data: st.DataObject):
    content = encode(array)
    with pytest.raises(BenchError, match="x "):
        parse_idx(io.BytesIO(content[: data.draw(st.integers(0, len(content) - 1))]), "x")


@given(ARRAYS, st.binary(min_size=1, max_size=5))
def test_trailing_bytes_are_an_error(array: np.ndarray, tail: bytes):
    with pytest.raises(BenchError, match="got more"):
        parse_idx(io.BytesIO(encode(array) + tail), "x")


@given(st.binary(max_size=40))
def test_noise_is_an_array_or_an_error_of_one_sentence(content: bytes):
    try:
        array = parse_idx(io.BytesIO(content), "x")
    except BenchError as error:
        sentence = str(error)
    else:
        sentence = "x"
        assert encode(array) == content
    assert sentence.startswith("x")
    assert "\n" not in sentence


def test_a_header_with_an_enormous_shape_allocates_no_memory():
    with pytest.raises(BenchError, match="its header states"):
        parse_idx(io.BytesIO(b"\0\0\x08\x03" + struct.pack(">3I", 60_000, 60_000, 60_000)), "x")


def test_other_element_types_are_named():
    with pytest.raises(BenchError, match="type 0x0d"):
        parse_idx(io.BytesIO(b"\0\0\x0d\x01" + struct.pack(">I", 0)), "x")


@pytest.mark.parametrize("pack", [True, False])
def test_the_splits_are_the_published_ones(tmp_path: Path, pack: bool):
    write_set(tmp_path / "mnist", pack)
    dataset = load("mnist", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (180, 20, 50)
    assert dataset.validation.labels.bincount().tolist() == [2] * 10
    assert dataset.spec.shape == (1, 28, 28)
    assert dataset.test.factors is None
    raw = idx.read_idx(next((tmp_path / "mnist").glob("t10k-images*")))
    assert (dataset.test.images[:, 0].numpy() == raw).all()


def test_train_and_validation_are_the_whole_training_set(tmp_path: Path):
    write_set(tmp_path)
    dataset = load("mnist", tmp_path)
    both = [*dataset.train.images, *dataset.validation.images]
    raw = idx.read_idx(tmp_path / f"{FILES[0]}.gz")
    assert sorted(image.numpy().tobytes() for image in both) == sorted(image.tobytes() for image in raw)


def test_a_gzip_file_without_its_suffix_is_read(tmp_path: Path):
    write_set(tmp_path)
    for path in list(tmp_path.iterdir()):
        if path.suffix == ".gz":
            path.rename(path.with_suffix(""))
    assert len(load("kmnist", tmp_path).test) == 50


def test_images_are_resized(tmp_path: Path):
    write_set(tmp_path)
    assert load("mnist", tmp_path, 32).train.images.shape == (180, 1, 32, 32)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train_images_idx3_ubyte", encode(np.zeros((200, 28, 27), dtype=np.uint8)), "square images"),
        ("train_images_idx3_ubyte", encode(np.zeros((0, 28, 28), dtype=np.uint8)), "square images"),
        (
            "train_labels_idx1_ubyte",
            encode(np.zeros(199, dtype=np.uint8)),
            r"expected labels of shape \(200,\), got \(199,\)",
        ),
        ("t10k_labels_idx1_ubyte", encode(np.full(50, 10, dtype=np.uint8)), "expected labels in 0..9, got 10"),
        ("t10k_images_idx3_ubyte", encode(np.zeros((50, 28, 28), dtype=np.uint8))[:-1], "is truncated"),
        ("t10k_images_idx3_ubyte", b"<html>not found</html>", "is not an IDX file: it starts with 3c 68 74 6d"),
        ("t10k_images_idx3_ubyte", b"", "starts with nothing"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, content: bytes, says: str):
    write_set(tmp_path, **{name: content})
    with pytest.raises(BenchError, match=says) as caught:
        load("mnist", tmp_path)
    assert str(tmp_path / name.replace("_", "-")) in str(caught.value)


@pytest.mark.parametrize("keep", [1, 5, 30, 0.5, 0.999])
def test_a_truncated_gzip_file_is_named(tmp_path: Path, keep: float):
    write_set(tmp_path)
    path = tmp_path / f"{FILES[0]}.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(BenchError, match=str(path)):
        load("mnist", tmp_path)
