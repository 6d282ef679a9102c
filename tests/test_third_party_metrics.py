"""Who may bring a metric, and what a protocol says of one that was brought."""

import importlib
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from toy_board import rows

from bench.boards.headline import headline
from bench.boards.latex import to_latex
from bench.boards.terminal import board_text
from bench.boards.view import sections
from bench.evaluation.pending import metrics_of
from bench.metrics import METRICS
from bench.metrics.brought import describe, metric_of
from bench.metrics.catalog import MetricInfo, info
from bench.metrics.scale import Scale
from bench.registry.groups import installed
from bench.registry.plugins import Plugins

METRIC = """
import bench

class Count(bench.ImageMetric):
    source, about = "none", "how many there are"
    {lines}
    def measure(self, images):
        return float(len(images.samples))

@bench.hookimpl
def bench_metrics():
    return {{"{name}": Count}}
"""
METHOD = """
from dataclasses import dataclass
import bench

@dataclass(frozen=True)
class Config:
    noise: float = 0.1

class Haze(bench.Generator):
    Config, source = Config, "none"
    def fit(self, data, run): ...
    def sample(self, n, rng): ...

@bench.hookimpl
def bench_generators():
    return {"haze": Haze}
"""
POINTS = "[bench.metrics]\ncount = bench_count\n"


@pytest.fixture
def provided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The plugins of a distribution with these lines in its metric, or other files."""

    def provide(lines: str = "", name: str = "count", points: str = POINTS, more: str = "") -> Plugins:
        (tmp_path / "bench_count.py").write_text(METRIC.format(lines=lines, name=name) + more)
        (tmp_path / "bench_haze.py").write_text(METHOD)
        folder = tmp_path / "bench_count-2.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-count\nVersion: 2.0\n")
        (folder / "entry_points.txt").write_text(points)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return Plugins(found=[point for point in installed() if point.dist and point.dist.name == "bench-count"])

    yield provide
    for module in ("bench_count", "bench_haze"):
        sys.modules.pop(module, None)  # another test makes a package of that name


def test_a_distribution_without_methods_brings_a_metric(provided) -> None:
    (entry,) = provided().all("metrics")
    assert (entry.name, entry.plugin, entry.distribution, entry.version) == ("count", "count", "bench-count", "2.0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "fd-lite0"}, "entry 'fd-lite0' is a metric of bench; choose another name"),
        ({"name": "Count It"}, "entry name 'Count It' is not in kebab-case: use 'count-it'"),
        ({"lines": "better = 'up'"}, "expected better as 'lower', 'higher' or None, got 'up'"),
        ({"lines": "about = ' '"}, "has no about"),
        ({"lines": "version = 0"}, "expected version as a whole number of at least 1"),
        ({"points": "[bench]\ncount = bench_count\n"}, "expected its entry point in the group 'bench.metrics'"),
        (
            {"points": POINTS + "[bench]\nhaze = bench_haze\n"},
            "its distribution 'bench-count' brings methods (haze): the author of a method does not choose how it is measured",
        ),
        (
            {
                "more": "\nimport bench_haze\n@bench.hookimpl\ndef bench_generators():\n    return {'haze': bench_haze.Haze}\n"
            },
            "expected metrics alone, got generators",
        ),
    ],
)
def test_what_is_refused_is_broken_with_its_reason(provided, change: dict[str, str], reason: str) -> None:
    plugins = provided(**change)
    plugins.load_all()
    assert plugins.entries["metrics"] == {}
    assert any(reason in broken.reason for broken in plugins.broken)


def test_a_method_is_not_lost_with_the_metric_of_its_distribution(provided) -> None:
    plugins = provided(points=POINTS + "[bench]\nhaze = bench_haze\n")
    assert plugins.all("metrics") == []
    assert [entry.name for entry in plugins.all("generators")] == ["haze"]


def test_plugins_that_bring_no_metrics_are_not_imported_to_look_for_some() -> None:
    plugins = Plugins()
    plugins.all("metrics")
    assert all(not found for found in plugins.entries.values())
    assert len(list(entry_points(group="bench"))) >= 6


def test_the_metrics_of_a_job_are_those_of_the_host_and_then_those_that_are_brought(provided) -> None:
    (entry,) = provided("better = 'lower'").all("metrics")
    described = vars(describe(entry.target, entry.name, entry.distribution, entry.digest))

    class Job:
        brought = (described,)

    found = metrics_of(Job)
    assert found[: len(METRICS)] == list(METRICS)
    assert found[-1].protocol(Scale(100, 500)) == f"count@bench-count:n=100,ref=500:lower:v1-{entry.digest[:8]}"


def test_a_protocol_says_what_is_known_of_a_metric_that_was_brought(provided) -> None:
    (entry,) = provided("better, version, needs_judge = 'higher', 12, True").all("metrics")
    metric = metric_of(describe(entry.target, entry.name, entry.distribution, entry.digest))
    known = info("count", metric.protocol(Scale(100, 500)))
    assert (known.better, known.version, known.brought_by) == ("higher", 12, "bench-count")
    assert known.heading == metric.heading == "count ↑ †"
    assert "classes" in metric.needs
    assert not known.ranked


@pytest.mark.parametrize(
    "protocol",
    ["", "count:v1", "count@x:lower:v1", "fd@lite0:n=5:v1", "count@x:n=5:up:v1-01234567", "a@b:c:lower:v1-0123"],
)
def test_any_other_protocol_of_an_unknown_metric_says_nothing(protocol: str) -> None:
    assert info("count", protocol) == MetricInfo("count")


def test_the_protocol_of_a_metric_of_the_host_cannot_be_taken() -> None:
    assert info("fd-lite0", "fd-lite0@x:n=5:higher:v1-01234567") is info("fd-lite0")


def brought_board():
    """A board on which every entry has a metric that was brought."""
    for record in rows():
        yield record
        if record.metric == "fd-lite0":
            protocol = "count@bench-count:n=2000,ref=5000:lower:v1-01234567"
            yield replace(record, metric="count", protocol=protocol)


def test_it_stands_behind_the_headline_metrics_and_counts_for_no_rank() -> None:
    (section,) = sections(brought_board())
    assert [column.metric for column in headline(section)][-1] == "count"
    assert "count" not in [column.metric for column in section.ranked]
    (plain,) = sections(rows())
    assert [line.entry for line in section.lines] == [line.entry for line in plain.lines]
    text = board_text(brought_board())
    assert "† not a metric of bench, and not ranked: count by bench-count." in text
    assert "count " not in text.partition("Best:")[2].partition("\n\n")[0]
    assert r"$\dagger$" in to_latex(brought_board())
