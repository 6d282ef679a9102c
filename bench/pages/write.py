"""Write the pages of a board: its own, those of its jobs, the index of all boards, and the claims."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.boards.files import board_path, boards, locked, read, update
from bench.errors import BenchError
from bench.pages.board_page import board_page
from bench.pages.claims_page import claims_page, counts_by_plugin
from bench.pages.gallery import DIGITS, Gallery
from bench.pages.index_page import index_page
from bench.pages.job_page import job_page
from bench.pages.short_table import Links
from bench.registry.claims import Claim, load_claims
from bench.results.picture import attempt
from bench.results.record import Record
from bench.results.run_dir import jobs_in

JOBS = "jobs"  # the folder of their pages
logger = logging.getLogger("bench")


def write_pages(folder: Path, dataset: str, runs: Path) -> Path:
    """Write all pages that the board of `dataset` has a part in, and return the path of its own.

    Pictures and pages of jobs whose run directories are not in `runs` stay as they are. Raises `BenchError` if there is
    no such board or the folder cannot be written.
    """
    claims = _claims()
    records, gallery = read(board_path(folder, dataset)), Gallery(folder, dataset)
    target = board_path(folder, dataset, ".html")
    with locked(target):
        gallery.collect(runs, records)
        _write_jobs(folder, records, runs, gallery, target.name)
        links = Links(_job_links(folder, records), counts_by_plugin(claims))
        update(target, board_page(records, dataset, gallery, links).encode())
    with locked(folder / "index.html"):
        held = dict(_readable(folder))
        galleries = {name: Gallery(folder, name) for name in held}
        pages = {name: _page_of(folder, name) for name in held}
        update(folder / "index.html", index_page(held, galleries, pages).encode())
        update(folder / "claims.html", claims_page(claims).encode())
    return target


def _readable(folder: Path) -> Iterator[tuple[str, list[Record]]]:
    """The boards of a folder; one that cannot be read is left out of the index, with a warning."""
    for name in boards(folder):
        try:
            yield name, read(board_path(folder, name))
        except BenchError as error:
            logger.warning("left out of the index: %s", error)


def _page_of(folder: Path, dataset: str) -> str:
    """The file that shows a board best: a page for a browser, else Markdown; empty if there is neither."""
    names = (board_path(folder, dataset, suffix) for suffix in (".html", ".md"))
    return next((path.name for path in names if path.is_file()), "")


def _claims() -> list[Claim]:
    """The claims of all plugins; without those of any ledger if one is invalid."""
    try:
        return load_claims()
    except BenchError as error:
        logger.warning("no claims on the pages: %s", error)
        return []


def _write_jobs(folder: Path, records: Sequence[Record], runs: Path, gallery: Gallery, board: str) -> None:
    """A page for each job of the board whose run directory is in `runs`."""
    keys = {record.job: record.key for record in records if record.metric == "fit"}
    wanted: dict[str, list[Record]] = {}
    for record in records:
        wanted.setdefault(keys.get(record.job, ""), []).append(record)
    for path, written in jobs_in(runs):
        key = written["key"]
        if key in wanted:
            make = partial(job_page, path, written, wanted[key], gallery, f"../{board}")
            if page := attempt(f"the page of {path}", make):
                (folder / JOBS).mkdir(parents=True, exist_ok=True)
                update(folder / JOBS / f"{key[:DIGITS]}.html", page.encode())


def _job_links(folder: Path, records: Sequence[Record]) -> Mapping[str, str]:
    """By key of a training: the address of its page from that of the board, if there is one."""
    keys = {record.key for record in records if record.metric == "fit"}
    names = {key: f"{JOBS}/{key[:DIGITS]}.html" for key in keys}
    return {key: name for key, name in names.items() if (folder / name).is_file()}
