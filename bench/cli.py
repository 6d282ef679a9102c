"""The command line: parse, delegate, print. Nothing heavy is imported before a command needs it."""

import argparse
import errno
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.wish import Wish, join_labels, parse_seeds

if TYPE_CHECKING:
    from rich.console import Console

    from bench.plan import Plan
    from bench.record import Record

PATIENCE = 4  # seconds that a stopped command may take to end itself and its children
STOPS = (signal.SIGINT, signal.SIGTERM)
LARGEST_FILE = 16 * 2**10  # MB
INTERRUPTED = "bench: interrupted; what is finished is kept, the same command goes on from there"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 all well, 1 some job failed, 2 wrong usage, 130 and 143 stopped by a signal."""
    _open_standard_streams()
    for number in STOPS:  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, _stop)
    try:
        try:
            options = parser().parse_args(arguments)
            return options.command(options)
        finally:
            sys.stdout.flush()  # here, where what goes wrong can still be said
    except BenchError as error:
        print(f"bench: {_sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(INTERRUPTED, file=sys.stderr)
        return 128 + next(iter(stop.args), signal.SIGINT)
    except BrokenPipeError:  # bench list | head
        _silence()
        return 0
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _silence()
        print(f"bench: cannot write {error.filename or 'to standard output'}: {error.strerror}", file=sys.stderr)
        return 1


def _open_standard_streams() -> None:
    """What was closed leads nowhere: no other file may get its number. What an encoding lacks is written as an escape."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)  # nor in a process that is started
    os.close(handle)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
        if isinstance(stream, io.TextIOWrapper):  # tests put other things there
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, stream)


def _silence() -> None:
    """Nobody reads standard output any more: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: BenchError) -> str:
    """On one line, and without what a name of a file could do to a terminal."""
    from bench.leaderboard.text import one_line

    return one_line(str(error))


def _stop(number: int, frame: object) -> None:
    """End in order, once: further signals change nothing, and what takes too long is cut off."""
    for other in STOPS:
        signal.signal(other, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: _cut_off(number))
    signal.alarm(PATIENCE)
    raise KeyboardInterrupt(number)


def _cut_off(number: int) -> None:
    os.write(2, f"{INTERRUPTED}\n".encode())
    os._exit(128 + number)


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(prog="bench", description="Compare image generators that lean on classifiers.")
    top.add_argument("--version", action="version", version=f"bench {version('classifier-bench')}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _run_parser(commands)
    _command(commands, "list", list_, "plugins, entries, data sets, metrics and feature spaces", as_json=True)
    board = _command(
        commands,
        "leaderboard",
        leaderboard,
        "print a board and render its page, or name those that there are",
        as_json=True,
    )
    board.add_argument("dataset", nargs="?", help="the data set; without it, the names of all boards")
    board.add_argument("--leaderboards", type=Path, default=Path("leaderboards"), metavar="DIR")
    check = _command(commands, "test", test, "hold plugins to the promises of the conformance suite", as_json=True)
    check.add_argument("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas")
    check.add_argument("--device", default="cpu", help="cpu, cuda or cuda:i (default: %(default)s)")
    ledger = _command(commands, "claims", claims, "the ledger: what each paper claims, and what was seen", as_json=True)
    ledger.add_argument("name", nargs="?", help="a plugin; without it, all")
    why = _command(commands, "explain", explain, "what a key of a board stands for, and why it differs", as_json=True)
    why.add_argument("key", help="a key from a board or a run directory, or its first hex digits")
    why.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR")
    shell = _command(commands, "completion", completion, "print a completion script for a shell")
    shell.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    return top


def _command(commands: Any, name: str, command: Any, text: str, as_json: bool = False) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    sub.set_defaults(command=command)
    if as_json:
        sub.add_argument("--json", action="store_true", help="print JSON for machines")
    return sub


def _run_parser(commands: Any) -> None:
    sub = _command(commands, "run", run, "train methods, examine them, and write the board", as_json=True)
    add = sub.add_argument
    add("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas, or all")
    add(
        "--dataset", default="sprites", metavar="NAME", help="a data set, e.g. digits or folder:PATH (default: sprites)"
    )
    add("--labels-per-class", type=_positive, metavar="N", help="train on N images of each class; the board is NAME@N")
    add("--seeds", default="0", metavar="LIST", help="training seeds, e.g. 0,1,2 or 0-4 (default: 0)")
    add("--budget", metavar="NAME", help="smoke, quick, standard or full (default: quick on CPU, standard on a GPU)")
    add("--set", action="append", default=[], metavar="ENTRY.KEY=VALUE", help="change a setting, e.g. regene.lr=1e-3")
    add("--guide", metavar="NAME", help="the classifier lent to methods, e.g. timm:resnet18")
    add("--judge", metavar="NAME", help="the classifier that scores them; never the guide")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:i (default: auto)")
    add(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processes at a time, sharing the cores (default: one for each core, with one thread; 1 on a GPU)",
    )
    add("--timeout", type=_seconds, metavar="SECONDS", help="the longest that one job may take (default: by budget)")
    add(
        "--memory",
        type=_seconds,
        metavar="GB",
        help="the most that one job may hold (default: 90%% of the machine / N)",
    )
    add(
        "--disk",
        type=_seconds,
        metavar="GB",
        help="the largest file that one job may write (default: half of what is free / N, at most 16)",
    )
    add(
        "--checkpoint-every",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="what a killed training loses at most (default: 30)",
    )
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="run directories (default: runs)")
    add("--leaderboards", type=Path, default=Path("leaderboards"), metavar="DIR", help="boards (default: leaderboards)")
    add("--dry-run", action="store_true", help="print the jobs with their keys and what is cached, and stop")
    add("--strict-plugins", action="store_true", help="refuse to start while any installed plugin is broken")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a positive number")
    return value


# bench run


def run(options: argparse.Namespace) -> int:
    from bench.receipt import find_receipt

    wish = _wish(options)
    records = None if options.dry_run or options.strict_plugins else find_receipt(options.runs, wish)
    if records is not None:
        from bench.leaderboard import merge, render

        merge(options.leaderboards, records)
        render(options.leaderboards, records[0].dataset)
        print(f"bench: all of this was done before; the runs are in {options.runs}", file=sys.stderr)
        _print_run(options, records, {})
        return 0
    return _run(options, wish)


def _wish(options: argparse.Namespace) -> Wish:
    from bench.defaults import default_budget, default_examiner, share_cores

    jobs, threads = share_cores(options.device, options.jobs)
    return Wish(
        plugins=options.plugins,
        dataset=join_labels(options.dataset, options.labels_per_class),
        seeds=parse_seeds(options.seeds),
        budget=options.budget or default_budget(options.device),
        set=tuple(options.set),
        guide=options.guide or default_examiner("guide"),
        judge=options.judge or default_examiner("judge"),
        device=options.device,
        jobs=jobs,
        threads=threads,
    )


def _run(options: argparse.Namespace, wish: Wish) -> int:
    from bench.engine import cool_down, warm_up

    if options.dry_run:
        return _plan_and_run(options, wish)
    try:
        warm_up()
        return _plan_and_run(options, wish)
    finally:
        cool_down()


def _plan_and_run(options: argparse.Namespace, wish: Wish) -> int:
    from bench.campaign import Campaign
    from bench.engine import Limits
    from bench.paths import cache_dir
    from bench.plan import make_plan
    from bench.probe import refused
    from bench.show import show

    plan = make_plan(wish, strict=options.strict_plugins, probe=None if options.dry_run else refused)
    if options.dry_run:
        return _dry_run(options, plan)
    limits = Limits(
        options.timeout or plan.budget.timeout, _memory_mb(options, wish.jobs), _file_mb(options, wish.jobs)
    )
    with show(_console(stderr=True)) as display:
        every = options.checkpoint_every
        campaign = Campaign(plan, options.runs, options.leaderboards, cache_dir(), limits, display, every)
        try:
            code = campaign.run()
        except BenchError as error:
            display.note(f"bench: {_sentence(error)}")
            return 1
    if code == 0 and plan.data_files is not None:
        from bench.receipt import write_receipt

        try:
            write_receipt(options.runs, wish, campaign.record_paths(), plan.data_files)
        except OSError as error:  # all is done, it only takes longer to see next time
            print(f"bench: no receipt is left in {options.runs}: {error.strerror}", file=sys.stderr)
    _print_run(options, campaign.records, campaign.ends)
    return code


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
    from bench.dryrun import outline, outline_table

    rows = outline(plan, options.runs)
    if options.json:
        print(json.dumps({"jobs": rows}, indent=1))
    else:
        _console().print(outline_table(rows))
    return 0


def _print_run(options: argparse.Namespace, records: "list[Record]", ends: dict[str, str]) -> None:
    from bench.leaderboard import board_path, table

    board = board_path(options.leaderboards, records[0].dataset)
    failed = [record for record in records if record.status not in ("ok", "skipped")]
    if options.json:
        rows = [record.to_dict() for record in records]
        print(json.dumps({"board": str(board), "failed": len(failed), "ends": ends, "records": rows}, indent=1))
        return
    console = _console()
    try:
        console.print(table(records))
        console.print(
            f"board: {board.with_suffix('.md')}  rows: {board}", markup=False, highlight=False, soft_wrap=True
        )
    except BrokenPipeError:
        _silence()  # that nobody reads on changes nothing of how the run ended


# The other commands


def list_(options: argparse.Namespace) -> int:
    from bench.inventory import inventory, inventory_tables

    found = inventory()
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for table in inventory_tables(found):
            _console().print(table)
    return 0


def leaderboard(options: argparse.Namespace) -> int:
    from bench.leaderboard import board_path, boards, read, render, table
    from bench.leaderboard.text import one_line

    if options.dataset is None:
        found = boards(options.leaderboards)
        names = [one_line(name) for name in found]
        print(json.dumps(found) if options.json else "\n".join(names) or f"no boards in {options.leaderboards}")
        return 0
    records = read(board_path(options.leaderboards, options.dataset))
    try:
        render(options.leaderboards, options.dataset)
    except BenchError as error:  # who may not write may still read
        print(f"bench: the page is not renewed: {_sentence(error)}", file=sys.stderr)
    if options.json:
        print(json.dumps([record.to_dict() for record in records], indent=1))
    else:
        _console().print(table(records))
    return 0


def test(options: argparse.Namespace) -> int:
    from bench.testing import conformance

    return conformance(options.plugins.split(","), json=options.json, device=options.device)


def claims(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench.claims import load_claims, render_claims

    found = load_claims(options.name)
    if options.json:
        print(json.dumps([asdict(claim) for claim in found], indent=1))
    else:
        _console().print(render_claims(found))
    return 0


def explain(options: argparse.Namespace) -> int:
    from bench.explain import explain_key, explanation_text

    found = explain_key(options.runs, options.key)
    print(json.dumps(found, indent=1) if options.json else explanation_text(found))
    return 0


def completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(parser(), options.shell))
    return 0


def _console(stderr: bool = False) -> "Console":
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # and not SystemExit(1): `main` knows what to do

    console = Piped(stderr=stderr)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a pipe has no width to keep within
    return console
