"""One code on the page of discovered attributes: its suggested name, its measures, and images along it."""

import base64
from collections.abc import Iterator

import numpy as np

from bench.metrics.control.codes import Grid
from bench.metrics.control.discovery import Discovered
from bench.metrics.control.sweeps import Sweeps
from bench.results.discovery_words import further_attributes, suggested_name
from bench.results.markup import bar, percent, text
from bench.results.strip import Strip, strip

CONTEXTS = 3  # rows of images
MOST = 16  # images of a row: of more values, as many evenly spread ones
SHRINK = 0.65  # of the width of the images, on a narrow screen


def entry(found: Discovered, rank: int, sweeps: Sweeps, most: float) -> str:
    """A list item. Bars of information end at `most` nats."""
    grid, also = sweeps.grids[found.place], further_attributes(found)
    shown = _columns(len(grid.shares))
    images = sweeps.images[found.place][:CONTEXTS, shown]
    name, state = text(found.code.name), "named" if found.live else "unnamed"
    return f"""<li id="code-{rank}" class="{state}">
<div>
<h3><span class="label">{rank}. {name}, {text(found.code.kind)}</span> <span class="name">{text(suggested_name(found))}</span></h3>
{f'<p class="muted">{text(also)}</p>' if also else ""}
<table class="measures" aria-label="Measures of {name}">
{"".join(_measures(found, most))}</table>
</div>
{_figure(found, grid, strip(images), images.shape[:2])}
</li>"""


def _measures(found: Discovered, most: float) -> Iterator[str]:
    own, bound = found.own, found.bound
    yield _row(f"{own.attribute}, by itself", percent(own.first), bar(own.first, own.total))
    for it in found.others:
        yield _row(f"{it.attribute}, with interactions", percent(it.total), bar(it.first, it.total))
    nats = "–" if bound is None else f"{bound:.2f}\N{NO-BREAK SPACE}nats"
    yield _row("information", nats, "" if bound is None else bar(bound / most))
    yield _row("perceptual change", percent(found.perceptual), bar(found.perceptual))
    yield _row("pixel change", percent(found.pixels), bar(found.pixels))


def _row(label: str, value: str, drawn: str) -> str:
    return f'<tr><th scope="row">{text(label)}</th><td class="number">{value}</td><td class="bar">{drawn}</td></tr>\n'


def _figure(found: Discovered, grid: Grid, image: Strip, shape: tuple[int, ...]) -> str:
    rows, columns = shape
    start, end = _axis(grid, columns)
    values = f"{start} to {end}" if end else start
    alt = text(f"{rows} rows of {columns} images. Along each row {found.code.name} changes: {values}.")
    source = base64.b64encode(image.png).decode()
    width = f"min-width:{image.width * SHRINK:.0f}px"
    return f"""<figure style="max-width:{image.width}px">
<div class="scroll" role="group" tabindex="0" aria-label="Images along {text(found.code.name)}">
<img alt="{alt}" width="{image.width}" height="{image.height}" style="{width}" src="data:image/png;base64,{source}">
</div>
<figcaption><span>{text(start)}</span><span>{text(end)}</span></figcaption>
</figure>"""


def _axis(grid: Grid, columns: int) -> tuple[str, str]:
    """What is written below the first image of a row and below the last."""
    if grid.ordered:
        return f"low, {grid.values[0]:.3g}", f"high, {grid.values[-1]:.3g}"
    if grid.code.kind == "circular":
        return "once around", ""
    values = len(grid.shares)
    return f"each of its {values} values" if columns == values else f"{columns} of its {values} values", ""


def _columns(values: int) -> list[int]:
    return np.unique(np.linspace(0, values - 1, min(values, MOST)).round().astype(int)).tolist()
