"""Data sets without classes: there is no guide and no judge, and a request that names one is refused."""

import logging

from bench.api import Spec
from bench.errors import BenchError
from bench.experiment.defaults import default_classifier
from bench.experiment.request import ClassifierRef, RunRequest

logger = logging.getLogger("bench")


def check_request(request: RunRequest, spec: Spec) -> None:
    """Raise `BenchError` if there are no classes and `request` names a guide or a judge."""
    if spec.has_classes:
        return
    for role, ref in (("guide", request.guide), ("judge", request.judge)):
        if ref != ClassifierRef.parse(default_classifier(role)):  # type: ignore[arg-type]
            raise BenchError(f"--{role}: {spec.name} has no classes, so there is no {role}")
    logger.info(
        "%s has no classes, so there is no guide or judge, and metrics that need classes are not measured", spec.name
    )
