"""All metrics of a section of a board as tables, with failures, what was not measured, and protocols."""

from collections.abc import Iterator

from bench.boards.notes import Notes, marks
from bench.boards.text import MISSING, number
from bench.boards.uncertainty import HEADS, TITLE, WHY
from bench.boards.view import Column, Line
from bench.pages.cells import head, metric_table, table
from bench.results.markup import text


def full_tables(notes: Notes, section: str) -> str:
    """Everything about a section beside its short table, folded away."""
    tables = "\n".join(
        metric_table(title, columns, lines, notes, section) for title, columns, lines in _groups(notes) if columns
    )
    blocks = [("Every metric", tables), ("How each metric was measured", _protocols(notes))]
    blocks.append((TITLE, _spreads(notes)))
    blocks.append(("The second judge", _second_judge(notes)))
    blocks.append(("How the authors chose the settings", _tuning(notes)))
    blocks.append(("Not measured, and why", _not_measured(notes)))
    folded = "".join(f"<details><summary>{title}</summary>{block}</details>\n" for title, block in blocks if block)
    return f"{_skipped(notes)}{failures(notes, section)}{folded}"


def _skipped(notes: Notes) -> str:
    items = "".join(f"<li>{text(why)}</li>\n" for why in notes.left_out)
    return f"<h3>Skipped</h3>\n<ul>\n{items}</ul>\n" if items else ""


def failures(notes: Notes, section: str) -> str:
    """What failed, each with its reason: the target of links in the tables."""
    items = "".join(
        f'<li id="{section}-note-{note.number}" value="{note.number}">{text(notes.label(note.line))}, seed {note.seed}, '
        f"{text(note.what)}: <strong>{text(note.status)}</strong>: {text(note.reason or 'no reason given')}</li>\n"
        for note in notes.failures
    )
    return f'<h3>What failed</h3>\n<ol class="failures">\n{items}</ol>\n' if items else ""


def _groups(notes: Notes) -> Iterator[tuple[str, list[Column], list[Line]]]:
    """Title, columns and lines of each table."""
    section = notes.section
    groups = {
        "Images": [column for column in section.images if not column.info.special],
        "Own classifier, mixing, reconstruction": [column for column in section.images if column.info.special],
        "Control: codes to images": [column for column in section.control if "Encoding" not in column.info.needs],
        "Control: images to codes": [column for column in section.control if "Encoding" in column.info.needs],
        "Cost, to be read within one device": section.cost,
    }
    for title, columns in groups.items():
        yield title, columns, [line for line in section.lines if any(section.cell(line, c).tried for c in columns)]


def _protocols(notes: Notes) -> str:
    columns = [*notes.section.main, *notes.section.cost]
    letters = marks(columns)
    items = "".join(
        f"<dt>{text(column.info.heading + letters[column])}</dt><dd>{text(_protocol(column, notes))}</dd>\n"
        for column in columns
    )
    return f"<dl>{items}</dl>" if items else ""


def _protocol(column: Column, notes: Notes) -> str:
    counts = ", ".join(number(count) for count in notes.counts(column))
    parts = [column.info.about, f"protocol {column.protocol or 'not known'}", f"n = {counts}" if counts else ""]
    return "; ".join(part for part in parts if part)


def _spreads(notes: Notes) -> str:
    rows = []
    for line, column, found in notes.section.spreads:
        shares = found.total, found.training, found.sampling
        cells = "".join(f"<td>{MISSING if each is None else text(number(each))}</td>" for each in shares)
        name = f'<th scope="row">{text(notes.label(line))}</th><td>{text(column.metric)}</td>'
        rows.append(f"<tr>{name}{cells}<td>{found.seeds}</td></tr>")
    return f"<p>{text(WHY)}</p>\n{table(TITLE, [head(title) for title in HEADS], rows, [])}" if rows else ""


def _second_judge(notes: Notes) -> str:
    return f"<p>{text(notes.second_judge)}</p>" if notes.second_judge else ""


def _tuning(notes: Notes) -> str:
    items = "".join(f"<dt>{text(', '.join(names))}</dt><dd>{text(said)}</dd>\n" for said, names in notes.tuning)
    return f"<dl>{items}</dl>" if items else ""


def _not_measured(notes: Notes) -> str:
    items = "".join(
        f"<li>{text(', '.join(metrics))}: {text(reason or 'no reason given')} ({text(', '.join(labels))})</li>\n"
        for reason, metrics, labels in notes.skipped
    )
    return f"<ul>{items}</ul>" if items else ""
