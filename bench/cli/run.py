"""`bench run`: look for a manifest, else plan and carry out, and print what came of it."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders, positive, positive_float
from bench.cli.console import console, say, sentence, show, silence, terminal_width
from bench.errors import BenchError
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest, parse_seeds
from bench.util.processes import children, end_children

if TYPE_CHECKING:
    from bench.execution.executor import Limits
    from bench.execution.plan import Plan
    from bench.execution.session import Session
    from bench.results.record import Record

LARGEST_FILE = 16 * 2**10  # MB


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
    add("--labels-per-class", type=positive, metavar="N", help="train on N images of each class; the board is NAME@N")
    add("--set", action="append", default=[], metavar="ENTRY.KEY=VALUE", help="change a setting, e.g. regene.lr=1e-3")
    add("--guide", metavar="NAME", help="the classifier provided to methods, e.g. timm:resnet18")
    add("--judge", metavar="NAME", help="the classifier that scores them; must differ from the guide")
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
    add("--device", default="auto", help="auto, cpu, cuda or cuda:i (default: auto)")
    add("--jobs", type=positive, metavar="N",
        help="processes at a time, which share the cores (default: one per core; 1 on a GPU)")  # fmt: skip
    add_folders(group)


def _output(group: Any) -> None:
    group.add_argument("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    group.add_argument("--json", action="store_true", help="print JSON for machines")


def run(options: argparse.Namespace) -> int:
    from bench.results.manifest import find_manifest

    request = request_from(options)
    records = None if options.dry_run or options.strict_plugins else find_manifest(options.runs, request)
    if records is not None:
        from bench.leaderboard import merge, render

        merge(options.leaderboards, records)
        render(options.leaderboards, records[0].dataset)
        say(f"nothing to do: all results are up to date (see {options.runs})")
        _print_run(options, records, {})
        return 0
    return _run(options, request)


def request_from(options: argparse.Namespace) -> RunRequest:
    from bench.experiment.defaults import default_budget, default_classifier, share_cores

    jobs, threads = share_cores(options.device, options.jobs)
    dataset = DatasetRef.parse(options.dataset, options.labels_per_class)
    if options.labels_per_class is None:
        dataset.require_path()
    return RunRequest(
        plugins=options.plugins,
        dataset=dataset,
        seeds=parse_seeds(options.seeds),
        budget=options.budget or default_budget(options.device),
        set=tuple(options.set),
        guide=ClassifierRef.parse(options.guide or default_classifier("guide")),
        judge=ClassifierRef.parse(options.judge or default_classifier("judge")),
        device=options.device,
        jobs=jobs,
        threads=threads,
    )


def _run(options: argparse.Namespace, request: RunRequest) -> int:
    from bench.execution.fork_server import warm_up

    if options.dry_run:
        return _plan_and_run(options, request)
    others = children()  # of a program that calls this
    try:
        warm_up()
        return _plan_and_run(options, request)
    finally:
        end_children(but=others)  # the server, which may still be importing, or be unknown yet, and what it started


def _plan_and_run(options: argparse.Namespace, request: RunRequest) -> int:
    from bench.execution.isolated_import import refused
    from bench.execution.plan import make_plan
    from bench.leaderboard import check_board

    plan = make_plan(request, strict=options.strict_plugins, probe=None if options.dry_run else refused)
    check_board(options.leaderboards, plan.board, plan.jobs[0].data_digest)  # the same for all jobs
    return _dry_run(options, plan) if options.dry_run else _carry_out(options, plan)


def _carry_out(options: argparse.Namespace, plan: "Plan") -> int:
    from bench.cli.dry_run import outline
    from bench.cli.progress import Jobs
    from bench.cli.progress import show as show_progress
    from bench.execution.session import Session
    from bench.results.run_dir import check_writable
    from bench.util.paths import cache_dir

    jobs = Jobs(plan.request.jobs)
    with show_progress(console(stderr=True), jobs) as display:
        every = options.checkpoint_every
        limits = _limits(options, plan)
        session = Session(plan, options.runs, options.leaderboards, cache_dir(), limits, display, every)
        try:
            check_writable(options.runs)
            jobs.expect({row["label"]: row["seconds"] for row in outline(plan, options.runs) if not row["cached"]})
            code = session.run()
        except BenchError as error:
            display.note(sentence(str(error)))
            return 1
    if code == 0:
        _write_manifest(options, session)
    _print_run(options, session.records, session.ends)
    return code


def _write_manifest(options: argparse.Namespace, session: "Session") -> None:
    from bench.results.manifest import write_manifest

    plan = session.plan
    if plan.data_files is None:
        return
    try:
        write_manifest(options.runs, plan.request, session.record_paths(), plan.data_files)
    except OSError as error:  # the results are saved; finding them takes longer next time
        say(f"could not write a manifest in {options.runs}: {error.strerror}")


def _limits(options: argparse.Namespace, plan: "Plan") -> "Limits":
    from bench.execution.executor import Limits

    jobs = plan.request.jobs
    return Limits(options.timeout or plan.budget.timeout, _memory_mb(options, jobs), _file_mb(options, jobs))


def _memory_mb(options: argparse.Namespace, jobs: int) -> float:
    import psutil

    whole = psutil.virtual_memory().total / 2**20
    return options.memory * 1024 if options.memory else 0.9 * whole / jobs


def _file_mb(options: argparse.Namespace, jobs: int) -> float:
    """What was asked for, or an even share of half of the free disk."""
    import shutil

    if options.disk:
        return float(options.disk * 1024)
    there = next(folder for folder in (options.runs.absolute(), *options.runs.absolute().parents) if folder.is_dir())
    return min(LARGEST_FILE, shutil.disk_usage(there).free / 2**20 / 2 / jobs)


def _dry_run(options: argparse.Namespace, plan: "Plan") -> int:
    from bench.cli.dry_run import outline, outline_lines

    rows = outline(plan, options.runs)
    if options.json:
        print(json.dumps({"jobs": rows}, indent=1))
    else:
        show(outline_lines(rows, terminal_width()))
    return 0


def _print_run(options: argparse.Namespace, records: "list[Record]", ends: dict[str, str]) -> None:
    from bench.cli.leaderboard import show_board
    from bench.leaderboard import board_path

    board = board_path(options.leaderboards, records[0].dataset)
    failed = [record for record in records if record.status not in ("ok", "skipped")]
    if options.json:
        rows = [record.to_dict() for record in records]
        print(json.dumps({"board": str(board), "failed": len(failed), "ends": ends, "records": rows}, indent=1))
        return
    try:
        show_board(options, records)
    except BrokenPipeError:
        silence()  # a closed pipe does not change how the run ended
