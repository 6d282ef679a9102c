"""The frame of every page: its head, a strict policy for what it may load, its style, and its scripts."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from bench.results.markup import text

HERE = Path(__file__).parent
LIBRARIES = ("vendor/tabulator.min.js", "vendor/d3.min.js", "vendor/plot.min.js")
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="$policy">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
$data$scripts
</body>
</html>
""")


def page(title: str, body: str, *, data: Any = None, scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> str:
    """A whole page. `body` is HTML; `data` becomes JSON that the scripts, files of this package, can read.

    The page may load nothing: only these scripts run, by their digests, and pictures come from the page itself.
    """
    sources = [asset(name) for name in scripts]
    island = "" if data is None else f'<script type="application/json" id="data">{_json(data)}</script>\n'
    return PAGE.substitute(
        policy=_policy(sources),
        title=text(title),
        style="\n".join(map(asset, ("page.css", *styles))),
        body=body,
        data=island,
        scripts="\n".join(f"<script>{source}</script>" for source in sources),
    )


@cache
def asset(name: str) -> str:
    """A script or a style sheet as it can stand in a page: without the address of a source map."""
    source = (HERE / name).read_text(encoding="utf-8")
    source = re.sub(r"(//|/\*)# sourceMappingURL=\S+( \*/)?", "", source)
    return re.sub(r"</(?=script|style)", r"<\\/", source, flags=re.IGNORECASE)


def _policy(scripts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
