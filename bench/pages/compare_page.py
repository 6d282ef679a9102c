"""Two methods side by side as a page: differences with intervals, and their pictures."""

from collections.abc import Sequence
from pathlib import Path

from bench.boards.compare import Comparison, Difference
from bench.boards.over_seeds import mean
from bench.boards.text import MISSING, number, spread
from bench.boards.view import Line
from bench.pages.cells import head, table
from bench.pages.frame import page
from bench.pages.gallery import KINDS, Gallery
from bench.pages.short_table import jobs_of
from bench.results.markup import text
from bench.util.atomic import write_atomic


def write_comparison(path: Path, found: Comparison, boards: Path, runs: Path) -> None:
    """Write the page; pictures come from the board's folder or from `runs`."""
    gallery = Gallery(boards, found.dataset)
    gallery.collect(runs, found.section.records, prune=False)
    write_atomic(path, comparison_page(found, gallery).encode())


def comparison_page(found: Comparison, gallery: Gallery) -> str:
    """The page as HTML."""
    title = f"{found.first} and {found.second} on {found.dataset}"
    heads = [head("metric"), head(found.first), head(found.second), head("difference", "first minus second")]
    heads += [f'<th scope="col">{name}</th>' for name in ("95 % interval", "better")]
    rows = [_row(found, one) for one in found.differences]
    about = (
        "Differences are paired over the training seeds that both methods have; the interval is Student's. "
        "A method is better if the interval leaves out 0."
    )
    body = [
        f'<h1>{text(title)}</h1>\n<p class="facts">{text(found.facts)}</p>\n<p>{about}</p>',
        table("Differences", heads, rows, []),
        _pictures(found, gallery),
    ]
    return page(title, "\n".join(body), data={"charts": {}}, scripts=("page.js",))


def _row(found: Comparison, one: Difference) -> str:
    interval = MISSING if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
    better = {"first": found.first, "second": found.second}.get(one.better, MISSING)
    numbers = [(spread(list(one.first)), mean(one.first)), (spread(list(one.second)), mean(one.second))]
    numbers.append((number(one.difference), one.difference))
    cells = "".join(f'<td data-value="{value!r}">{text(words)}</td>' for words, value in numbers)
    cells += "".join(f"<td>{text(words)}</td>" for words in (interval, better))
    return f'<tr><th scope="row">{text(one.heading)}</th>{cells}</tr>\n'


def _pictures(found: Comparison, gallery: Gallery) -> str:
    """The pictures of the same kind of both methods beside each other."""
    blocks = []
    for kind, what in KINDS.items():
        figures = [_figure(label, line, kind, found, gallery) for label, line in _sides(found)]
        if any(figures):
            blocks.append(
                f'<h2>{text(what[0].upper() + what[1:])}</h2>\n<div class="pictures">{"".join(figures)}</div>'
            )
    return "\n".join(blocks)


def _sides(found: Comparison) -> Sequence[tuple[str, Line]]:
    return list(zip((found.first, found.second), found.lines, strict=True))


def _figure(label: str, line: Line, kind: str, found: Comparison, gallery: Gallery) -> str:
    picture = gallery.first(kind, jobs_of(line, found.section).values())
    if picture is None:
        return ""
    return f"<figure>{picture.image(f'{label}: {KINDS[kind]}')}<figcaption>{text(label)}</figcaption></figure>"
