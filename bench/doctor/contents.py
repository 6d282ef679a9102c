"""Data sets, feature spaces, and the guides and judges that ship with the package."""

import hashlib
from collections.abc import Iterator

from bench.doctor.check import Check
from bench.errors import BenchError
from bench.metrics.spaces import space_states
from bench.published.cards import FOLDER, cards
from bench.registry.plugins import OWN, Entry, Plugins
from bench.util.pip import install_command

TOPIC = "data and weights"
REQUIRED = {"lite0", "lite2"}  # spaces whose weights are dependencies


def checks() -> Iterator[Check]:
    """What is ready in one line each, and a line for everything else."""
    yield from _datasets()
    yield from _spaces()
    yield _published()


def _datasets() -> Iterator[Check]:
    found = [(entry, *_state(entry)) for entry in Plugins().all("datasets")]
    ready = [entry.name for entry, state, _ in found if state == "ready"]
    yield Check(TOPIC, "data sets", "ok", f"ready: {', '.join(ready) or 'none'}")
    for entry, state, note in found:
        if state == "download":
            yield Check(TOPIC, entry.name, "optional", f"not downloaded ({note})", f"bench fetch {entry.name}")
        elif state == "missing" and entry.name != "folder":  # which needs a path, not files
            yield Check(TOPIC, entry.name, "optional", "not there", note)
        elif state == "broken":
            yield Check(TOPIC, entry.name, "broken", note, f"bench test --plugins {entry.name}")


def _state(entry: Entry) -> tuple[str, str]:
    try:
        found = entry.target().state()
    except Exception as error:  # of a third party
        return ("broken", f"state() fails: {type(error).__name__}: {error}")
    return (found.state, found.note)


def _spaces() -> Iterator[Check]:
    states = [row for row in space_states() if row[1] != "on request"]
    ready = [name for name, state, _ in states if state == "ready"]
    yield Check(TOPIC, "feature spaces", "ok", f"ready: {', '.join(ready)}")
    for name, state, note in states:
        if state != "ready":
            yield Check(TOPIC, name, "broken" if name in REQUIRED else "optional", *_split(note))


def _split(note: str) -> tuple[str, str]:
    """`what is missing: command` as its two parts."""
    detail, _, remedy = note.partition(": ")
    return detail, remedy


def _published() -> Check:
    try:
        found = cards()
        bad = [card.name for card in found if _digest(card.name) != card.weights]
    except (BenchError, OSError) as error:
        return Check(TOPIC, "guides and judges", "broken", str(error), install_command("--force-reinstall", OWN))
    if bad:
        detail = f"not as published: {', '.join(bad)}"
        return Check(TOPIC, "guides and judges", "broken", detail, install_command("--force-reinstall", OWN))
    names = [
        f"{data} ({', '.join(c.network for c in found if c.dataset == data)})"
        for data in dict.fromkeys(c.dataset for c in found)
    ]
    return Check(
        TOPIC, "guides and judges", "ok", f"published for {', '.join(names) or 'no data set'}; others are trained here"
    )


def _digest(name: str) -> str:
    return hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()
