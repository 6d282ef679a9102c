"""The groups of entry points in which distributions register plugins."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "bench"
METRICS = "bench.metrics"  # a group of its own, so that metrics are found without importing every plugin


def installed() -> list[EntryPoint]:
    """The entry points of all installed plugins, of both groups."""
    found = entry_points()  # read once: each call reads the metadata of every distribution
    return [*found.select(group=GROUP), *found.select(group=METRICS)]
