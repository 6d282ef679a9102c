"""The page of discovered attributes: one HTML file that needs no other file and no script."""

from collections.abc import Iterable, Iterator
from string import Template

from bench.metrics.control.discovery import CONTROLLED, NOTICEABLE, Discovery, Found
from bench.metrics.control.indices import LIVE
from bench.metrics.control.sweeps import Sweeps
from bench.results.discovery_entry import entry
from bench.results.discovery_style import STYLE
from bench.results.markup import bar, listed, percent, text
from bench.results.strip import CELL, COLOURS

ORACLES = {
    "factors": "a probe: a network trained on real images and their true factors",
    "attributes": "a probe: a network trained on real images and the labels that people gave them",
    "morphology": "morphology: closed formulas for what stands out from the border of an image, such as its area, place "
    "and hue, because no factors of this data set are known. Nothing else that a code changes has a name here.",
}
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Discovered attributes: $method on $dataset</title>
<style>$style</style>
</head>
<body>
<main>
<h1>Discovered attributes</h1>
<p class="muted">$method on $dataset</p>
<p class="lead">$lead</p>
<dl>
$facts</dl>
<h2>How to read this page</h2>
<p>Each entry under <a href="#codes">Codes</a> is one code. In its images a row is one context: the code takes its values
from left to right, and everything else, the random state included, stays the same. What changes in the same way along
every row is what the code controls.</p>
<p>$order This order uses no labels. The names do: they are suggested by an oracle, which reads attributes off images.
A code is named after the attribute that it moves most, with the share of the variance of that attribute that the code
explains by itself. A code without a name may still change images, in a way that no attribute describes.</p>
<p>Bars show shares: dark <span class="key"></span> what the code explains by itself (S1), light
<span class="key joint"></span> what it explains together with other codes and the context (ST). A light end
means that the effect depends on the context.</p>
<h2>Attributes</h2>
<table>
<thead><tr><th scope="col">attribute</th><th scope="col">best code</th>
<th scope="col" colspan="2">explained by that code by itself</th></tr></thead>
$attributes</table>
<h2 id="codes">Codes</h2>
<ol class="codes">
$codes
</ol>
<h2>Measures</h2>
<dl>
<dt>discovered</dt><dd>An attribute of which some code explains at least $controlled by itself.</dd>
<dt>live</dt><dd>A code whose ST is at least $live for some attribute.</dd>
<dt>also moves</dt><dd>Further attributes whose ST is at least $noticeable; the percentage is ST.</dd>
<dt>information</dt><dd>What the image tells about the code: mutual information between drawn codes and what the
encoder reads off their images. 0: nothing. For a continuous code -1/2 ln(1 - r²), r the correlation of both: a lower
bound if the code is Gaussian, up to 0.18 nats too high if it is uniform. For a circular code the same with cosine and
sine, for a categorical one the mutual information of the confusion table. The longest bar is the largest value on this
page, and at least 1 nat. $no_bound</dd>
<dt>perceptual change</dt><dd>Mean squared distance between images with two values of the code and all else equal, in
features of a network trained on photographs (lite0), as a share of that between independent draws. Much information
with almost no change is a watermark, which the encoder sees and an eye does not.</dd>
<dt>pixel change</dt><dd>The same of pixels.</dd>
</dl>
<p class="muted">Images are shown with at most $cell pixels a side and $colours colours for each code. The same
numbers are in discovery.csv, and the shares of all codes and attributes in control.csv.</p>
</main>
</body>
</html>
""")


def discovery_page(discovery: Discovery, sweeps: Sweeps, method: str, dataset: str) -> str:
    """The page as HTML. `method` names the method with its settings and seed."""
    most = max([1.0, *(found.bound or 0.0 for found in discovery.codes)])
    entries = [entry(found, rank, sweeps, most) for rank, found in enumerate(discovery.codes, 1)]
    reason = f"Not measured here: {discovery.no_bound}." if discovery.no_bound else ""
    return PAGE.substitute(
        style=STYLE, method=text(method), dataset=text(dataset), lead=_lead(discovery), order=_order(discovery),
        facts="".join(_facts(discovery)), attributes="".join(_attributes(discovery)), codes="\n".join(entries),
        controlled=percent(CONTROLLED), live=percent(LIVE), noticeable=percent(NOTICEABLE), no_bound=text(reason),
        cell=CELL, colours=COLOURS,
    )  # fmt: skip


def _lead(discovery: Discovery) -> str:
    names = [text(found.attribute) for found in discovery.attributes if found.discovered]
    others = [text(found.attribute) for found in discovery.attributes if not found.discovered]
    count = f"{len(names)} of {len(discovery.attributes)} attributes"
    first = f"{count} discovered: <strong>{listed(names)}</strong>." if names else f"{count} discovered."
    return f"{first} Not discovered: {listed(others)}." if others else first


def _facts(discovery: Discovery) -> Iterator[str]:
    swept, live = len(discovery.codes), sum(found.live for found in discovery.codes)
    some = f"{discovery.model_codes}, of which the {swept} that change images most are shown"
    yield _fact("Codes", str(swept) if swept == discovery.model_codes else some)
    yield _fact("Live codes", f"{live} of {swept}: those with a noticeable effect on an attribute")
    yield _fact("Attributes read by", ORACLES.get(discovery.oracle, discovery.oracle))


def _fact(term: str, words: str) -> str:
    return f"<dt>{text(term)}</dt><dd>{text(words)}</dd>\n"


def _order(discovery: Discovery) -> str:
    if discovery.no_bound:
        return "The codes that change images most come first (perceptual change)."
    return "The codes that can best be read back from images come first (information)."


def _attributes(discovery: Discovery) -> Iterator[str]:
    """Groups of table rows: the attributes that were discovered, those that were not, and those not measured."""
    ranks = {found.place: rank for rank, found in enumerate(discovery.codes, 1)}
    names = {found.place: found.code.name for found in discovery.codes}

    def row(found: Found) -> str:
        link = f'<a href="#code-{ranks[found.code]}">{text(names[found.code])}</a>' if found.share >= LIVE else "none"
        share = f'<td class="number">{percent(found.share)}</td><td class="bar">{bar(found.share)}</td>'
        return f'<tr><th scope="row">{text(found.attribute)}</th><td>{link}</td>{share}</tr>\n'

    yield _group("Discovered", (row(found) for found in discovery.attributes if found.discovered))
    yield _group("Not discovered", (row(found) for found in discovery.attributes if not found.discovered))
    yield _group("Not measured", (_dropped(name, why) for name, why in discovery.dropped.items()))


def _dropped(name: str, why: str) -> str:
    return f'<tr><th scope="row">{text(name)}</th><td colspan="3" class="muted">{text(why)}</td></tr>\n'


def _group(title: str, rows: Iterable[str]) -> str:
    body = "".join(rows)
    return f'<tbody><tr><th scope="rowgroup" colspan="4">{title}</th></tr>\n{body}</tbody>\n' if body else ""
