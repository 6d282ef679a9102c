"""The commands that train nothing."""

import argparse
import json

from bench.errors import BenchError
from bench.streams import console, say


def list_(options: argparse.Namespace) -> int:
    from bench.inventory import inventory, inventory_tables

    found = inventory()
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for table in inventory_tables(found):
            console().print(table)
    return 0


def leaderboard(options: argparse.Namespace) -> int:
    from bench.leaderboard import board_path, boards, read, render, table
    from bench.util.text import one_line

    if options.dataset is None:
        found = boards(options.leaderboards)
        names = [one_line(name) for name in found]
        print(json.dumps(found) if options.json else "\n".join(names) or f"no boards in {options.leaderboards}")
        return 0
    records = read(board_path(options.leaderboards, options.dataset))
    try:
        render(options.leaderboards, options.dataset)
    except BenchError as error:  # who may not write may still read
        say(f"the page is not renewed: {error}")
    if options.json:
        print(json.dumps([record.to_dict() for record in records], indent=1))
    else:
        console().print(table(records))
    return 0


def test(options: argparse.Namespace) -> int:
    from bench.testing import conformance

    return conformance(options.plugins.split(","), json=options.json, device=options.device)


def claims(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench.registry.claims import load_claims, render_claims

    found = load_claims(options.name)
    if options.json:
        print(json.dumps([asdict(claim) for claim in found], indent=1))
    else:
        console().print(render_claims(found))
    return 0


def explain(options: argparse.Namespace) -> int:
    from bench.explain import explain_key, explanation_text

    found = explain_key(options.runs, options.key)
    print(json.dumps(found, indent=1) if options.json else explanation_text(found))
    return 0


def completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(options.grammar, options.shell))
    return 0
