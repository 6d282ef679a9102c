"""Records to put on boards."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.metrics import catalog
from bench.metrics.catalog import MetricInfo
from bench.results.record import Record

CATALOG = (
    MetricInfo("fd-lite0", "Frechet distance", "lower", needs=("samples",)),
    MetricInfo("class-agreement", "accuracy of the judge on samples", "higher", needs=("samples", "ClassConditional")),
    MetricInfo("diversity-ratio", "within-class distance over that of real images", needs=("samples",)),
    MetricInfo("accuracy", "the model's own classifier", "higher", needs=("SelfClassifying",)),
    MetricInfo("train-seconds", "wall time of fit", "lower", "s", needs=("training",)),
)


@pytest.fixture(scope="session")
def make() -> Callable[..., Record]:
    """A record, all of whose fields have a default."""

    def record(**changes: Any) -> Record:
        fields: dict[str, Any] = {
            "dataset": "sprites", "entry": "regene", "plugin": "regene", "distribution": "classifier-bench",
            "version": "0.1.0", "settings": "", "seed": 0, "budget": "quick", "metric": "fd-lite0", "protocol": None,
            "value": 1.5, "n": 2000, "status": "ok", "reason": "", "guide": "small@11", "judge": "resnet@22",
            "device": "Some CPU, 2 threads, bfloat16", "key": "abc",
        } | changes  # fmt: skip
        if fields["protocol"] is None:
            fields["protocol"] = f"{fields['metric'].partition('/')[0]}:n={fields['n']}:v1"
        if fields["status"] != "ok":
            fields["value"] = None
        return Record(**fields)

    return record


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> tuple[MetricInfo, ...]:
    """A small catalogue of metrics in place of the real one."""
    monkeypatch.setattr(catalog, "CATALOG", CATALOG)
    monkeypatch.setattr(catalog, "PLACES", {entry.name: place for place, entry in enumerate(CATALOG)})
    return CATALOG
