"""Records to put on boards."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.leaderboard import known
from bench.leaderboard.known import Meaning
from bench.results.record import Record

TABLE = (
    Meaning(0, "fd-lite0", "lower", "", "Frechet distance", ranked=True),
    Meaning(1, "class-agreement", "higher", "", "accuracy of the judge on samples", ranked=True),
    Meaning(2, "diversity-ratio", "", "", "within-class distance over that of real images"),
    Meaning(3, "accuracy", "higher", "", "the model's own classifier", special=True),
    Meaning(4, "train-seconds", "lower", "s", "wall time of fit", cost=True),
)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is written into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


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
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Meaning, ...]]:
    """A small table of metrics in place of the real one."""
    monkeypatch.setattr(known, "_table", lambda: {meaning.name: meaning for meaning in TABLE})
    return TABLE
