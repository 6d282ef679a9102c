"""The three questions the host asks a plugin. Each answer is a mapping from entry names to classes."""

from __future__ import annotations

from collections.abc import Mapping

import pluggy

from bench.api import Classifier, DataSource, Generator

hookspec = pluggy.HookspecMarker("bench")
hookimpl = pluggy.HookimplMarker("bench")


@hookspec
def bench_generators() -> Mapping[str, type[Generator] | type[Classifier]]:
    """Which methods do you bring? Names are kebab-case, as on the board. A classifier among them draws no images."""
    raise AssertionError("a specification, never called")


@hookspec
def bench_classifiers() -> Mapping[str, type[Classifier]]:
    """Which classifiers do you bring, to guide or to judge?"""
    raise AssertionError("a specification, never called")


@hookspec
def bench_datasets() -> Mapping[str, type[DataSource]]:
    """Which data sets do you bring?"""
    raise AssertionError("a specification, never called")
