"""The first table of a section: a line for each method with its rank, one number for each pillar, and samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.boards.notes import Notes
from bench.boards.ranks import Rank
from bench.boards.text import MISSING
from bench.boards.view import Column, Line, Section, line_of
from bench.pages.cells import head, number_cell, table
from bench.pages.gallery import Gallery
from bench.results.markup import text

# The metrics that can stand for a pillar: the first that was measured does.
PILLARS = {"fidelity": ("fd-lite0", "fd-judge"), "accuracy": ("class-agreement", "accuracy"), "control": ("acs",)}


@dataclass(frozen=True)
class Links:
    """What a method leads to: pages of its jobs by key, and the claims of its plugin as "shown of all" by plugin."""

    jobs: Mapping[str, str]
    claims: Mapping[str, str]


def pillars(section: Section) -> dict[str, Column]:
    """The column that stands for each pillar; a pillar without a measurement is left out."""
    found = {}
    for pillar, names in PILLARS.items():
        columns = [column for name in names for column in section.main if column.metric == name]
        if columns:
            found[pillar] = columns[0]
    return found


def short_table(notes: Notes, gallery: Gallery, links: Links, section: str) -> str:
    """Methods by rank, then classifiers and anchors."""
    columns = pillars(notes.section)
    heads = [head("method"), head("rank", "mean, 95 % interval")] if notes.section.ranks else [head("method")]
    heads += [head(pillar, column.info.heading, column.info.about) for pillar, column in columns.items()]
    heads.append('<th scope="col">samples</th>')

    def rows(anchors: bool) -> Iterator[str]:
        for line in notes.section.lines:
            if line.anchor == anchors:
                yield _row(line, notes, columns, gallery, links, section)

    return table("Methods, the best mean rank first", heads, rows(False), rows(True))


def _row(line: Line, notes: Notes, columns: Mapping[str, Column], gallery: Gallery, links: Links, section: str) -> str:
    ranked = [_rank(notes.section.ranks.get(line))] if notes.section.ranks else []
    cells = [*ranked, *(number_cell(line, column, notes, section) for column in columns.values())]
    return f'<tr><th scope="row">{_name(line, notes, links)}</th>{"".join(cells)}<td>{_strip(line, notes, gallery)}</td></tr>\n'


def _name(line: Line, notes: Notes, links: Links) -> str:
    """The method, the claims of its plugin, and its seeds, which lead to their jobs."""
    jobs = jobs_of(line, notes.section)
    seeds = [_seed(seed, links.jobs.get(key, "")) for seed, key in sorted(jobs.items())]
    plugin = next((r.plugin for r in notes.section.records if (r.entry, r.settings) == (line.entry, line.settings)), "")
    claims = links.claims.get(plugin, "")
    badge = f' <a class="badge" href="claims.html#{text(plugin)}">claims {text(claims)}</a>' if claims else ""
    return f"{text(notes.label(line))}{badge}<small>seed{'s' * (len(seeds) != 1)} {', '.join(seeds)}</small>"


def _seed(seed: int, target: str) -> str:
    return f'<a href="{text(target)}">{seed}</a>' if target else str(seed)


def jobs_of(line: Line, section: Section) -> dict[int, str]:
    """The keys of the trainings of a line, by seed."""
    own = (record for record in section.records if record.metric == "fit" and record.status == "ok")
    return {r.seed: r.key for r in own if line_of(r) == line}


def _rank(rank: Rank | None) -> str:
    if rank is None:
        return f"<td>{MISSING}</td>"
    interval = "one seed" if rank.low is None or rank.high is None else f"{rank.low:.2f} to {rank.high:.2f}"
    group = "" if rank.group is None else f", group {rank.group}"
    return f'<td class="sub" data-value="{rank.mean!r}">{rank.mean:.2f}<small>{interval}{group}</small></td>'


def _strip(line: Line, notes: Notes, gallery: Gallery) -> str:
    found = gallery.first("strip", jobs_of(line, notes.section).values())
    return found.image(f"samples of {notes.label(line)}") if found else MISSING
