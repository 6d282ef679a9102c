"""Plugins that misbehave, each in one way, beside one that does not."""

from bench import hookimpl

from . import errors, processes, samples, takes
from .good import Good


@hookimpl
def bench_generators():
    return {"good": Good} | errors.ENTRIES | takes.ENTRIES | processes.ENTRIES | samples.ENTRIES
