"""The page of one board: for each section a short table, charts, pictures and all metrics; then every row."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.boards.files import board_path
from bench.boards.markdown import POLICY
from bench.boards.notes import Notes
from bench.boards.summary import summary
from bench.boards.text import GIVEN_IMAGES, link
from bench.boards.view import ANCHORS, sections
from bench.pages.charts import charts
from bench.pages.frame import LIBRARIES, page
from bench.pages.full_tables import full_tables
from bench.pages.gallery import KINDS, Gallery
from bench.pages.rows import coded
from bench.pages.short_table import Links, jobs_of, short_table
from bench.results.markup import text
from bench.results.record import Record

LEGEND = (
    "Mean ± standard deviation over seeds; – not measured, with the reason below; ≈ beyond real images, or within two "
    "standard errors of them: there the metric says nothing more."
)
CHARTS = {
    "accuracy": "Fidelity and accuracy. Dashed: methods that no other one beats in both.",
    "control": "Fidelity and control. Dashed: methods that no other one beats in both.",
    "cost": "Fidelity and training time on one device. Dashed: methods that no other one beats in both.",
    "agreement": "Do feature spaces agree on the order of methods? Spearman's correlation; 1: the same order.",
}


def board_page(records: Sequence[Record], dataset: str, gallery: Gallery, links: Links) -> str:
    """The page as HTML. `records` are the rows of the board of `dataset`."""
    parts = [Notes(section) for section in sections(records)]
    names = [f"section-{number}" for number in range(1, len(parts) + 1)]
    drawn = {name: charts(notes) for name, notes in zip(names, parts, strict=True)}
    body = [_top(records, dataset)]
    body += [_section(notes, name, gallery, links, drawn[name]) for notes, name in zip(parts, names, strict=True)]
    body.append(_every_row(records))
    data = {"charts": drawn, "rows": coded(records)}
    scripts, styles = (*LIBRARIES, "page.js"), ("vendor/tabulator.min.css",)
    return page(f"{dataset}: leaderboard", "\n".join(body), data=data, scripts=scripts, styles=styles)


def _top(records: Sequence[Record], dataset: str) -> str:
    file = board_path(Path(), dataset).name
    data = ", ".join(sorted({record.data for record in records if record.data})) or "not recorded"
    methods = {(record.entry, record.settings) for record in records if record.entry not in ANCHORS}
    return (
        f'<p><a href="index.html">All boards</a></p>\n<h1>{text(dataset)}</h1>\n'
        f'<p class="facts">{len(methods)} methods and settings, {len(records):,} rows, data {text(data)} · '
        f'<a href="{text(link(file))}">rows as CSV</a> · <a href="claims.html">claims of the papers</a></p>'
    )


def _section(notes: Notes, name: str, gallery: Gallery, links: Links, chart: dict[str, Any]) -> str:
    section = notes.section
    title = " · ".join([f"Budget {section.budget}", section.kind, section.judged])
    facts = " · ".join(f"{text(what)} {text(value)}" for what, value in notes.facts)
    said = [*([GIVEN_IMAGES] if section.given else []), *filter(None, [notes.brought]), *summary(notes)]
    why = section.no_ranks or POLICY
    blocks = [
        f'<section id="{name}">\n<h2>{text(title)}</h2>\n<p class="facts">{facts}</p>',
        "".join(f"<p>{text(line)}</p>" for line in said),
        short_table(notes, gallery, links, name),
        f'<p class="facts">{LEGEND} {escape(why)} {text(notes.misordered(section.main))}</p>',
        _charts(name, chart),
        _pictures(notes, gallery),
        full_tables(notes, name),
        "</section>",
    ]
    return "\n".join(block for block in blocks if block)


def _charts(name: str, chart: dict[str, Any]) -> str:
    """Places for the charts that there are numbers for."""
    kinds = [axis for axis in ("accuracy", "control", "cost") if axis in chart["axes"] and "fidelity" in chart["axes"]]
    kinds += ["agreement"] if chart["agreement"] else []
    figures = "".join(
        f'<figure><div class="chart" data-chart="{name}" data-kind="{kind}"></div><figcaption>{CHARTS[kind]}</figcaption></figure>\n'
        for kind in kinds
    )
    return f'<div class="charts">{figures}</div>' if figures else ""


def _pictures(notes: Notes, gallery: Gallery) -> str:
    """All pictures of all methods, by what they show, real images first."""
    lines = sorted(notes.section.lines, key=lambda line: line.entry != "real")
    blocks = []
    for kind, what in KINDS.items():
        found = [(line, gallery.first(kind, jobs_of(line, notes.section).values())) for line in lines]
        figures = "".join(
            f"<figure>{picture.image(f'{notes.label(line)}: {what}')}<figcaption>{text(notes.label(line))}</figcaption></figure>\n"
            for line, picture in found
            if picture and kind != "strip"
        )
        if figures:
            blocks.append(f'<h3>{text(what[0].upper() + what[1:])}</h3>\n<div class="pictures">{figures}</div>')
    return f"<details><summary>Pictures</summary>{''.join(blocks)}</details>" if blocks else ""


def _every_row(records: Sequence[Record]) -> str:
    return (
        f'<h2 id="rows">Every row</h2>\n<details><summary>{len(records):,} rows, to filter and to sort</summary>'
        '<div id="every-row" role="region" aria-label="Every row"></div></details>'
    )
