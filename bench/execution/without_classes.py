"""Data sets without classes: which methods cannot be trained on them, and which requests are refused."""

import logging
from collections.abc import Sequence

from bench.api import Spec, capabilities
from bench.errors import BenchError
from bench.experiment.defaults import default_classifier
from bench.experiment.request import ClassifierRef, RunRequest, parse_names
from bench.registry.plugins import Entry, Plugins

logger = logging.getLogger("bench")


def needs_classes(entry: Entry) -> bool:
    """Whether a method needs two or more classes: it says so, or it classifies images itself."""
    return entry.target.needs_classes or "SelfClassifying" in capabilities(entry.target)


def check_request(request: RunRequest, entries: Sequence[Entry], spec: Spec, plugins: Plugins) -> None:
    """Raise `BenchError` if there are no classes and `request` names a method, a guide or a judge that needs them."""
    if spec.has_classes:
        return
    for role, ref in (("guide", request.guide), ("judge", request.judge)):
        if ref != ClassifierRef.parse(default_classifier(role)):  # type: ignore[arg-type]
            raise BenchError(f"--{role}: {spec.name} has no classes, so there is no {role}")
    refused = [entry.name for entry in entries if needs_classes(entry)]
    if refused and "all" not in parse_names(request.plugins):
        verb = "needs" if len(refused) == 1 else "need"
        others = ", ".join(entry.name for entry in plugins.all("generators") if not needs_classes(entry))
        raise BenchError(
            f"{' and '.join(refused)} {verb} classes, but {spec.name} has none; methods that work without classes: {others}"
        )
    logger.info(
        "%s has no classes, so there is no guide or judge, and metrics that need classes are not measured", spec.name
    )
    if refused:
        logger.warning("these methods need classes and are left out: %s", ", ".join(refused))
