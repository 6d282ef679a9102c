"""Anchors are measured once on a machine: the cache keeps what is known of each, for every folder of runs.

An anchor depends on the data, the judge and the seed alone, all of which are in the keys that name its records.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.evaluation.anchors import ANCHORS
from bench.evaluation.pending import is_done, measurements, missing_metrics
from bench.experiment.job import Job
from bench.results.record import Record
from bench.results.run_dir import RunDir
from bench.util.atomic import write_atomic

OF_ONE_RUN = ("fit-*", "*.corrupt", "job.json", "environment.json", "spent.json", "log.txt")
log = logging.getLogger(__name__)


def take_anchors(jobs: Iterable[Job], runs: Path, cache: Path) -> None:
    """Copy the known measurements of all anchors into their run directories, so that no process is started for them."""
    for run_dir in (RunDir(runs, job) for job in jobs if job.entry in ANCHORS):
        if not is_done(run_dir):
            take_known(run_dir, cache)


def take_known(run_dir: RunDir, cache: Path) -> bool:
    """Copy what is known of an anchor into its run directory, which keeps the files that it has. Whether that is all."""
    _copy(_store(run_dir, cache), run_dir.path, replace=False)
    known = next(_known(run_dir), None)
    if known is None or missing_metrics(run_dir):
        return False
    run_dir.create()
    run_dir.write_fit(0, known.guide, known.judge)
    return True


def keep_known(run_dir: RunDir, cache: Path) -> None:
    """Copy what has been found out into the cache. A failure is only logged: results do not depend on the cache."""
    _copy(run_dir.path, _store(run_dir, cache), replace=True)


def _known(run_dir: RunDir) -> Iterator[Record]:
    """Rows of metrics, which name the guide and the judge."""
    for name, key in measurements(run_dir.job)[1:]:
        yield from run_dir.record(name, key) or []


def _store(run_dir: RunDir, cache: Path) -> Path:
    return RunDir(cache / "anchors", run_dir.job).path


def _copy(source: Path, target: Path, replace: bool) -> None:
    try:
        for path in _files(source):
            found, payload = target / path.relative_to(source), path.read_bytes()
            if not found.exists() or (replace and found.read_bytes() != payload):
                found.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(found, payload, durable=False)
    except OSError as error:
        log.warning("cannot copy the records of an anchor to %s: %s", target, error.strerror or error)


def _files(folder: Path) -> Iterator[Path]:
    """Records and pictures, but nothing about one run. Temporary files have names that begin with a dot."""
    for path in sorted([*folder.glob("*.*"), *folder.glob("records/*.json")]):
        if path.is_file() and not path.name.startswith(".") and not any(map(path.match, OF_ONE_RUN)):
            yield path
