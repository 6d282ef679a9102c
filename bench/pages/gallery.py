"""The pictures of a board: small copies of those in run directories, kept beside the board.

A board can be rendered again where the runs are not. A copy is named by the key of its training and what it shows.
"""

import base64
import io
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.boards.files import board_path
from bench.boards.view import ANCHORS
from bench.results.markup import text
from bench.results.record import Record
from bench.util.atomic import write_atomic

KINDS = {  # by the name of the picture in a run directory
    "strip": "samples, one of each class",
    "samples": "samples, a row for each class",
    "reconstructions": "test images above their reconstructions",
    "mixtures": "mixtures of two classes",
    "traversals": "what each code changes",
    "swaps": "codes by rows, everything else by columns",
    "edits": "real images with one code changed",
    "control": "which code controls which attribute",
}
OF_ANCHORS = ("strip", "samples")  # the other pictures of an anchor tell nothing
WIDEST = 720  # pixels of a copy
QUALITY = 80  # of WebP
DIGITS = 12  # of the key in a name
logger = logging.getLogger("bench")


@dataclass(frozen=True)
class Picture:
    """One copy."""

    path: Path
    kind: str

    def image(self, alt: str) -> str:
        """The picture as an element of a page that holds its bytes."""
        payload = self.path.read_bytes()
        width, height = _size(payload)
        data = base64.b64encode(payload).decode()
        return f'<img src="data:image/webp;base64,{data}" width="{width}" height="{height}" alt="{text(alt)}">'


class Gallery:
    """The copies that lie beside a board."""

    def __init__(self, boards: Path, dataset: str) -> None:
        self.folder = boards / "pictures" / board_path(Path(), dataset, "").name

    def first(self, kind: str, keys: Iterable[str]) -> Picture | None:
        """The picture of the first of these trainings that has one of this kind."""
        paths = (self._path(key, kind) for key in keys)
        return next((Picture(path, kind) for path in paths if path.is_file()), None)

    def collect(self, runs: Path, records: Iterable[Record], prune: bool = True) -> None:
        """Copy what the run directories of these records hold and the gallery lacks; `prune` what no record has."""
        keys = {record.key[:DIGITS]: record for record in records if record.metric == "fit" and record.key}
        for path in self.folder.glob("*.webp") if prune else ():
            if path.name.partition(".")[0] not in keys:
                path.unlink(missing_ok=True)
        for key in sorted(keys):
            for folder in sorted(runs.glob(f"*/*/seed*-{key}")) if re.fullmatch("[0-9a-f]+", key) else []:
                for kind in KINDS if keys[key].entry not in ANCHORS else OF_ANCHORS:
                    self._copy(folder / f"{kind}.png", self._path(key, kind))

    def _path(self, key: str, kind: str) -> Path:
        return self.folder / f"{key[:DIGITS]}.{kind}.webp"

    def _copy(self, source: Path, target: Path) -> None:
        """A picture that cannot be read is left out: no number depends on it."""
        if not source.is_file() or (target.is_file() and target.stat().st_mtime >= source.stat().st_mtime):
            return
        try:
            payload = _small(source)
        except (OSError, ValueError) as error:
            logger.warning("%s was left out: %s", source, error)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, payload)


def _small(source: Path) -> bytes:
    """The picture as WebP, at most `WIDEST` pixels wide."""
    from PIL import Image

    with Image.open(source) as opened:
        image = opened.convert("RGB")
    if image.width > WIDEST:
        height = round(image.height * WIDEST / image.width)
        image = image.resize((WIDEST, max(1, height)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def _size(payload: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(payload)) as image:
        return image.size
