"""The folder through which a host and the nodes of a queue talk: errands to do, and a file of reports for each."""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.execution.executors.errand import Errand, encode_errand
from bench.execution.executors.reports import Refusal, Report, parse_report
from bench.util.atomic import write_atomic

REPORTS = ".reports"


class Desk:
    """A folder of one run in `parent`."""

    def __init__(self, parent: Path) -> None:
        self.path = parent / secrets.token_hex(6)
        self.path.mkdir(parents=True)
        self._count = 0
        self._read: dict[Path, tuple[int, bytes]] = {}  # how far each file was read, and the beginning of a line

    def put(self, errand: Errand) -> Path:
        """Write an errand, and return its path."""
        self._count += 1
        path = self.path / f"{self._count:06d}.json"
        write_atomic(path, encode_errand(errand))
        return path

    def news(self) -> Iterator[tuple[Path, Report | Refusal]]:
        """The errand and the content of each new line that any node has written.

        Lists the folder, so that the cost depends on the errands at work and not on those that wait.
        """
        for file in sorted(self.path.glob(f"*{REPORTS}")):
            for line in self._new_lines(file):
                try:
                    yield file.with_suffix(".json"), parse_report(line)
                except ValueError:  # a plugin can write here too: what is not a report does not count
                    continue

    def _new_lines(self, file: Path) -> list[bytes]:
        """Opens the file each time: a network file system shows what others have written to those who open it."""
        at, partial = self._read.get(file, (0, b""))
        with open(file, "rb") as stream:
            stream.seek(at)
            chunk = stream.read()
        *lines, rest = (partial + chunk).split(b"\n")
        self._read[file] = at + len(chunk), rest
        return lines

    def remove(self, errand: Path) -> None:
        """The errand is done."""
        for path in (errand, reports_of(errand)):
            path.unlink(missing_ok=True)
        self._read.pop(reports_of(errand), None)

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)


def reports_of(errand: Path) -> Path:
    """Where a node writes what it has to say about an errand."""
    return errand.with_suffix(REPORTS)
