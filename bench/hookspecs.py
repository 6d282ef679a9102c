"""The four hooks that a plugin can implement. Each returns a mapping from entry names to classes."""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from bench.api import Classifier, DataSource, Generator
from bench.image_metric import ImageMetric

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")


@hookspec
def bench_generators() -> Mapping[str, type[Generator] | type[Classifier]]:
    """The methods of this plugin, by kebab-case name. A classifier among them is trained and scored, but samples nothing."""
    raise AssertionError("a specification, never called")


@hookspec
def bench_classifiers() -> Mapping[str, type[Classifier]]:
    """The classifiers of this plugin, usable as guide or judge, by kebab-case name."""
    raise AssertionError("a specification, never called")


@hookspec
def bench_datasets() -> Mapping[str, type[DataSource]]:
    """The data sets of this plugin, by kebab-case name."""
    raise AssertionError("a specification, never called")


@hookspec
def bench_metrics() -> Mapping[str, type[ImageMetric]]:
    """The metrics of this plugin, by kebab-case name; of a distribution without methods, in the group `bench.metrics`."""
    raise AssertionError("a specification, never called")
