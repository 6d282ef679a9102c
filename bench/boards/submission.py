"""A submission: rows with everything that is needed to check them, in one zip file.

It holds the rows, the conformance report of their plugins, and for each job its resolved configuration, its environment
and its samples. A manifest lists the SHA-256 of each file.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.boards.rows import decode, encode
from bench.data.archive import ZipArchive
from bench.errors import BenchError
from bench.metrics.catalog import info
from bench.metrics.ranges import outside
from bench.results.record import Record
from bench.results.run_dir import jobs_in
from bench.util.atomic import write_atomic

FORMAT = 1
MANIFEST, ROWS, REPORT, JOBS = "manifest.json", "rows.csv", "conformance.json", "jobs"
KEPT = ("job.json", "environment.json", "samples-*.npz")  # of each run directory
MOST = 5  # complaints that are shown


@dataclass(frozen=True)
class Submission:
    """What a file holds, after `open_submission`."""

    path: Path
    records: tuple[Record, ...]
    report: Mapping[str, Any]  # of the conformance tests: `results`, and `entries` with the digest of their source
    jobs: Mapping[str, Mapping[str, Any]]  # job.json by key


def pack(path: Path, records: Sequence[Record], runs: Path, report: Mapping[str, Any]) -> None:
    """Write a submission. Raises `BenchError` if the run directory of a job is missing."""
    keys = {record.key: record for record in records if record.metric == "fit"}
    folders = {written["key"]: folder for folder, written in jobs_in(runs) if written["key"] in keys}
    for key, record in keys.items():
        if key not in folders:
            raise BenchError(f"the run directory of {record.entry}, seed {record.seed}, is not in {runs}; run it again")
    files = {ROWS: encode(records), REPORT: json.dumps(dict(report), indent=1).encode()}
    for key, folder in folders.items():
        for pattern in KEPT:
            files |= {f"{JOBS}/{key}/{found.name}": found.read_bytes() for found in sorted(folder.glob(pattern))}
    digests = {name: hashlib.sha256(payload).hexdigest() for name, payload in files.items()}
    manifest = {"format": FORMAT, "bench": version("classifier-bench"), "files": digests}
    write_atomic(path, _zipped({MANIFEST: json.dumps(manifest, indent=1).encode(), **files}))


def of_these_files(
    records: Sequence[Record], runs: Path, report: Mapping[str, Any]
) -> tuple[list[Record], list[Record]]:
    """The rows made by the tested version of their plugins, and those of earlier versions, which cannot be submitted."""
    sources = _sources(report)
    jobs = {written["key"]: written["job"] for _, written in jobs_in(runs)}
    keys = {record.job: record.key for record in records if record.metric == "fit"}

    def is_older(record: Record) -> bool:
        job = jobs.get(keys.get(record.job, ""))
        return job is not None and job["source"] != sources.get(record.entry, job["source"])

    kept = [record for record in records if not is_older(record)]
    return kept, [record for record in records if is_older(record)]


def _sources(report: Mapping[str, Any]) -> dict[str, Any]:
    """By entry: the digest of the source files that were tested."""
    return {str(entry.get("name")): entry.get("source") for entry in report["entries"]}


def open_submission(path: Path) -> Submission:
    """Read a submission and check that it is whole. Raises `BenchError` that says what is wrong."""
    try:
        archive = ZipArchive(path)
        manifest = json.loads(archive.read(MANIFEST)) if MANIFEST in archive.files else None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BenchError(f"{path} is not a submission: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise BenchError(f"{path} is not a submission: it has no {MANIFEST}; bench submit makes one")
    if manifest.get("format") != FORMAT:
        raise BenchError(f"{path}: expected format {FORMAT}, got {manifest.get('format')!r}")
    files = {name: archive.read(name) for name in archive.files if name != MANIFEST}
    for name in sorted(files.keys() | manifest["files"].keys()):
        if hashlib.sha256(files.get(name, b"")).hexdigest() != manifest["files"].get(name):
            raise BenchError(f"{path}: {name} is missing, or is not what the manifest lists")
    try:
        jobs = {name.split("/")[1]: json.loads(files[name]) for name in files if name.endswith("/job.json")}
        report = _report(json.loads(files[REPORT]))
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise BenchError(f"{path}: not a submission: {error}") from error
    return Submission(path, tuple(decode(files.get(ROWS, b""), Path(f"{path}/{ROWS}"))), report, jobs)


def _report(content: Any) -> dict[str, Any]:
    """The report; an earlier version wrote the list of its results alone. Raises TypeError for other values."""
    report = {"results": content} if isinstance(content, list) else dict(content)
    report.setdefault("entries", [])
    if not all(isinstance(row, dict) for name in ("results", "entries") for row in report[name]):
        raise TypeError(f"{REPORT} does not hold results")
    return report


def check(submission: Submission) -> None:
    """Raise `BenchError` with the first complaints about the rows and the conformance report, if there are any."""
    found = list(complaints(submission))
    if found:
        more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
        raise BenchError(f"{submission.path}: {'; '.join(found[:MOST])}{more}")


def complaints(submission: Submission) -> Iterator[str]:
    """Everything that is wrong with a submission that is whole."""
    if not submission.records:
        yield "it has no rows"
    if len(names := {record.dataset for record in submission.records}) > 1:
        yield f"expected rows of one board, got {', '.join(sorted(names))}"
    keys = {record.key for record in submission.records if record.metric == "fit"}
    yield from (f"the job {key} of no row" for key in sorted(submission.jobs.keys() - keys))
    yield from (f"the job {key} of a row is missing" for key in sorted(keys - submission.jobs.keys()))
    for record in submission.records:
        yield from _about(record)
    yield from _untested(submission)


def _about(record: Record) -> Iterator[str]:
    """What is wrong with one row: an older or unknown version of its metric, or a value that it cannot have."""
    what = f"{record.metric} of {record.entry}, seed {record.seed}"
    stated = re.search(r":v(\d+)$", record.protocol)
    if record.status == "ok" and stated and int(stated[1]) != info(record.metric).version:
        yield f"{what} was measured with version {stated[1]} of the metric, this is version {info(record.metric).version}"
    if record.value is not None and (allowed := outside(record.metric, record.value)):
        yield f"{what}: expected {allowed}, got {record.value:g}"


def _untested(submission: Submission) -> Iterator[str]:
    """Methods without a conformance report, or that failed a test."""
    anchors = {key for key, written in submission.jobs.items() if written["job"]["plugin"] == "anchors"}
    methods = {r.entry for r in submission.records if r.metric == "fit" and r.key not in anchors}
    tested = {str(result.get("entry")) for result in submission.report["results"]}
    yield from (f"no conformance report of {name}: bench test --plugins {name}" for name in sorted(methods - tested))
    for result in submission.report["results"]:
        if result.get("status") == "failed":
            name = f"{result.get('id', '')} {result.get('promise')}".strip()
            yield f"{result.get('entry')} failed the conformance test {name}"
    yield from _of_another_source(submission)


def _of_another_source(submission: Submission) -> Iterator[str]:
    """Methods whose conformance report is not of the files that were trained."""
    sources = _sources(submission.report)
    jobs = [written["job"] for written in submission.jobs.values()]
    for name in sorted({job["entry"] for job in jobs if sources.get(job["entry"], job["source"]) != job["source"]}):
        yield f"the conformance report of {name} is of other files of its plugin than its rows: run it again"


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file with the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, payload in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), payload, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
