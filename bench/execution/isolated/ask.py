"""Ask the environments of a run for the methods in them, and check that the same host is in each."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.errors import BenchError, nearest
from bench.execution.isolated.environment import Environment, find_environment
from bench.execution.isolated.messages import Described, Question
from bench.experiment.request import RunRequest, parse_names
from bench.registry.plugins import OWN
from bench.registry.sources import source_digest

INSIDE = ("-P", "-m", "bench.execution.isolated.inside")  # -P: nothing is imported from the current folder
PATHS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")  # variables that point to the packages of this environment
SECONDS = 600.0  # to load a data set and to import a plugin
TAIL = 400  # characters of what a failed process wrote


@dataclass(frozen=True)
class Isolated:
    """The methods of a request that have environments of their own."""

    methods: tuple[dict[str, Any], ...] = ()  # identities of jobs, each with its environment
    skipped: tuple[tuple[dict[str, Any], str], ...] = ()
    names: frozenset[str] = frozenset()  # of `--plugins`, that are not looked for here

    def other_names(self, request: RunRequest) -> list[str]:
        """The methods that are left to plan here."""
        asked = [] if request.given else parse_names(request.plugins)
        return [name for name in asked if name not in self.names]

    def other_settings(self, request: RunRequest) -> tuple[str, ...]:
        """Their settings."""
        return tuple(text for text in request.set if text.partition(".")[0] not in self.names)


def ask(request: RunRequest, find_data: Callable[[], str], cache: Path) -> Isolated:
    """The methods in the environments of `request`. `find_data` loads the data set and returns its digest.

    Raises `BenchError` if an environment cannot be made or asked, and if it provides nothing that is asked for.
    """
    asked = parse_names(request.plugins)
    question = Question(tuple(asked), request.set, request.dataset, request.budget)
    methods: list[dict[str, Any]] = []
    skipped: list[tuple[dict[str, Any], str]] = []
    taken: dict[str, str] = {}
    environments = [find_environment(requirement, cache) for requirement in request.isolated]
    data = find_data()
    for environment in environments:
        requirement = environment.requirement
        found = describe(environment, question)
        check_described(found, environment, data, asked)
        for name in {identity["entry"] for identity in [*found.methods, *(who for who, _ in found.skipped)]}:
            if name in taken:
                raise BenchError(f"--isolated: both {taken[name]} and {requirement} provide {name!r}")
            taken[name] = requirement
        own = {
            "environment": str(environment.python),
            "libraries": environment.digest,
            "torch": found.torch,
            "brought": (),
        }
        methods += [identity | own for identity in found.methods]
        skipped += [(identity | own, reason) for identity, reason in found.skipped]
    return Isolated(tuple(methods), tuple(skipped), frozenset(taken))


def variables() -> dict[str, str]:
    """The variables of a process in another environment."""
    return {name: value for name, value in os.environ.items() if name not in PATHS}


def describe(environment: Environment, question: Question) -> Described:
    """Ask one environment."""
    with tempfile.TemporaryDirectory() as folder:
        ask_path, answer = Path(folder, "question.json"), Path(folder, "answer.json")
        question.write(ask_path)
        command = [str(environment.python), *INSIDE, "describe", str(ask_path), str(answer)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False, env=variables()
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"the environment of {environment.requirement} did not answer in {SECONDS:g} s") from error
        if done.returncode:
            said = " ".join(done.stderr.split())[-TAIL:]
            raise BenchError(f"the environment of {environment.requirement} cannot be used: {said}")
        return Described.read(answer, environment.requirement)


def check_described(found: Described, environment: Environment, data: str, asked: Sequence[str]) -> None:
    """Raises `BenchError` unless the environment holds this host, and methods that are asked for, and sees the same data."""
    who = environment.requirement
    if (found.version, found.source) != (version(OWN), source_digest("bench")):
        raise BenchError(
            f"the environment of {who} has another {OWN} ({found.version}) than this one ({version(OWN)}): remove "
            f"{environment.folder}"
        )
    if found.data != data:
        raise BenchError(f"the environment of {who} loads other images than this one: its libraries decode differently")
    for plugin in found.broken:
        if plugin["distribution"] != OWN:
            raise BenchError(f"in the environment of {who}, plugin {plugin['plugin']!r} is broken: {plugin['reason']}")
    if not (found.methods or found.skipped):
        names = ", ".join(found.provides) or "no methods"
        hint = f": {nearest(asked[0], found.provides)}" if found.provides else ""
        raise BenchError(f"--isolated {who}: it provides {names}, and --plugins asks for none of them{hint}")
