"""The exam of one job: draw, measure, write each record as soon as it is known. What was measured before is not redone."""

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from bench.anchors import ANCHORS, LABELLED
from bench.api import CAPABILITIES, Classifier, Data, Generator, Model
from bench.errors import BenchError
from bench.jobs import Job
from bench.keys import content_key
from bench.record import Record, Status
from bench.remains import packed, unpacked
from bench.room import Room
from bench.store import Folder

if TYPE_CHECKING:
    from bench.metrics import Exam, Metric


def examine(room: Room, model: Model | None) -> None:
    """Measure every metric that was not measured yet; one that fails is a row, and the others go on."""
    from bench.metrics import METRICS

    job, folder = room.folder.job, room.folder
    due = [metric for metric in METRICS if needs_measuring(folder, metric)]
    if not due:
        return
    samples, conditional, problem = _samples(room, model)
    room.loan.check("sample")
    exam = _exam(room, model, samples, conditional)
    for done, metric in enumerate(due):
        room.emit(phase=f"measuring {metric.name}", images=done, of=len(due), scalars={})
        parts = job.measuring(metric)
        records = _measure(room, metric, exam, model, conditional, problem, content_key(parts))
        if not CAPABILITIES.keys().isdisjoint(metric.needs):
            room.loan.check(f"what {metric.name} asked the method for")
        folder.write_record(metric.name, content_key(parts), records)


def needs_measuring(folder: Folder, metric: "Metric") -> bool:
    """Whether this metric has no finished record yet: what failed is tried again."""
    records = folder.record(metric.name, content_key(folder.job.measuring(metric)))
    return records is None or any(record.status not in ("ok", "skipped") for record in records)


def _measure(
    room: Room, metric: "Metric", exam: "Exam", model: Model | None, conditional: bool, problem: str, key: str
) -> list[Record]:
    from bench.metrics import Measured

    missing = metric.missing(model, conditional)
    if missing:
        return [_row(room, metric, metric.name, key, status="skipped", reason=missing)]
    if problem and "samples" in metric.needs:
        return [_row(room, metric, metric.name, key, status="failed", reason=problem)]
    if lacking := metric.lacking(exam):
        return [_row(room, metric, metric.name, key, status="skipped", reason=lacking)]
    try:
        measured: Measured = metric.compute(exam)
        values = {metric.name: measured.value} | {f"{metric.name}/{p}": v for p, v in measured.parts.items()}
        return [_row(room, metric, name, key, value=value, n=measured.n) for name, value in values.items()]
    except Exception as error:
        return [_row(room, metric, metric.name, key, status="failed", reason=explain(error))]


def _row(
    room: Room,
    metric: "Metric",
    name: str,
    key: str,
    value: float | None = None,
    n: int | None = None,
    status: Status = "ok",
    reason: str = "",
) -> Record:
    job = room.folder.job
    if value is not None and not math.isfinite(value):
        value, status, reason = None, "failed", f"the value is {value}"
    protocol = metric.protocol(job.samples, job.reference)
    return row(job, name, key, protocol, value, n, status, reason, room.guide.label, room.judge.label)


def row(job: Job, name: str, key: str, protocol: str, value: float | None, n: int | None, status: Status, reason: str,
        guide: str, judge: str) -> Record:  # fmt: skip
    """A record of `job`, with everything about the job filled in."""
    return Record(
        job.board, job.entry, job.plugin, job.distribution, job.version, job.setting_text, job.seed, job.budget,
        name, protocol, None if value is None else float(value), n, status, reason, guide, judge, job.device, key,
    )  # fmt: skip


def _exam(room: Room, model: Model | None, samples: Data | None, conditional: bool) -> "Exam":
    from bench.metrics import Exam

    job = room.folder.job
    return Exam(
        model=model,
        dataset=room.dataset,
        samples=samples,
        conditional=conditional,
        judge=room.judge.classifier,
        judge_digest=room.judge.digest,
        guide=room.guide.classifier,
        device=room.device,
        n=job.samples,
        reference=job.reference,
        seed=job.seed,
        costs=room.folder.costs("train.json") | room.folder.costs("sampling.json"),
        cache=room.cache,
    )


def _samples(room: Room, model: Model | None) -> tuple[Data | None, bool, str]:
    """The samples of the exam, whether their labels were asked for, and what went wrong."""
    job = room.folder.job
    if model is None:
        return ANCHORS[job.entry](room.dataset, job.samples, job.seed), job.entry in LABELLED, ""
    if isinstance(model, Classifier):
        return None, False, ""
    try:
        return *_drawn(room, model), ""
    except Exception as error:
        return None, hasattr(model, "sample_class"), f"sampling failed: {explain(error)}"


def _drawn(room: Room, model: Model) -> tuple[Data, bool]:
    from bench.grid import save_grid
    from bench.metrics import draw_samples

    assert isinstance(model, Generator)
    folder, job = room.folder, room.folder.job
    name = f"samples-{job.samples}.npz"
    if (drawn := folder.read(name, lambda payload: unpacked(payload, room.dataset.spec, job.samples))) is not None:
        return drawn

    def on_chunk(done: int, total: int) -> None:
        room.emit(phase="sampling", images=done, of=total, scalars={})

    on_chunk(0, job.samples)
    started = time.perf_counter()
    samples, conditional = draw_samples(model, job.samples, job.seed, room.device, on_chunk)
    seconds = time.perf_counter() - started
    folder.write("sampling.json", {"costs": {"sample-seconds-per-1000": 1000 * seconds / job.samples}})
    save_grid(samples, folder.path / "samples.png")
    folder.write_bytes(name, packed(samples, conditional))  # the last: where it is, the others are
    return samples, conditional


def explain(error: BaseException) -> str:
    """One line for a board; the traceback of a bug goes to the log. A plugin may have written every letter of it."""
    import traceback

    from bench.leaderboard.text import LONGEST, one_line, shorten

    text, longest = type(error).__name__, LONGEST
    if isinstance(error, BenchError):
        text, longest = "", 1_000
    else:
        with suppress(Exception):
            traceback.print_exception(error)
    with suppress(Exception):
        text = f"{text}: {error}" if text else str(error)
    return shorten(one_line(text[:10_000].strip().split("\n")[0]), longest)
