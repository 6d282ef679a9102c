"""Files that lie: refused in one sentence that names them, before they take memory, time or control.

What single formats are tested for elsewhere (tests/data, tests/boards, tests/test_claims.py) is not repeated here; the
table in docs/reliability.md refers to it.
"""

import ast
import gzip
import io
import os
import pickle
import struct
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies as files
import torch

from bench.data import cifar, dsprites, load
from bench.data.archive import open_archive
from bench.data.celeba import read_attributes, read_partition
from bench.data.cifar import read_batch, read_members
from bench.data.dsprites import read_npz
from bench.data.folder import Folder
from bench.data.idx import Mnist, read_idx
from bench.data.images import decode
from bench.data.svhn import read_mat
from bench.data.unpickle import unpickle
from bench.errors import BenchError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DATA", "")
    monkeypatch.setattr("bench.util.paths.SYSTEM_DATA", tmp_path / "no-system-data")
    return tmp_path / "cache"


@contextmanager
def little_memory(most: int = 2**24) -> Iterator[None]:
    """No more than so many bytes are asked for within."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak} bytes"


def refused(says: str, path: object = "x") -> Any:
    return pytest.raises(BenchError, match=rf"(?s)^(?=.*(?:{says})).*{path}")


# Pickles


def forged_pointers() -> bytes:
    """An array of objects whose dtype was made to say that it holds none: its bytes are taken for addresses."""
    dtype = b"cnumpy\ndtype\nU\x01OK\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return b"\x80\x02}U\x04datacnumpy\nndarray\nK\x01\x85" + dtype + b"U\x08AAAAAAAA\x87Rs."


def shared_tuples(depth: int = 60) -> bytes:
    """A tuple of twice the same tuple and so on, as a key of a dict: its hash takes 2 ** depth steps."""
    return b"\x80\x02})" + b"".join(b"q%c0h%ch%c\x86" % (i, i, i) for i in range(depth)) + b"Ns."


def shared_lists(depth: int = 60) -> bytes:
    """The same of lists, as labels."""
    inner: object = []
    for _ in range(depth):
        inner = [inner, inner]
    data = np.zeros((2, 3072), dtype=np.uint8)
    return pickle.dumps({b"data": data, b"labels": inner, b"label_names": inner}, 2)


def array_call(shape: tuple[int, ...], code: str = "u1", raw: bytes = b"") -> bytes:
    class Forged:
        def __reduce__(self) -> Any:
            from numpy._core.multiarray import _reconstruct  # type: ignore[attr-defined]

            return _reconstruct, (np.ndarray, (0,), b"b"), (1, shape, np.dtype(code), False, raw)

    return pickle.dumps({b"data": Forged(), b"labels": []}, 3)


PICKLES = {
    "forged pointers": (forged_pointers(), "arrays of plain numbers"),
    "a place far off in the memo": (b"\x80\x02Nr\xff\xff\xff\x7f.", "stores memo entry 2147483647"),
    "the same as text": (b"Np9999999999\n.", "stores memo entry 9999999999"),
    "tuples within tuples as a key": (shared_tuples(), "uses (POP|BINGET) in a way that no array needs"),
    "an array without its bytes": (array_call((10**12, 3072)), "does not match its shape"),
    "an array of negative size": (array_call((-1, -3072)), "does not match its shape"),
    "an array of another size": (array_call((3, 3072), raw=b"x" * 3072), "does not match its shape"),
    "an array of objects": (pickle.dumps({b"data": np.array([{}])}, 2), "arrays of plain numbers"),
    "an array of records": (pickle.dumps({b"data": np.zeros(2, "u1,u1")}, 2), "arrays of plain numbers"),
    "bytes without end": (b"\x80\x05\x8e" + struct.pack("<Q", 2**62) + b"x.", "not a valid pickle"),
    "a byte array without end": (b"\x80\x05\x96" + struct.pack("<Q", 2**35) + b"x.", "not a valid pickle"),
    "a number of 5000 digits": (b"L" + b"9" * 5000 + b"L\n.", "not a valid pickle"),
    "an extension": (b"\x80\x02\x82\x01.", "uses EXT1 in a way that no array needs"),
    "an object by its class": (b"\x80\x02cnumpy\nndarray\nK\x05\x85\x81.", "uses NEWOBJ in a way that no array needs"),
    "a state for a function": (b"\x80\x02c_codecs\nencode\n}U\x09_functionNsb.", "not a valid pickle"),
    "labels within labels": (shared_lists(), "'labels' as a list of integers, got list"),
}


@pytest.mark.parametrize("what", PICKLES)
@pytest.mark.timeout(60)
def test_a_pickle_that_lies_is_refused(what: str):
    content, says = PICKLES[what]
    with little_memory(), refused(says):
        read_batch(content, "labels", 10, "x")


@pytest.mark.timeout(60)
def test_names_within_names_are_refused():
    with refused("'label_names' as a list of 10 distinct names, got list"):
        cifar.Cifar10()._classes(shared_lists(), "x")


def test_a_state_cannot_change_what_the_next_pickle_calls():
    for attack in (b"\x80\x02c_codecs\nencode\nN}U\x09_functionNs\x86b.", b"\x80\x02cnumpy\ndtype\n(dU\x01aNsb."):
        with pytest.raises(BenchError):
            unpickle(attack, "x")
    array = np.arange(6, dtype=">i2").reshape(2, 3)
    for protocol in range(6):
        assert (unpickle(pickle.dumps({b"data": array}, protocol), "x")[b"data"] == array).all()


# Archives


def tar(path: Path, *members: tuple[str, bytes | int], pack: bool = True) -> Path:
    """Members with their content, or with so many zeros."""
    with (gzip.open if pack else open)(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:  # type: ignore[operator]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = content if isinstance(content, int) else len(content)
            archive.addfile(info, io.BytesIO(content if isinstance(content, bytes) else bytes(content)))
    return path


def members(path: Path) -> list[str]:
    return [name for name, _ in read_members(path, {"data_batch_1", "test_batch"})]


@pytest.mark.parametrize("where", ["a member that nobody wants", "a header", "behind the end"])
def test_a_tar_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str):
    monkeypatch.setattr(cifar, "TOTAL_LIMIT", 2**20)
    match where:
        case "a member that nobody wants":
            path = tar(tmp_path / "x.tar.gz", ("notes", 2**21), ("data_batch_1", b"x"))
        case "a header":
            path = tar(tmp_path / "x.tar.gz", ("n" * 2**21, b"x"))
        case "behind the end":
            path = tar(tmp_path / "x.tar.gz", ("data_batch_1", b"x"))
            path.write_bytes(path.read_bytes() + gzip.compress(bytes(2**21)))
    assert path.stat().st_size < 2**15
    if where == "behind the end":
        assert members(path) == ["data_batch_1"]  # what comes behind the end is not read
    else:
        with refused("unpacks to more than the limit of 1048576 bytes", path):
            members(path)


def test_a_member_too_large_is_refused_before_it_is_read(tmp_path: Path):
    path = tar(tmp_path / "x.tar.gz", ("data_batch_1", b"x"))
    header = bytearray(gzip.decompress(path.read_bytes()))
    header[124:136] = b"77777777777\0"
    header[148:156] = b"%06o\0 " % sum(header[:148] + b" " * 8 + header[156:512])
    path.write_bytes(gzip.compress(bytes(header)))
    with little_memory(), refused("data_batch_1 has 8589934591 bytes", path):
        members(path)


def test_a_member_that_comes_twice_is_refused(tmp_path: Path):
    path = tar(tmp_path / "x.tar.gz", ("a/data_batch_1", b"x"), ("b/data_batch_1", b"y"))
    with refused("contains data_batch_1 twice", path):
        members(path)


def test_a_tar_writes_nothing_wherever_its_members_lead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in (("../../data_batch_1", tarfile.REGTYPE), ("/etc/test_batch", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert members(path) == ["data_batch_1"]  # a link is no file
    assert sorted(os.listdir(tmp_path)) == ["x.tar.gz"]


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"<html>", b"\x1f\x8b\x08", gzip.compress(b"x" * 1000, mtime=0)])
def test_what_is_no_tar_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with refused("not a valid tar archive", tmp_path / "x.tar.gz"):
        members(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_packed_by_a_method_of_much_memory_is_refused(tmp_path: Path, method: int):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("cat/1.png", b"x")
    with refused(f"compression method {method}", tmp_path / "x.zip"):
        open_archive(tmp_path / "x.zip")


def test_a_zip_entry_that_is_larger_than_it_says_is_read_no_further(tmp_path: Path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", bytes(2**24))
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 2**24), struct.pack("<I", 900)))
    with little_memory(2**22), refused("not a valid zip entry", path):
        open_archive(path).read("cat/1.png")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08", b"<html>", b"PK\5\6" + bytes(18)])
def test_what_is_no_zip_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "pets.zip"
    path.write_bytes(content)
    with refused("not a valid zip file|expected images, or class folders|only folders and zip files are read", path):
        load(f"folder:{path}")


# Folders


def fill(home: Path, count: int = 5) -> Path:
    """Two class folders of so many images each."""
    from PIL import Image

    for name in ("cat", "dog"):
        (home / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (9, 9), (9, 9, i)).save(home / name / f"{i}.png")
    return home


FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link in a circle": (lambda home: (home / "cat" / "a.png").symlink_to("a.png"), "not a valid folder of images"),
    "a link to nothing": (lambda home: (home / "cat" / "a.png").symlink_to("b.png"), "not a valid folder of images"),
    "a link to a device": (lambda home: (home / "cat" / "a.png").symlink_to("/dev/zero"), "is a link out of"),
    "a link through ..": (lambda home: (home / "cat" / "a.png").symlink_to("../../../secret.png"), "is a link out of"),
    "a folder like an image": (lambda home: (home / "cat" / "a.png").mkdir(), ""),
    "a picture of text": (
        lambda home: (home / "cat" / "0.png").write_text("<svg onload='x'/>"),
        "is SVG, which is not",
    ),
    "an archive like an image": (lambda home: (home / "cat" / "0.png").write_bytes(b"PK\3\4" * 9), "is not an image"),
    "a script like an image": (lambda home: (home / "cat" / "0.eps").write_bytes(b"%!PS-Adobe"), "is not an image"),
}


@pytest.mark.parametrize("what", FOLDERS)
def test_a_folder_that_lies_is_refused(tmp_path: Path, what: str):
    change, says = FOLDERS[what]
    home = fill(tmp_path / "pets")
    (tmp_path / "secret.png").write_bytes((home / "cat" / "0.png").read_bytes())
    change(home)
    if not says:
        assert len(load(f"folder:{home}").train) > 0
        return
    with refused(says, home):
        load(f"folder:{home}")


def test_a_folder_deeper_than_anything_is_named_and_not_climbed(tmp_path: Path):
    home = deep = fill(tmp_path / "pets")
    handle = os.open(deep / "cat", os.O_RDONLY)
    for _ in range(1_500):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    try:
        with refused("not a valid folder of images", home):
            load(f"folder:{home}")
    finally:
        _remove_deep(home / "cat")


def _remove_deep(folder: Path) -> None:
    """Remove 1,500 folders within each other, which are too deep for `shutil.rmtree`."""
    while (folder / "d" / "d").is_dir():
        (folder / "d" / "d").rename(folder / "e")
        (folder / "d").rmdir()
        (folder / "e").rename(folder / "d")


def test_names_that_are_no_text_are_names(tmp_path: Path):
    home = fill(tmp_path / os.fsdecode(b"p\xffts\n\x1b[31m"))
    (home / "cat" / "0.png").rename(home / "cat" / os.fsdecode(b"\xfe\n.png"))
    assert len(load(f"folder:{home}").train) > 0
    assert Folder(str(home)).state().state == "ready"


@pytest.mark.parametrize(("width", "height"), [(1, 2**26 + 1), (2**31 - 1, 2**31 - 1), (0, 5)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_that_is_enormous_in_its_header_takes_no_memory(width: int, height: int):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )
    with little_memory(), refused("", "big.png"):
        decode(data, "big.png", 1, 32)


def test_a_text_within_an_image_that_unpacks_without_end_is_not_unpacked():
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**25)))
    data = b"\x89PNG\r\n\x1a\n" + header + text + chunk(b"IDAT", zlib.compress(bytes(20))) + chunk(b"IEND", b"")
    with little_memory(2**23):
        assert decode(data, "big.png", 1, 32).shape == (1, 32, 32)


# IDX, MATLAB, npz, lists


@pytest.mark.parametrize("pack", [False, True])
def test_an_idx_file_that_is_enormous_in_its_header_takes_no_memory(tmp_path: Path, pack: bool):
    content = b"\0\0\x08\x03" + struct.pack(">3I", 2**31 // 784, 28, 28) + b"x"
    (tmp_path / "x").write_bytes(gzip.compress(content) if pack else content)
    with little_memory(2**26), refused("is truncated: expected 21474[0-9]+ bytes", tmp_path / "x"):
        read_idx(tmp_path / "x")


@pytest.mark.usefixtures("made_up")
def test_labels_in_place_of_images_are_named(tmp_path: Path):
    images, labels, *_ = files.idx_files()
    for file in Mnist.files:
        (tmp_path / file.name).write_bytes(labels if "images" in file.name else images)
    with refused("expected square images", tmp_path / Mnist.files[0].name):
        load("mnist", tmp_path)


@pytest.mark.parametrize("at", [0, 3, 30, -7, -5, -1])
def test_a_bit_that_flips_in_a_packed_file_is_seen(tmp_path: Path, at: int):
    content = bytearray(files.idx_files()[2])
    content[at] ^= 4
    (tmp_path / "x").write_bytes(content)
    with refused("", tmp_path / "x"):
        read_idx(tmp_path / "x")


def mat(shape: tuple[int, ...], kind: int = 9, held: bytes = b"\0" * 8) -> bytes:
    """A MATLAB file with one array X of that shape: what it says, and what it holds."""

    def element(code: int, body: bytes) -> bytes:
        return struct.pack("<II", code, len(body)) + body + b"\0" * (-len(body) % 8)

    body = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    body += element(1, b"X") + element(2, held)
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element(14, body)


def good_mat(**changes: Any) -> bytes:
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {"X": np.zeros((32, 32, 3, 2), dtype=np.uint8), "y": np.array([[1], [2]])} | changes)
    return buffer.getvalue()


MATS = {
    "enormous in its header": (mat((32, 32, 3, 2**31 - 1)), "expected X and y once each, got X"),
    "cells without end": (mat((2**31 - 1, 2**31 - 1), kind=1) + good_mat()[128:], "not a valid MATLAB file"),
    "X twice": (good_mat() + good_mat()[128:], "expected X and y once each, got X, y, X, y"),
    "X that is a cell": (good_mat(X=np.array([["a"]], dtype=object)), "expected X as uint8 .* got cell"),
    "X that is a struct": (good_mat(X={"a": 1}), "expected X as uint8 .* got struct"),
    "y that is text": (good_mat(y=np.array(["ab"])), "expected y as numbers .* got char"),
    "y of other size": (good_mat(y=np.ones((2, 2))), "expected y as numbers"),
    "no images": (good_mat(X=np.zeros((32, 32, 3, 0), np.uint8), y=np.zeros((0, 1))), "expected X as uint8"),
    "a label of nothing": (good_mat(y=np.array([[np.nan], [1.0]])), "expected labels y in 1..10"),
    "MATLAB 7.3": (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n", "not a valid MATLAB"),
    "an npz": (files.npz(X=np.zeros(2)), "not a valid MATLAB file"),
    "an unknown element": (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"\xff" * 64, "not a valid MATLAB"),
}


@pytest.mark.parametrize("what", MATS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_matlab_file_that_lies_is_refused(tmp_path: Path, what: str):
    content, says = MATS[what]
    (tmp_path / "x.mat").write_bytes(content)
    with little_memory(), refused(says, tmp_path / "x.mat"):
        read_mat(tmp_path / "x.mat")


@pytest.mark.parametrize("at", [140, 150, 160, 200, 400, -6])
def test_a_byte_that_changes_in_a_packed_matlab_file_is_seen(tmp_path: Path, at: int):
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    pixels = {"X": rng.integers(0, 256, (32, 32, 3, 2), dtype=np.uint8), "y": np.array([[1], [2]])}
    savemat(tmp_path / "x.mat", pixels, do_compression=True)
    content = bytearray((tmp_path / "x.mat").read_bytes())
    content[at] ^= 0x10
    (tmp_path / "x.mat").write_bytes(content)
    with refused("", tmp_path / "x.mat"):
        read_mat(tmp_path / "x.mat")


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A grid of 1,030 points, and what the file of its images holds: a block of 1,024, and six more."""
    monkeypatch.setattr(dsprites, "GRID", (103, 10, 1, 1, 1))
    monkeypatch.setattr(dsprites, "POINTS", 1030)
    steps = np.stack(np.unravel_index(np.arange(1030), (103, 10, 1, 1, 1)), axis=1)
    return {
        "imgs": np.zeros((1030, 64, 64), dtype=np.uint8),
        "latents_classes": np.hstack([np.zeros((1030, 1), dtype=np.int64), steps]),
    }


def with_raw(path: Path, arrays: dict[str, np.ndarray], name: str, content: bytes) -> Path:
    """An npz in which one array is these bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            archive.writestr(f"{other}.npy", content if other == name else buffer.getvalue())
    return path


def header(shape: tuple[int, ...], descr: str = "<i8") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


NPZS: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "an enormous header": ("latents_classes", lambda raw: header((2**40, 6)), r"got int64 of shape \(10995"),
    "an object": ("latents_classes", lambda raw: header((1030, 6), "|O") + b"x", "got object of shape"),
    "a longer header": (
        "imgs",
        lambda raw: b"\x93NUMPY\x02\x00" + b"\xff" * 4,
        r"format version \(1, 0\), got \(2, 0\)",
    ),
    "a header without end": ("imgs", lambda raw: b"\x93NUMPY\x01\x00" + b"\xff" * 2 + b"(" * 65_535, "not a valid"),
    "all but five images": (
        "imgs",
        lambda raw: raw[: -5 * 4096],
        "not a valid dSprites file",
    ),  # one is left of the block
    "an image too many": ("imgs", lambda raw: raw + bytes(4096), "expected 1030 images, got more"),
    "no array": ("imgs", lambda raw: b"", "not a valid dSprites file"),
}


@pytest.mark.parametrize("what", NPZS)
def test_an_npz_that_lies_is_refused(tmp_path: Path, grid: dict[str, np.ndarray], what: str):
    name, change, says = NPZS[what]
    buffer = io.BytesIO()
    np.save(buffer, grid[name])
    path = with_raw(tmp_path / "x.npz", grid, name, change(buffer.getvalue()))
    with little_memory(), refused(says, path):
        read_npz(path)
    assert len(read_npz(with_raw(path, grid, "", b""))) == 1030  # as it should be, it is read


def test_an_npz_that_lacks_an_array_is_named(tmp_path: Path, grid: dict[str, np.ndarray]):
    del grid["imgs"]
    with refused("not a valid dSprites file: .*imgs", tmp_path / "x.npz"):
        read_npz(with_raw(tmp_path / "x.npz", grid, "", b""))


@pytest.mark.parametrize(
    "text", ["1\nSmiling\n1.jpg 5\n", "1\nSmiling\n1.jpg 0\n", "99999999999999999999\na\n1.jpg 1\n"]
)
def test_an_attribute_that_is_neither_is_named(tmp_path: Path, text: str):
    (tmp_path / "list.txt").write_text(text)
    with refused("-1 or 1|expected", tmp_path / "list.txt"):
        read_attributes(tmp_path / "list.txt")


def test_a_list_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "list.txt").write_bytes(b"1\nSmi\xffling\n1.jpg 1\n")
    with refused("not a valid CelebA attribute list", tmp_path / "list.txt"):
        read_attributes(tmp_path / "list.txt")


def test_an_image_of_no_split_is_named(tmp_path: Path):
    (tmp_path / "list.txt").write_text("1.jpg 0\n2.jpg 7\n")
    with refused("expected 0, 1 or 2 for each image, got 0 to 7", tmp_path / "list.txt"):
        read_partition(tmp_path / "list.txt", ["1.jpg", "2.jpg"])


def test_a_number_of_5000_digits_in_a_ledger_is_named(tmp_path: Path):
    from bench.registry.claims import read_claims

    (tmp_path / "claims.toml").write_text("method = " + "9" * 5000)
    with refused("is not valid TOML", tmp_path / "claims.toml"):
        read_claims(tmp_path / "claims.toml", "x")


# Where files lie


@pytest.mark.parametrize("what", ["a pipe", "a folder", "a link to nothing", "a device"])
def test_what_is_no_file_is_not_taken_for_one(tmp_path: Path, what: str):
    path = tmp_path / "list_attr_celeba.txt"
    match what:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a link to nothing":
            path.symlink_to("nothing")
        case "a device":
            path.symlink_to("/dev/zero")
    with refused("needs a file that was not found", "img_align_celeba.zip"):
        load("celeba", tmp_path)


def test_a_fetched_file_that_rots_is_set_aside_and_fetched_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """As fetched: a file in the cache whose digest is known. A file of the user's own is never touched."""
    import hashlib

    from bench.data import source

    good, fetched = _mnist_files(), []
    monkeypatch.setattr(Mnist, "files", tuple(
        replace(file, digest=f"sha256:{hashlib.sha256(good[file.name]).hexdigest()}") for file in Mnist.files
    ))  # fmt: skip

    def download(file: Any, dataset: str) -> Path:
        path = cache / "data" / dataset / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(good[file.name])
        fetched.append(file.name)
        return path

    monkeypatch.setattr(source, "download", download)
    whole = load("mnist")
    path = cache / "data" / "mnist" / Mnist.files[1].name
    path.write_bytes(good[path.name][:-7])
    assert load("mnist").digest == whole.digest
    assert fetched.count(path.name) == 2
    assert len(fetched) == 5
    assert path.with_name(path.name + ".corrupt").read_bytes() == good[path.name][:-7]
    assert sum(str(path) in message for message in caplog.messages) == 1


@pytest.mark.usefixtures("made_up")
def test_a_file_of_the_users_own_that_rots_is_named_and_left(tmp_path: Path):
    for name, content in _mnist_files().items():
        (tmp_path / name).write_bytes(content[:-7])
    with refused("", tmp_path / Mnist.files[0].name):
        load("mnist", tmp_path)
    assert not list(tmp_path.glob("*.corrupt"))


def _mnist_files() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    contents = {}
    for file in Mnist.files:
        count = 100 if file.name.startswith("train") else 20
        images = "images" in file.name
        shape = (count, 28, 28) if images else (count,)
        array = rng.integers(0, 256, shape, np.uint8) if images else np.arange(count, dtype=np.uint8) % 10
        raw = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()
        contents[file.name] = gzip.compress(raw, 1)
    return contents


# Prepared data sets


PREPARED: dict[str, Callable[[bytes], bytes]] = {
    "an enormous header": lambda raw: header((2**40, 1, 28, 28), "|u1") + raw[128:],
    "objects": lambda raw: _objects(),
    "a flipped bit": lambda raw: raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:],
    "nothing": lambda raw: b"",
}


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch owned",)


def _objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Attack()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("what", PREPARED)
def test_a_prepared_data_set_that_is_spoiled_is_set_aside_and_prepared_again(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, what: str
):
    monkeypatch.chdir(tmp_path)
    for name, content in _mnist_files().items():
        (tmp_path / name).write_bytes(content)
    whole = load("mnist", tmp_path)
    [path] = (cache / "prepared").glob("*/train.images.npy")
    spoiled = PREPARED[what](path.read_bytes())
    path.write_bytes(spoiled)
    with little_memory(2**26):
        assert load("mnist", tmp_path).digest == whole.digest
    [aside] = (cache / "prepared").glob("*.corrupt")
    assert (aside / path.name).read_bytes() == spoiled
    assert len(caplog.records) == 1
    assert str(path.parent) in caplog.text
    assert not (tmp_path / "owned").exists()


@pytest.mark.usefixtures("made_up")
def test_a_header_nested_without_end_is_corrupt(tmp_path: Path, cache: Path):
    for name, content in _mnist_files().items():
        (tmp_path / name).write_bytes(content)
    whole = load("mnist", tmp_path)
    [path] = (cache / "prepared").glob("*/dataset.json")
    path.write_text("[" * 100_000)
    assert load("mnist", tmp_path).digest == whole.digest


# No unpickling


UNSAFE = {"pickle", "cPickle", "_pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}


def calls(nodes: list[ast.AST]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every call: what is called and its keywords, as they are written."""
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield ast.unparse(node.func), {word.arg or "**": ast.unparse(word.value) for word in node.keywords}


def test_nothing_that_a_stranger_could_have_written_is_unpickled():
    sources = sorted((ROOT / "bench").rglob("*.py")) + sorted((ROOT / "plugins").glob("*/bench_*/**/*.py"))
    seen = {"np.load": 0, "torch.load": 0}
    for path in sources:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for name, words in calls(nodes):
            where = f"{path.relative_to(ROOT)}: {name}"
            if name in ("np.load", "numpy.load"):
                assert words.get("allow_pickle") == "False", where
                seen["np.load"] += 1
            if name == "torch.load":
                assert words.get("weights_only") == "True", where
                seen["torch.load"] += 1
            if name == "torch.jit.load":  # of one file, whose SHA-256 is that of the published one
                assert path.name == "clip.py", where
            assert name not in ("eval", "exec", "np.fromfile", "__import__"), where
        if path.name != "unpickle.py":
            imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not {alias.name for node in imports for alias in node.names} & UNSAFE, path
    assert seen == {"np.load": 6, "torch.load": 5}  # a new one is to be looked at


@pytest.mark.parametrize("kind", ["checkpoint", "features", "samples"])
def test_a_pickle_in_a_checksummed_file_is_not_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, caplog: pytest.LogCaptureFixture
):
    from bench.api import Spec
    from bench.metrics.cache import _array
    from bench.results.samples import unpack_samples
    from bench.training_run import Run
    from bench.util.atomic import read_checksummed, read_or_quarantine, write_checksummed

    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save({"phase": Attack()}, buffer)
    attack = {
        "checkpoint": buffer.getvalue(),
        "features": _objects(),
        "samples": files.npz(images=np.array([Attack()])),
    }
    parse: dict[str, Callable[[bytes], object]] = {
        "checkpoint": Run(torch.nn.Linear(1, 1), images=1, folder=tmp_path)._state,
        "features": _array,
        "samples": lambda payload: unpack_samples(payload, Spec("x", 1, 8, ("a", "b")), 1),
    }
    path = tmp_path / "file"
    write_checksummed(path, attack[kind])
    assert read_or_quarantine(path, read_checksummed, parse[kind]) is None
    assert not (tmp_path / "owned").exists()
    assert caplog.messages[0].startswith(f"{path} is corrupt: ")
    assert path.with_name("file.corrupt").exists()


def test_the_attack_would_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    np.load(io.BytesIO(_objects()), allow_pickle=True)
    assert (tmp_path / "owned").exists()


def test_the_forged_pointers_would_work():
    """What the stand-ins are for: NumPy makes an array of addresses of it (which is not looked into here)."""
    dtype = np.dtype("O", align=False, copy=True)
    dtype.__setstate__((3, "|", None, None, None, -1, -1, 0))  # type: ignore[attr-defined]
    assert not dtype.hasobject
    made = np.ndarray((1,), dtype, b"A" * 8)
    assert made.dtype.kind == "O"
    assert sys.getrefcount(made) > 0
