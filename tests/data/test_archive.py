"""Folders and zips: nothing outside, nothing hidden, no bombs."""

import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench.data import archive
from bench.data.archive import archive_fingerprint, open_archive
from bench.errors import BenchError


def write_zip(path: Path, entries: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "pets"
    for name in ("cat/1.png", "cat/deep/2.png", "dog/3.png", ".git/x", "cat/.DS_Store", "__MACOSX/y", "dog/Thumbs.db"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(name.encode())
    (home / "empty").mkdir()
    return home


FILES, FOLDERS = ["cat/1.png", "cat/deep/2.png", "dog/3.png"], ["cat", "cat/deep", "dog", "empty"]


def test_a_folder_lists_files_that_are_not_hidden(folder: Path):
    found = open_archive(folder)
    assert (sorted(found.files), sorted(found.folders)) == (FILES, FOLDERS)
    assert found.read("cat/1.png") == b"cat/1.png"


@pytest.mark.parametrize("with_folders", [True, False])
def test_a_zip_lists_the_same_files(folder: Path, tmp_path: Path, with_folders: bool):
    entries = {"empty/": b""}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file():
            entries[name] = path.read_bytes()
        elif with_folders:
            entries[f"{name}/"] = b""
    found = open_archive(write_zip(tmp_path / "pets.zip", entries))
    assert (found.files, found.folders) == (FILES, FOLDERS)
    assert found.read("cat/deep/2.png") == b"cat/deep/2.png"


def test_a_path_that_is_neither_folder_nor_zip_is_named(tmp_path: Path):
    with pytest.raises(BenchError, match=f"no such folder or zip file: {tmp_path / 'pets'}"):
        open_archive(tmp_path / "pets")
    (tmp_path / "pets").write_text("hello")
    with pytest.raises(BenchError, match="pets is not a valid zip file"):
        open_archive(tmp_path / "pets")


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "secret.png").write_bytes(b"x")
    (folder / "cat" / "4.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(BenchError, match=r"4\.png is a link out of"):
        open_archive(folder)


def test_a_link_to_a_file_inside_is_followed(folder: Path):
    (folder / "dog" / "4.png").symlink_to(folder / "cat" / "1.png")
    assert open_archive(folder).read("dog/4.png") == b"cat/1.png"


def test_a_link_to_a_folder_is_refused(folder: Path):
    (folder / "cat" / "loop").symlink_to(folder)
    with pytest.raises(BenchError, match="loop is a link to a folder"):
        open_archive(folder)


def test_a_pipe_is_refused(folder: Path):
    os.mkfifo(folder / "cat" / "4.png")
    with pytest.raises(BenchError, match=r"4\.png is not a regular file"):
        open_archive(folder)


@pytest.mark.parametrize("name", ["../evil.png", "cat/../../evil.png", "/etc/evil.png", "cat\\..\\evil.png", "C:/evil"])
def test_an_entry_with_a_path_out_of_the_zip_is_refused(tmp_path: Path, name: str):
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"x"})
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        archive.writestr(entry, b"x")
    with pytest.raises(BenchError, match="is a path out of it"):
        open_archive(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path):
    entry = zipfile.ZipInfo("cat/1.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BenchError, match=r"'cat/1\.png' is a link"):
        open_archive(tmp_path / "pets.zip")


def test_a_duplicated_entry_is_refused(tmp_path: Path):
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"x"})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cat/1.png", b"y")
    with pytest.raises(BenchError, match="is duplicated"):
        open_archive(path)


def test_an_entry_with_an_extreme_compression_ratio_is_refused(tmp_path: Path):
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"\0" * 2**21}, zipfile.ZIP_DEFLATED)
    with pytest.raises(BenchError, match=r"unpacks \d+ bytes to 2097152, more than the limit of 100 times"):
        open_archive(path)


def test_an_entry_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "FILE_LIMIT", 1_000)
    with pytest.raises(BenchError, match="unpacks to 1001 bytes, more than the limit of 1000"):
        open_archive(write_zip(tmp_path / "pets.zip", {"cat/1.png": os.urandom(1_001)}))
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "1.png").write_bytes(b"x" * 1_001)
    with pytest.raises(BenchError, match="has 1001 bytes, more than the limit of 1000"):
        open_archive(tmp_path / "pets")


def test_the_compression_ratio_of_all_entries_together_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "FILE_LIMIT", 2**19)
    entries = {f"cat/{i}.png": b"\0" * 2**19 for i in range(4)}
    with pytest.raises(BenchError, match=r"bytes unpack to 2097152"):
        open_archive(write_zip(tmp_path / "pets.zip", entries, zipfile.ZIP_DEFLATED))


def test_a_corrupt_entry_is_named(tmp_path: Path):
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"abcdefgh"})
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abcdxfgh"))
    with pytest.raises(BenchError, match=r"pets.zip:cat/1.png is not a valid zip entry: Bad CRC-32"):
        open_archive(path).read("cat/1.png")


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_a_truncated_zip_is_named(tmp_path: Path, keep: int):
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"abcdefgh", "dog/1.png": b"abcdefgh"})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BenchError, match=r"pets\.zip is not a valid zip file"):
        open_archive(path)


def test_the_fingerprint_follows_the_files(folder: Path, tmp_path: Path):
    before = archive_fingerprint(folder)
    assert archive_fingerprint(folder) == before
    (folder / ".hidden").write_text("x")
    assert archive_fingerprint(folder) == before
    (folder / "cat" / "1.png").write_text("other")
    assert archive_fingerprint(folder) != before
    path = write_zip(tmp_path / "pets.zip", {"cat/1.png": b"abcdefgh"})
    os.utime(path, (0, 0))
    before = archive_fingerprint(path)
    write_zip(path, {"cat/1.png": b"abcdefgx"})
    os.utime(path, (0, 0))
    assert archive_fingerprint(path) != before


def test_backslashes_in_a_zip_are_separators(tmp_path: Path):
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("pets\\cat\\", "pets\\cat\\1.png"):
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = name
            archive.writestr(entry, b"x")
    found = open_archive(path)
    assert (found.files, found.folders) == (["pets/cat/1.png"], ["pets", "pets/cat"])
    assert found.read("pets/cat/1.png") == b"x"


@pytest.mark.parametrize("name", ["C:\\e.png", "a\\C:\\e.png", "a/D:/e.png", "..\\e.png", "\\\\host\\e.png"])
def test_a_path_of_windows_that_leads_out_of_a_zip_is_refused(tmp_path: Path, name: str):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        archive.writestr(entry, b"x")
    with pytest.raises(BenchError, match="a path out of it"):
        open_archive(tmp_path / "pets.zip")


@pytest.mark.parametrize("mode", ["gz", "bz2", "xz", ""])
def test_another_archive_is_told_as_what_it_is(tmp_path: Path, mode: str):
    (tmp_path / "a.txt").write_text("x")
    with tarfile.open(tmp_path / "pets.tar", f"w:{mode}") as archive:
        archive.add(tmp_path / "a.txt", "a.txt")
    with pytest.raises(BenchError, match="only folders and zip files are read"):
        open_archive(tmp_path / "pets.tar")


@pytest.mark.parametrize(
    "name", ["thumbs.db", "Desktop.ini", "Icon\r", "lost+found", "$RECYCLE.BIN", "@eaDir", "#snapshot"]
)
def test_clutter_is_ignored_in_any_case(folder: Path, name: str):
    before = open_archive(folder).files
    (folder / "cat" / name).write_bytes(b"x")
    assert open_archive(folder).files == before
