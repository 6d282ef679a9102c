"""The index of all boards: a card for each, and what they say together."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.boards.notes import Notes
from bench.boards.over_seeds import mean
from bench.boards.ranks import positions
from bench.boards.summary import summary
from bench.boards.text import link
from bench.boards.view import Line, Section, sections
from bench.pages.frame import LIBRARIES, page
from bench.pages.gallery import Gallery
from bench.pages.short_table import jobs_of
from bench.results.markup import text
from bench.results.record import Record

METRIC = "fd-lite0"  # that methods are compared by over data sets
SHOWN = 3  # methods in a card


def index_page(
    boards: Mapping[str, Sequence[Record]], galleries: Mapping[str, Gallery], pages: Mapping[str, str]
) -> str:
    """The page as HTML. By data set: the rows of each board, their pictures, and the names of the files of their pages."""
    parts = {name: [Notes(section) for section in sections(records)] for name, records in boards.items() if records}
    cards = "\n".join(_card(name, notes, galleries[name], pages.get(name, "")) for name, notes in parts.items())
    chart = over_data_sets({name: notes[0].section for name, notes in parts.items()})
    body = [
        "<h1>Leaderboards</h1>",
        "<p>Image generators that build on classifiers, trained and measured on the same data, with the same budget and "
        'the same judge. <a href="claims.html">Claims of the papers</a>.</p>',
        f'<ul class="cards">\n{cards}\n</ul>' if cards else "<p>There is no board yet.</p>",
        _chart(chart),
    ]
    html = "\n".join(block for block in body if block)
    if chart is None:
        return page("Leaderboards", html)
    return page("Leaderboards", html, data={"charts": {"ranks": chart}}, scripts=(*LIBRARIES[1:], "page.js"))


def _card(name: str, parts: Sequence[Notes], gallery: Gallery, file: str) -> str:
    """The largest budget of a board: its best methods with samples, and the summary."""
    notes = parts[0]
    section = notes.section
    title = f'<a href="{text(link(file))}">{text(name)}</a>' if file else text(name)
    lines = [line for line in section.lines if not line.anchor][:SHOWN]
    lines += [line for line in section.lines if line.entry == "real"][:1]
    rows = "".join(_strip(notes, line, gallery) for line in lines)
    methods = sum(not line.anchor for line in section.lines)
    counts = f"{methods} method{'s' * (methods != 1)}, {len(section.seeds)} seed{'s' * (len(section.seeds) != 1)}"
    facts = f"{counts}, budget {section.budget}, {section.kind}"
    said = "".join(f"<p>{text(line)}</p>" for line in summary(notes))
    return f'<li><h2>{title}</h2>\n<p class="facts">{text(facts)}</p>\n{rows}{said}</li>'


def _strip(notes: Notes, line: Line, gallery: Gallery) -> str:
    found = gallery.first("strip", jobs_of(line, notes.section).values())
    label = notes.label(line)
    if found is None:
        return ""
    return f"<figure>{found.image(f'samples of {label} on {notes.section.records[0].dataset}')}<figcaption>{text(label)}</figcaption></figure>"


def over_data_sets(found: Mapping[str, Section]) -> dict[str, Any] | None:
    """Mean ranks by `METRIC` of the methods that all boards have, with the difference that is significant.

    Nemenyi's test, as in J. Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006).
    None unless three methods share three data sets.
    """
    levels = {name: _levels(section) for name, section in found.items()}
    levels = {name: own for name, own in levels.items() if len(own) >= 3}
    shared = sorted(set.intersection(*map(set, levels.values()))) if len(levels) >= 3 else []
    if len(shared) < 3:
        return None
    ranked = [positions([own[method] for method in shared]) for own in levels.values()]
    ranks = {method: sum(row[place] for row in ranked) / len(ranked) for place, method in enumerate(shared)}
    methods = [{"method": method, "rank": rank} for method, rank in sorted(ranks.items(), key=lambda item: item[1])]
    return {"methods": methods, "difference": critical_difference(len(shared), len(ranked)), "data": sorted(levels)}


def critical_difference(methods: int, data_sets: int) -> float:
    """The least difference of two mean ranks that is significant at 5 %: q sqrt(k (k + 1) / (6 N)), equation 5 there."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(0.95, methods, math.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * data_sets))


def _levels(section: Section) -> dict[str, float]:
    """The mean of `METRIC` of each method with default settings."""
    columns = [column for column in section.main if column.metric == METRIC]
    found: dict[str, float] = {}
    for line in section.lines:
        values = section.cell(line, columns[0]).values if columns and not line.anchor and not line.settings else []
        if values and all(map(math.isfinite, values)):
            found.setdefault(line.entry, mean(values))
    return found


def _chart(chart: dict[str, Any] | None) -> str:
    if chart is None:
        return ""
    caption = (
        f"Mean rank by {METRIC} over {', '.join(chart['data'])}. Two methods differ significantly (Nemenyi's test, 5 %) "
        f"if their bars do not overlap: the critical difference is {chart['difference']:.2f}."
    )
    return (
        '<h2>Over all data sets</h2>\n<figure><div class="chart" data-chart="ranks" data-kind="ranks"></div>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )
