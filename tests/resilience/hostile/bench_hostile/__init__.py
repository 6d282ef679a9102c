"""Plugins that misbehave, each in one way, beside one that does not."""

from bench import hookimpl

from . import errors, limits, processes, samples, takes
from .good import Good


@hookimpl
def bench_generators():
    others = errors.ENTRIES | takes.ENTRIES | processes.ENTRIES | samples.ENTRIES | limits.ENTRIES
    return {"good": Good} | others
