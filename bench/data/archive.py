"""Files in a folder or a zip behind one interface: nothing outside of it, no hidden files, no zip bombs."""

import hashlib
import os
import stat
import zipfile
from pathlib import Path
from typing import Protocol

from bench.data.files import fingerprint, parsing
from bench.errors import BenchError

FILE_LIMIT = 2**26  # bytes of one file, unpacked
TOTAL_LIMIT = 2**38  # bytes of all files of a zip, unpacked
RATIO_LIMIT = 100  # unpacked to packed, of files above RATIO_ABOVE
RATIO_ABOVE = 2**20  # bytes
CLUTTER = frozenset({
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found", "$recycle.bin", "recycler",
    "system volume information", "network trash folder", "temporary items", "ehthumbs_vista.db", "@eadir", "@recycle",
    "#recycle", "#snapshot", "__pycache__",
})  # fmt: skip
OTHER_ARCHIVES = {
    b"\x1f\x8b": "gzip (.gz, .tar.gz)", b"BZh": "bzip2 (.bz2, .tar.bz2)", b"\xfd7zXZ\0": "xz (.xz, .tar.xz)",
    b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!": "RAR", b"\x28\xb5\x2f\xfd": "Zstandard (.zst)",
}  # fmt: skip


class Archive(Protocol):
    """`files` and `folders` are sorted relative paths with slashes, without hidden ones."""

    path: Path
    files: list[str]
    folders: list[str]

    def read(self, file: str) -> bytes: ...


def open_archive(path: Path) -> Archive:
    """A folder or a zip file. Raises `BenchError` for anything else."""
    if os.path.isdir(path):
        return FolderArchive(path)
    if os.path.isfile(path):
        _check_kind(path)
        return ZipArchive(path)
    raise BenchError(f"no such folder or zip file: {path}")


def _check_kind(path: Path) -> None:
    """Raises `BenchError` that names the format of an archive that is not a zip file."""
    with parsing(path, "file"), open(path, "rb") as file:
        head = file.read(262 + 3)
    kind = next((kind for magic, kind in OTHER_ARCHIVES.items() if head.startswith(magic)), "")
    kind = kind or ("tar" if head[257:262] == b"ustar" else "")
    if kind:
        raise BenchError(f"{path} is a {kind} file: only folders and zip files are read; unpack it first")


def archive_fingerprint(path: Path) -> str:
    """A text that changes if the files do. For a folder it covers names, sizes and times, not the content."""
    if os.path.isdir(path):
        return FolderArchive(path).fingerprint
    if os.path.isfile(path):
        return fingerprint(path)
    raise BenchError(f"no such folder or zip file: {path}")


def is_hidden(part: str) -> bool:
    return part.startswith(".") or part.casefold() in CLUTTER


class FolderArchive:
    """The files below a folder. Links out of it and links to folders are refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: list[str] = []
        self.folders: list[str] = []
        self._hash = hashlib.sha256()
        self._home = path.resolve()
        with parsing(path, "folder of images"):
            self._scan("")
        self.fingerprint = self._hash.hexdigest()

    def _scan(self, below: str) -> None:
        for item in sorted(os.scandir(self.path / below), key=lambda item: item.name):
            name = f"{below}/{item.name}" if below else item.name
            if is_hidden(item.name):
                continue
            if item.is_symlink():
                self._check_link(Path(item.path))
            if item.is_dir():
                self.folders.append(name)
                self._scan(name)
            else:
                self._add(name, item.stat())

    def _check_link(self, link: Path) -> None:
        target = link.resolve()
        if not target.is_relative_to(self._home):
            raise BenchError(f"{link} is a link out of {self.path}, to {target}")
        if target.is_dir():
            raise BenchError(f"{link} is a link to a folder; only links to files are followed")

    def _add(self, name: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise BenchError(f"{self.path / name} is not a regular file")
        if status.st_size > FILE_LIMIT:
            raise BenchError(f"{self.path / name} has {status.st_size} bytes, more than the limit of {FILE_LIMIT}")
        self.files.append(name)
        self._hash.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))

    def read(self, file: str) -> bytes:
        with parsing(self.path / file, "file"):
            return (self.path / file).read_bytes()


class ZipArchive:
    """The files of a zip, never unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with parsing(path, "zip file"):
            self._zip = zipfile.ZipFile(path)
        self._entries: dict[str, zipfile.ZipInfo] = {}
        folders: set[str] = set()
        for entry in self._zip.infolist():
            parts = self._checked_parts(entry)
            if any(map(is_hidden, parts)):
                continue
            if not entry.filename.endswith(("/", "\\")):
                self._add("/".join(parts), entry)
                parts.pop()
            folders.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        self.files, self.folders = sorted(self._entries), sorted(folders)
        self._check_total()

    def _checked_parts(self, entry: zipfile.ZipInfo) -> list[str]:
        parts = entry.filename.replace("\\", "/").removesuffix("/").split("/")  # some programs of Windows write \
        if not all(parts) or ".." in parts or any(part[1:2] == ":" for part in parts):
            raise BenchError(f"{self.path} is refused: its entry {entry.filename!r} is a path out of it")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BenchError(f"{self.path} is refused: its entry {entry.filename!r} is a link")
        return [part for part in parts if part != "."]

    def _add(self, name: str, entry: zipfile.ZipInfo) -> None:
        if name in self._entries:
            raise BenchError(f"{self.path} is refused: its entry {name!r} is duplicated")
        if entry.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):  # the memory use of others is unbounded
            raise BenchError(f"{self.path} is refused: its entry {name!r} has compression method {entry.compress_type}")
        if entry.flag_bits & 1:
            raise BenchError(f"{self.path} is refused: its entry {name!r} is encrypted")
        if entry.file_size > FILE_LIMIT:
            raise BenchError(
                f"{self.path} is refused: its entry {name!r} unpacks to {entry.file_size} bytes, "
                f"more than the limit of {FILE_LIMIT}"
            )
        if entry.file_size > RATIO_ABOVE and entry.file_size > RATIO_LIMIT * entry.compress_size:
            raise BenchError(
                f"{self.path} is refused: its entry {name!r} unpacks {entry.compress_size} bytes "
                f"to {entry.file_size}, more than the limit of {RATIO_LIMIT} times as many"
            )
        self._entries[name] = entry

    def _check_total(self) -> None:
        total = sum(entry.file_size for entry in self._entries.values())
        packed = self.path.stat().st_size
        if total > TOTAL_LIMIT or (total > FILE_LIMIT and total > RATIO_LIMIT * packed):
            raise BenchError(f"{self.path} is refused: its {packed} bytes unpack to {total}")

    def read(self, file: str) -> bytes:
        if file not in self._entries:
            raise BenchError(f"{self.path} does not contain {file}")
        with parsing(f"{self.path}:{file}", "zip entry"):
            entry = self._entries[file]
            with self._zip.open(entry) as content:
                return content.read(entry.file_size)  # bounded: read() would unpack everything
