"""`bench compare`: two methods, settings or runs of a board side by side."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders
from bench.cli.console import show, terminal_width
from bench.cli.find_board import add_with, find_rows
from bench.util.columns import columns, fold

if TYPE_CHECKING:
    from bench.boards.compare import Comparison, Difference

EXAMPLES = """bench compare regene ae-mix --dataset digits
bench compare dr-vae "dr-vae[gamma=0]" --dataset sprites --all
bench compare my-method gmm --dataset digits --with mine --html page.html"""


def add_parser(commands: Any) -> None:
    text = "compare two methods of a leaderboard, paired over training seeds"
    sub = add_command(commands, "compare", compare_command, text, as_json=True, examples=EXAMPLES)
    for name, what in (("first", "an entry, entry[settings], or the key of one training"), ("second", "the other one")):
        sub.add_argument(name, help=what)
    sub.add_argument("--dataset", default="sprites", metavar="NAME", help="the leaderboard (default: sprites)")
    sub.add_argument("--budget", metavar="NAME", help="compare at this budget (default: where they share most seeds)")
    sub.add_argument("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write a page with pictures to FILE")
    add_with(sub)
    add_folders(sub)


def compare_command(options: argparse.Namespace) -> int:
    from bench.boards.compare import compare

    folder, _, records = find_rows(options)
    found = compare(records, options.first, options.second, options.budget)
    if options.html:
        from bench.pages.compare_page import write_comparison

        write_comparison(options.html, found, folder, options.runs)
    if options.json:
        print(json.dumps(as_json(found), indent=1))
    else:
        show(comparison_text(found, terminal_width(), options.all, options.html))
    return 0


def as_json(found: "Comparison") -> dict[str, Any]:
    return {
        "dataset": found.dataset, "section": found.facts, "first": found.first, "second": found.second,
        "differences": [asdict(difference) for difference in found.differences],
    }  # fmt: skip


def comparison_text(found: "Comparison", width: int | None, everything: bool, page: Path | None) -> list[str]:
    """A line for each metric: both means, their difference with its interval, and who is better."""
    heads = ["", found.first, found.second, "difference", "95 % interval", "better"]
    rows = [_row(found, difference) for difference in shown(found, everything)]
    seeds = sorted({seed for difference in found.differences for seed in difference.seeds})
    title = f"{found.dataset} · {found.facts} · seeds {', '.join(map(str, seeds))}"
    legend = (
        "difference: the first minus the second, mean over the same training seeds; better: whose interval leaves out 0"
    )
    hidden = len(found.differences) - len(rows)
    more = [f"{hidden} more metrics and costs: --all"] if hidden else []
    notes = [line for text in [legend, *more, *([f"page: {page}"] if page else [])] for line in fold(text, width)]
    return [title, "", *columns([heads, *rows], width), "", *notes]


def shown(found: "Comparison", everything: bool) -> "list[Difference]":
    from bench.boards.headline import control_headline, headline

    names = {column.metric for column in [*headline(found.section), *control_headline(found.section)]}
    return [one for one in found.differences if everything or one.metric in names]


def _row(found: "Comparison", one: "Difference") -> list[str]:
    from bench.boards.text import number, spread

    interval = "one seed" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
    better = {"first": found.first, "second": found.second}.get(one.better, "–")
    return [one.heading, spread(list(one.first)), spread(list(one.second)), number(one.difference), interval, better]
