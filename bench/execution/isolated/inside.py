"""What runs inside an environment: it describes its methods, or does one task. Only files and lines of JSON pass.

Run as a module: `python -m bench.execution.isolated.inside describe QUESTION ANSWER` or `... work ASSIGNMENT PIPE`.
"""

import json
import sys
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.execution.isolated.messages import Described, Question


def describe(question: Question) -> Described:
    """The methods of this environment that are asked for, as the plan of the host needs them.

    Raises `BenchError` for settings and data sets that are wrong.
    """
    import torch

    from bench.data.label_subset import few_labels
    from bench.execution.plan import describe_methods, sorted_out
    from bench.experiment.budget import find_budget
    from bench.experiment.request import parse_settings
    from bench.registry.plugins import OWN, BrokenPlugin, Plugins
    from bench.registry.sources import source_digest

    plugins = Plugins()
    entries = [entry for entry in plugins.all("generators") if entry.distribution != OWN]
    asked = [entry for entry in entries if entry.name in question.names or "all" in question.names]
    settings = parse_settings([text for text in question.settings if _owner(text) in {e.name for e in asked}],
                              [entry.name for entry in asked])  # fmt: skip
    dataset = plugins.find("datasets", question.dataset.base).target(question.dataset.argument).load()
    subset = few_labels(dataset, question.dataset.labels)
    lost: list[BrokenPlugin] = []
    methods = describe_methods(asked, settings, lost)
    fit, skipped = sorted_out(methods, subset, find_budget(question.budget), lost)
    broken = [asdict(each) for each in plugins.broken] + [asdict(error.broken) for error in lost]
    return Described(
        version(OWN), source_digest("bench"), torch.__version__, subset.digest, tuple(entry.name for entry in entries),
        tuple(fit), tuple(skipped), tuple(broken),
    )  # fmt: skip


def _owner(setting: str) -> str:
    return setting.partition(".")[0]


def _describe(question: Path, answer: Path) -> None:
    from bench.errors import BenchError

    try:
        found: dict[str, Any] = describe(Question.read(question)).to_dict()
    except BenchError as error:
        found = {"error": str(error)}
    answer.write_text(json.dumps(found), encoding="utf-8")


def _work(assignment: Path, pipe: int) -> None:
    import bench.execution.preload  # noqa: F401  as in the server from which other workers are forked
    from bench.execution.worker import work

    work(Connection(pipe), assignment.read_bytes())


def main(arguments: list[str]) -> None:
    if arguments[0] == "describe":
        _describe(Path(arguments[1]), Path(arguments[2]))
    else:
        _work(Path(arguments[1]), int(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
