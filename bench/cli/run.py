"""`bench run`: parse a request, have it carried out, and print what came of it."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import WRITTEN, add_command, add_folders, positive, positive_float
from bench.cli.console import say, sentence, show, silence, terminal_width
from bench.cli.engine import add_engine, engine_from
from bench.cli.find_board import written
from bench.errors import BenchError
from bench.execution.conditions import Conditions
from bench.experiment.request import RunRequest

if TYPE_CHECKING:
    from bench.execution.carry_out import Outcome
    from bench.execution.given import GivenSamples

EXAMPLES = """bench run --plugins regene
bench run --plugins gmm,stic --dataset digits --seeds 0-2 --budget quick"""


def add_parser(commands: Any) -> None:
    text = "train methods, evaluate them and update the leaderboard"
    sub = add_command(commands, "run", run, text, examples=EXAMPLES)
    _what(sub.add_argument_group("what to run"))
    _how_much(sub.add_argument_group("how much"))
    _limits_of(sub.add_argument_group("limits"))
    _where(sub.add_argument_group("where"))
    _output(sub.add_argument_group("output"))


def _what(group: Any) -> None:
    add = group.add_argument
    add("--plugins", required=True, metavar="NAMES", help="entries to train, separated by commas, or all")
    add("--dataset", default="sprites", metavar="NAME", help="e.g. digits or folder:PATH (default: sprites)")
    add("--split", choices=("test", "validation"), default="test", metavar="NAME",
        help="score on test or, to choose settings, on validation; the board is then NAME@validation (default: test)")  # fmt: skip
    add("--labels-per-class", type=positive, metavar="N", help="train on N images of each class; the board is NAME@N")
    add("--set", action="append", default=[], metavar="ENTRY.KEY=VALUE", help="change a setting, e.g. regene.lr=1e-3")
    add(
        "--guide",
        metavar="NAME",
        help="the classifier provided to methods, e.g. timm:resnet18 or, to train it here, fit",
    )
    add(
        "--judge",
        metavar="NAME",
        help="the classifier that scores them; must differ from the guide; fit trains it here",
    )
    add(
        "--isolated",
        action="append",
        default=[],
        metavar="DIST",
        help="run the methods of this distribution (a folder, "
        "a wheel or a requirement) in an environment of its own, made by uv",
    )
    add("--strict-plugins", action="store_true", help="refuse to start while any installed plugin is broken")


def _how_much(group: Any) -> None:
    add = group.add_argument
    add(
        "--budget",
        metavar="NAME",
        help="smoke, quick, medium, standard or full (default: quick on CPU, standard on a GPU)",
    )
    add("--seeds", default="0", metavar="LIST", help="training seeds, e.g. 0,1,2 or 0-4 (default: 0)")
    add("--dry-run", action="store_true", help="print the jobs, what is cached and the time needed, and stop")


def _limits_of(group: Any) -> None:
    add = group.add_argument
    add("--timeout", type=positive_float, metavar="SECONDS", help="time limit per job (default: by budget)")
    add(
        "--memory", type=positive_float, metavar="GB", help="memory limit per job (default: 90%% of the machine / jobs)"
    )
    add("--disk", type=positive_float, metavar="GB",
        help="file size limit per job (default: half of the free disk / jobs, at most 16)")  # fmt: skip
    add("--checkpoint-every", type=positive_float, default=30.0, metavar="SECONDS",
        help="seconds between checkpoints (default: 30)")  # fmt: skip


def _where(group: Any) -> None:
    add = group.add_argument
    add("--device", default="auto", help="auto, cpu, cuda (all GPUs) or cuda:0,2 (some of them) (default: auto)")
    add("--jobs", type=positive, metavar="N",
        help="processes at a time, which share the cores (default: one per core or GPU)")  # fmt: skip
    add_engine(group)
    add_folders(group, WRITTEN)


def _output(group: Any) -> None:
    group.add_argument("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    group.add_argument("--json", action="store_true", help="print JSON for machines")


def run(options: argparse.Namespace) -> int:
    request, conditions = request_from(options), conditions_from(options)
    return _dry_run(options, request, conditions) if options.dry_run else carried_out(options, request, conditions)


def carried_out(
    options: argparse.Namespace, request: RunRequest, conditions: Conditions, given: "GivenSamples | None" = None
) -> int:
    """Carry out a request, print its board, and return the exit code. `given`: images in the place of a method."""
    from bench.execution.carry_out import find_finished
    from bench.execution.worker_server import worker_server

    finished = find_finished(request, conditions)
    if finished is not None:
        say(f"nothing to do: all results are up to date (see {conditions.runs})")
        _print_run(options, finished)
        return 0
    with worker_server():
        return _run(options, request, conditions, given)


def request_from(options: argparse.Namespace) -> RunRequest:
    from bench.experiment.defaults import complete

    return complete(
        options.plugins, options.dataset, split=options.split, labels=options.labels_per_class, seeds=options.seeds, budget=options.budget,
        settings=options.set, guide=options.guide, judge=options.judge, device=options.device, jobs=options.jobs,
        engine=engine_from(options), isolated=options.isolated,
    )  # fmt: skip


def conditions_from(options: argparse.Namespace) -> Conditions:
    return Conditions(
        runs=options.runs,
        boards=written(options),
        timeout=options.timeout,
        memory=options.memory,
        disk=options.disk,
        checkpoint_every=options.checkpoint_every,
        strict=options.strict_plugins,
    )


def _run(options: argparse.Namespace, request: RunRequest, conditions: Conditions, given: "GivenSamples | None") -> int:
    from bench.cli.jobs_left import Jobs
    from bench.cli.progress import display
    from bench.execution.carry_out import carry_out, prepare

    plan = prepare(request, conditions)
    with display(Jobs(request.jobs)) as shown:
        try:
            outcome = carry_out(plan, conditions, shown, given)
        except BenchError as error:
            shown.note(sentence(str(error)))
            return 1
    _print_run(options, outcome)
    return int(bool(outcome.failed))


def _dry_run(options: argparse.Namespace, request: RunRequest, conditions: Conditions) -> int:
    from bench.cli.dry_run import outline_lines
    from bench.execution.carry_out import prepare
    from bench.execution.executors.engines import places
    from bench.execution.outline import cost_of, outline

    plan = prepare(request, conditions, isolated=False)
    rows = outline(plan, options.runs)
    cost = cost_of(plan, rows, places(request))
    if options.json:
        print(json.dumps({"jobs": rows, "cost": cost.to_dict()}, indent=1))
    else:
        show(outline_lines(rows, cost, terminal_width()))
    return 0


def _print_run(options: argparse.Namespace, outcome: "Outcome") -> None:
    from bench.boards import board_path
    from bench.cli.show_board import show_board

    records = outcome.records
    if options.json:
        board = board_path(written(options), records[0].dataset)
        rows = [record.to_dict() for record in records]
        whole = {"board": str(board), "failed": len(outcome.failed), "ends": outcome.ends, "records": rows}
        print(json.dumps(whole, indent=1))
        return
    try:
        show_board(records, written(options), options.runs, options.all)
    except BrokenPipeError:
        silence()  # a closed pipe does not change how the run ended
