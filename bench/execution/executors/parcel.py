"""Files of a folder on one machine, sent to another one that does not share it: in parts, records last."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.util.atomic import write_atomic

PART = 2**24  # bytes sent at a time
LEFT = ("checkpoints", "tensorboard")  # folders that stay where they are
RECORDS = "records"  # what says that something is done, so it arrives after what it speaks of


@dataclass(frozen=True)
class Part:
    """Some bytes of a file. `path` is relative to the folder, with slashes."""

    path: str
    content: bytes
    more: bool  # whether more bytes follow


def parts_of(folder: Path) -> Iterator[Part]:
    """The files in `folder`, without locks, temporary files and what can be made again."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    names = (path.relative_to(folder) for path in files)
    wanted = [name for name in names if not (name.name.startswith(".") or name.parts[0] in LEFT)]
    for name in sorted(wanted, key=lambda name: (RECORDS in name.parts, name.as_posix())):
        with open(folder / name, "rb") as file:
            content = file.read(PART)
            while following := file.read(PART):
                yield Part(name.as_posix(), content, more=True)
                content = following
            yield Part(name.as_posix(), content, more=False)


def unpack(folder: Path, parts: Iterable[Part]) -> None:
    """Write what `parts_of` sent; each file appears as a whole. Raises ValueError for a path that leads elsewhere."""
    into = Unpacker(folder)
    for part in parts:
        into.add(part)


class Unpacker:
    """Files that arrive part by part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: dict[str, list[bytes]] = {}

    def add(self, part: Part) -> None:
        """Raises ValueError for a path that leads out of the folder."""
        name = PurePosixPath(part.path)
        if name.is_absolute() or ".." in name.parts or not name.parts:
            raise ValueError(f"not a path within a folder: {part.path!r}")
        self._begun.setdefault(part.path, []).append(part.content)
        if not part.more:
            write_atomic(self._folder / name, b"".join(self._begun.pop(part.path)))


def packed(folders: Mapping[str, Path]) -> list[Part]:
    """The files of several folders, each under a name."""
    return [
        Part(f"{name}/{part.path}", part.content, part.more)
        for name, folder in folders.items()
        for part in parts_of(folder)
    ]
