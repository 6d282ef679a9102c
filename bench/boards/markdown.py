"""A board as Markdown: made from the CSV file alone, the same bytes for the same rows."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from bench.boards import two_judges
from bench.boards.files import board_path, locked, read, settle, update
from bench.boards.notes import Notes, marks
from bench.boards.text import GIVEN_IMAGES, MISSING, link, markdown, number
from bench.boards.uncertainty import HEADS, TITLE, WHY
from bench.boards.view import Column, Line, Section, sections
from bench.experiment.budget import BUDGETS
from bench.results.record import Record
from bench.util.text import shown

FLOOR = "≈"
POLICY = (
    "A metric that a method lacks, or that failed for any of its seeds, ranks last; equal values share their ranks. "
    "The interval is the central 95 % of 1,000 bootstrap draws of each method's seeds; methods whose intervals "
    "overlap, directly or along a chain, share a group: the seeds do not distinguish them. A method with one seed has no interval."
)


def render(folder: Path, dataset: str) -> str:
    """The board of a data set as Markdown, also written next to its CSV file. Raises `BenchError` if there is no CSV file."""
    path = board_path(folder, dataset)
    if not path.exists():
        read(path)  # says what there is instead
    settle(path)
    with locked(path):
        text = to_markdown(read(path), dataset)
        update(board_path(folder, dataset, ".md"), text.encode())
    return text


def to_markdown(records: Iterable[Record], dataset: str) -> str:
    """The whole page."""
    name = board_path(Path(), dataset).name
    head = [
        f"# {markdown(dataset)}",
        f"Made from [{markdown(name)}]({link(name)}) by `bench leaderboard`: change that, not this. "
        "[How to read a board](README.md).",
    ]
    return "\n\n".join(head + [block for section in sections(records) for block in _section(section)]) + "\n"


def _section(section: Section) -> list[str]:
    notes = Notes(section)
    title = [f"Budget {section.budget}", section.kind, section.judged]
    blocks = [f"## {markdown(' · '.join(title))}", _facts(notes)]
    common = [column for column in section.images if not column.info.special]
    special = [column for column in section.images if column.info.special]
    blocks += [_table(common, section.lines, notes)] if common else []
    if special:
        able = [line for line in section.lines if any(section.cell(line, column).tried for column in special)]
        blocks += ["### Own classifier, mixing, reconstruction", _table(special, able, notes)]
    blocks += _control(notes)
    blocks += [
        _legend(notes) if section.main else "",
        markdown(notes.misordered(section.main)),
        _skipped(notes),
        _failures(notes),
        _versions(notes),
        _tuning(notes),
    ]
    if section.main:
        blocks += ["### Ranks", _ranks(notes), _agreement(section), markdown(notes.second_judge)]
    if section.cost:
        blocks += ["### Cost", "To be read within one device, never across; not ranked.", _cost_table(notes)]
    if section.columns:
        blocks += ["### Protocols", _protocols(notes)]
    return [block for block in [*blocks, _spreads(notes), *_parts(notes), _not_measured(notes)] if block]


def _facts(notes: Notes) -> str:
    images = BUDGETS[notes.section.budget].images if notes.section.budget in BUDGETS else None
    facts = [f"**{markdown(name)}** {markdown(value)}" for name, value in notes.facts]
    facts += [f"**training images** {images:,}"] if images else []
    return " · ".join(facts)


def _table(columns: Sequence[Column], lines: Sequence[Line], notes: Notes) -> str:
    """The methods, best mean rank first, and the anchors below them."""
    letters = marks(columns)
    rows = [["method", *(markdown(column.info.heading) + letters[column] for column in columns)]]
    rows += [_row(line, columns, notes) for line in lines if not line.anchor]
    rows += [["**anchors**", *([""] * len(columns))]] if any(line.anchor for line in lines) else []
    rows += [_row(line, columns, notes) for line in lines if line.anchor]
    return _grid(rows)


def _control(notes: Notes) -> list[str]:
    """Codes to images, and images to codes: a fine encoder says nothing about the generator."""
    section, blocks = notes.section, []
    for title, encoder in (("codes to images", False), ("images to codes", True)):
        columns = [column for column in section.control if ("Encoding" in column.info.needs) == encoder]
        lines = [line for line in section.lines if any(section.cell(line, column).tried for column in columns)]
        if lines:
            blocks += [f"### Control: {title}", _table(columns, lines, notes)]
    return blocks


def _row(line: Line, columns: Sequence[Column], notes: Notes) -> list[str]:
    label = markdown(notes.label(line))
    return [f"*{label}*" if line.anchor else label, *(_cell(line, column, notes) for column in columns)]


def _cell(line: Line, column: Column, notes: Notes) -> str:
    floor = not column.info.cost and notes.section.at_floor(line, column)
    after = [FLOOR] * floor + [two_judges.MARK] * notes.disputed(line, column)
    return " ".join([_part(line, column, notes), *after])


def _legend(notes: Notes) -> str:
    section = notes.section
    lines = ["Mean ± standard deviation over seeds; ↓ lower is better, ↑ higher is better; – not measured."]
    if any(section.at_floor(line, column) for line in section.lines for column in section.main):
        lines.append(f"{FLOOR} beyond `real`, or within two standard errors of it: there the metric says nothing more.")
    if any(each.disputed for each in notes.opinions):
        lines.append(
            f"{two_judges.MARK} {two_judges.MEANING}: each of the two ranks lies outside the other's interval."
        )
    if section.given:
        lines.append(markdown(GIVEN_IMAGES))
    if notes.brought:
        lines.append(f"{markdown(notes.brought)}.")
    if section.budget == "smoke":
        lines.append("The budget `smoke` shows that everything runs, and nothing about quality.")
    return " ".join(lines)


def _failures(notes: Notes) -> str:
    rows = [
        f"- [{note.number}] {markdown(notes.label(note.line))}, seed {note.seed}, {markdown(note.what)}: "
        f"{markdown(note.status)}: {markdown(note.reason or 'no reason given')}"
        for note in notes.failures
    ]
    return "\n".join(["Failed:", "", *rows]) if rows else ""


def _skipped(notes: Notes) -> str:
    """Methods that are not for these images."""
    rows = [f"- {markdown(text)}" for text in notes.left_out]
    return "\n".join(["Skipped:", "", *rows]) if rows else ""


def _tuning(notes: Notes) -> str:
    """How the settings were chosen."""
    rows = [f"- {_list(names)}: {markdown(text)}" for text, names in notes.tuning]
    return "\n".join(["How the authors chose the settings:", "", *rows]) if rows else ""


def _versions(notes: Notes) -> str:
    versions = "; ".join(f"{markdown(version)} ({_list(who)})" for version, who in notes.versions.items())
    mixed = f" Measured with more than one version, run all seeds again: {_list(notes.mixed)}."
    return f"Versions: {versions}.{mixed if notes.mixed else ''}"


def _ranks(notes: Notes) -> str:
    section = notes.section
    if section.no_ranks:
        return section.no_ranks
    rows = [["method", "mean rank", "95 % interval", "group", "seeds"]]
    for line, rank in section.ranks.items():
        interval = MISSING if rank.low is None or rank.high is None else f"{rank.low:.2f} to {rank.high:.2f}"
        group = MISSING if rank.group is None else str(rank.group)
        rows.append([markdown(notes.label(line)), f"{rank.mean:.2f}", interval, group, str(rank.seeds)])
    return f"{_grid(rows)}\n\nMean rank over {_list(column.metric for column in section.ranked)}. {POLICY}"


def _agreement(section: Section) -> str:
    """How far two networks for ImageNet agree on the order of the methods, or an empty text."""
    found = []
    for column in section.main:
        twin = Column("fd-lite2", column.protocol.replace("lite0", "lite2"))
        if column.metric == "fd-lite0" and twin in section.main and section.budget != "smoke":
            methods, value = section.agreement(column, twin)
            found += [] if value is None else [f"{value:.2f} over {methods} methods"]
    return f"Spearman's rank correlation of fd-lite0 and fd-lite2: {'; '.join(found)}." if found else ""


def _cost_table(notes: Notes) -> str:
    columns = notes.section.cost
    lines = [line for line in notes.section.lines if any(notes.section.cell(line, column).ok for column in columns)]
    rows = [["method", "device", *(markdown(column.info.heading) for column in columns)]]
    rows += [
        [markdown(notes.label(line)), markdown(line.device), *(_cell(line, column, notes) for column in columns)]
        for line in lines
    ]
    return _grid(rows)


def _protocols(notes: Notes) -> str:
    columns = [*notes.section.main, *notes.section.cost]
    letters = marks(columns)
    return "\n".join(f"- {_protocol(column, notes)}{letters[column]}" for column in columns)


def _protocol(column: Column, notes: Notes) -> str:
    about = column.info.about.rstrip(".")
    counts = [number(count) for count in notes.counts(column)]
    parts = [f"**{markdown(column.info.heading)}**", markdown(about) if about else ""]
    parts += [f"protocol {markdown(column.protocol or 'not known')}", f"n = {', '.join(counts)}" if counts else ""]
    return ": ".join([parts[0], "; ".join(part for part in parts[1:] if part)])


def _spreads(notes: Notes) -> str:
    """How much of the variation of the ranked metrics comes from training and from sampling, folded away."""
    rows = [list(HEADS)]
    for line, column, found in notes.section.spreads:
        shares = (MISSING if each is None else number(each) for each in (found.total, found.training, found.sampling))
        rows.append([markdown(notes.label(line)), markdown(column.metric), *shares, str(found.seeds)])
    return _folded(TITLE, f"{WHY}\n\n{_grid(rows)}") if rows[1:] else ""


def _parts(notes: Notes) -> list[str]:
    """Parts of metrics, folded away: a line for each part, a column for each method."""
    blocks = []
    for metric, columns in notes.section.parts.items():
        lines = [line for line in notes.section.lines if any(notes.section.cell(line, column).ok for column in columns)]
        letters = marks(columns)
        rows = [[markdown(metric), *(markdown(notes.label(line)) for line in lines)]]
        rows += [
            [
                markdown(column.metric.partition("/")[2]) + letters[column],
                *(_part(line, column, notes) for line in lines),
            ]
            for column in columns
        ]
        blocks.append(_folded(f"Parts of {metric}", _grid(rows)))
    return blocks


def _part(line: Line, column: Column, notes: Notes) -> str:
    return notes.section.cell(line, column).text(len(notes.section.seeds), notes.number)


def _not_measured(notes: Notes) -> str:
    rows = [
        f"- {_list(metrics)}: {markdown(reason or 'no reason given')} ({_list(labels)})"
        for reason, metrics, labels in notes.skipped
    ]
    return _folded("Not measured", "\n".join(rows)) if rows else ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(markdown, names))


def _folded(summary: str, content: str) -> str:
    return f"<details>\n<summary>{escape(shown(summary))}</summary>\n\n{content}\n\n</details>"


def _grid(rows: list[list[str]]) -> str:
    """A table: names on the left, numbers to the right."""
    rule = ["---", *(["---:"] * (len(rows[0]) - 1))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])
