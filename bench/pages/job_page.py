"""The page of one job: what was run, where, how to run it again, what came out, its curves, pictures and log."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.boards.notes import NOT_STATED
from bench.metrics.catalog import position
from bench.pages.curves import drawn
from bench.pages.frame import page
from bench.pages.gallery import KINDS, Gallery
from bench.results.curves import load_curves
from bench.results.markup import text
from bench.results.record import Record

LOG_TAIL = 20_000  # characters


def job_page(folder: Path, written: Mapping[str, Any], records: Sequence[Record], gallery: Gallery, board: str) -> str:
    """The page as HTML. `written` is the content of `job.json` in the run directory; `board` the page of its board."""
    job = written["job"]
    settings = f" [{_settings(job)}]" if job["settings"] else ""
    title = f"{job['entry']}{settings} on {job['board']}, seed {job['seed']}"
    blocks = [
        f'<p><a href="{text(board)}">Board</a></p>\n<h1>{text(title)}</h1>',
        f"<h2>Run it again</h2>\n<pre>{text(command(job))}</pre>",
        _pictures(written["key"], gallery, title),
        f"<h2>Results</h2>\n{_results(records)}",
        _curves(folder),
        f"<h2>Settings</h2>\n{_facts(job['config']) or '<p>none</p>'}{_tuning(job, records)}",
        f"<h2>Environment</h2>\n{_facts(_environment(folder, job))}",
        f"<h2>Digests</h2>\n{_facts(dict(_digests(folder, written)))}",
        _log(folder),
    ]
    return page(title, "\n".join(block for block in blocks if block))


def command(job: Mapping[str, Any]) -> str:
    """The command that makes the row again."""
    parts = ["bench", "run", "--plugins", job["entry"], "--dataset", job["dataset"]]
    parts += ["--budget", job["budget"], "--seeds", str(job["seed"])]
    for name, value in job["settings"]:
        parts += ["--set", f"{job['entry']}.{name}={value}"]
    for role in ("guide", "judge"):
        parts += [f"--{role}", job[role]] if job[role] else []
    return shlex.join(parts)


def _tuning(job: Mapping[str, Any], records: Sequence[Record]) -> str:
    """How the authors chose the settings, if they are those of the method."""
    said = next((record.tuning for record in records if record.metric == "fit"), "")
    if job["settings"] or not job["config"]:
        return ""
    return f"<p>How the authors chose them: {text(said or NOT_STATED)}.</p>"


def _settings(job: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in job["settings"])


def _environment(folder: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """As recorded with the run; older runs have the device and the version of torch alone."""
    path = folder / "environment.json"
    recorded = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"torch": job["torch"]}
    return {"device": job["device"]} | recorded


def _digests(folder: Path, written: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    job = written["job"]
    yield "training", written["key"]
    yield "data", job["data_digest"]
    yield "plugin source", job["source"]
    for path in sorted(folder.glob("samples-*.npz")):
        yield path.name, hashlib.sha256(path.read_bytes()).hexdigest()


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(f"<dt>{text(str(name))}</dt><dd>{text(_plain(value))}</dd>\n" for name, value in facts.items())
    return f"<dl>{rows}</dl>" if rows else ""


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _results(records: Sequence[Record]) -> str:
    """What failed, the metrics, and folded away their parts and what was not measured."""
    failed = [record for record in records if record.failed]
    metrics = [
        record for record in records if record.status == "ok" and "/" not in record.metric and record.metric != "fit"
    ]
    parts = [record for record in records if record.status == "ok" and "/" in record.metric]
    skipped: dict[str, list[str]] = {}
    for record in records:
        if record.status == "skipped":
            skipped.setdefault(record.reason or "no reason given", []).append(record.metric)
    lost = "".join(f"<li>{text(', '.join(names))}: {text(reason)}</li>\n" for reason, names in skipped.items())
    return "\n".join(
        [
            "".join(f'<p class="bad">{text(f"{r.metric}: {r.status}: {r.reason}")}</p>' for r in failed),
            _table("Results", sorted(metrics, key=_place)),
            _folded("Parts of metrics", _table("Parts of metrics", sorted(parts, key=_place)) if parts else ""),
            _folded("Not measured, and why", f"<ul>{lost}</ul>" if lost else ""),
        ]
    )


def _place(record: Record) -> tuple[int, str]:
    return position(record.metric), record.metric


def _table(caption: str, records: Sequence[Record]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{text(record.metric)}</th><td>{record.value!r}</td>'
        f"<td>{'' if record.n is None else record.n}</td><td>{text(record.protocol)}</td></tr>\n"
        for record in records
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("metric", "value", "n", "protocol"))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>{content}</details>" if content else ""


def _curves(folder: Path) -> str:
    figures = "".join(drawn(name, curve) for name, curve in sorted(load_curves(folder).items()))
    return f'<h2>Curves</h2>\n<div class="pictures">{figures}</div>' if figures else ""


def _pictures(key: str, gallery: Gallery, title: str) -> str:
    found = [(what, gallery.first(kind, [key])) for kind, what in KINDS.items() if kind != "strip"]
    figures = "".join(
        f"<figure>{picture.image(f'{title}: {what}')}<figcaption>{text(what)}</figcaption></figure>"
        for what, picture in found
        if picture
    )
    return f'<h2>Pictures</h2>\n<div class="pictures">{figures}</div>' if figures else ""


def _log(folder: Path) -> str:
    path = folder / "log.txt"
    said = path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:] if path.is_file() else ""
    lines = "\n".join(map(text, said.splitlines()))
    return f"<h2>Log</h2>\n<pre>{lines}</pre>" if lines else ""
