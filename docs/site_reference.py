"""Directives of the site whose content is read from the program: commands, hooks, capabilities, metrics, settings."""

import argparse
import inspect
import os
from collections.abc import Callable, Iterator

from docutils.nodes import Node
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HELP_WIDTH = "100"
ARRAYS = ("Images", "Pixels", "Labels", "Logits", "Codes", "LogWeights")


def commands() -> Iterator[str]:
    """Markdown: a section for each command with the text of its `--help`."""
    os.environ["COLUMNS"] = HELP_WIDTH
    from bench.cli import parser

    (found,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, sub in sorted(found.choices.items()):
        yield from [f"## bench {name}", "", "```text", *sub.format_help().splitlines(), "```", ""]


def metrics() -> Iterator[str]:
    """Markdown: a table of all metrics."""
    from bench.metrics import METRICS

    yield from ["| metric | better | unit | needs | what it is | version |", "|---|---|---|---|---|---|"]
    for it in sorted(METRICS, key=lambda metric: metric.name):
        yield _row(f"`{it.name}`", it.better or "neither", it.unit, ", ".join(it.needs), it.about, str(it.version))


def settings() -> Iterator[str]:
    """Markdown: a section for each method and classifier with a table of its settings."""
    from bench.cli.settings import settings_of
    from bench.registry.plugins import OWN, Plugins

    plugins = Plugins()
    for kind, title in (("generators", "Methods"), ("classifiers", "Guides and judges")):
        yield from [f"## {title}", ""]
        for entry in (it for it in plugins.all(kind) if it.distribution == OWN):
            yield from [f"### {entry.name}", "", f"{entry.target.source}.", ""]
            yield from ["| setting | type | default | meaning |", "|---|---|---|---|"]
            for row in settings_of(entry.target.Config):
                yield _row(f"`{row['name']}`", row["type"], f"`{row['default'] or chr(39) * 2}`", row["meaning"])
            yield ""


def hooks() -> Iterator[str]:
    """reStructuredText: every hook with its signature."""
    from bench import hookspecs

    for name in (name for name in vars(hookspecs) if name.startswith("bench_")):
        yield from [f".. autofunction:: bench.hookspecs.{name}", ""]


def capabilities() -> Iterator[str]:
    """reStructuredText: every capability with its methods."""
    from bench.api import CAPABILITIES

    for name in CAPABILITIES:
        yield from [f".. autoclass:: bench.api.{name}()", "   :members:", "   :undoc-members:", ""]


def arrays() -> Iterator[str]:
    """reStructuredText: the types of arrays, with what the comment behind each says."""
    import bench
    from bench import api

    lines = inspect.getsource(api).splitlines()
    for name in ARRAYS:
        (line,) = (line for line in lines if line.startswith(f"{name} = "))
        kind = getattr(bench, name).__name__.replace("'", '"')
        yield from [f".. py:data:: bench.{name}", f"   :type: {kind}", "", f"   {line.partition('#')[2].strip()}", ""]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _directive(make: Callable[[], Iterator[str]]) -> type[SphinxDirective]:
    """A directive that stands for the lines that `make` yields, in the markup of its page."""

    class Generated(SphinxDirective):
        def run(self) -> list[Node]:
            return self.parse_text_to_nodes("\n".join(make()), allow_section_headings=True)

    return Generated


def setup(app: Sphinx) -> dict[str, bool]:
    for make in (commands, metrics, settings, hooks, capabilities, arrays):
        app.add_directive(f"bench-{make.__name__}", _directive(make))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
