"""The claims of all plugins as a page: what each paper claims, and what came out here."""

from collections import Counter
from collections.abc import Sequence

from bench.pages.frame import page
from bench.registry.claims import Claim
from bench.results.markup import text

WORDS = {"shown": "reproduced", "not shown": "not reproduced", "not attempted": "not attempted"}


def claims_page(claims: Sequence[Claim]) -> str:
    """The page as HTML, a part for each plugin."""
    plugins = dict.fromkeys(claim.plugin for claim in claims)
    counts = Counter(WORDS[claim.status] for claim in claims)
    total = ", ".join(f"{counts[words]} {words}" for words in WORDS.values())
    body = [
        '<p><a href="index.html">All boards</a></p>\n<h1>Claims of the papers</h1>',
        f"<p>{len(claims)} claims: {total}. Each figure comes from the test or the command that is quoted with it.</p>",
    ]
    body += [_plugin(plugin, [claim for claim in claims if claim.plugin == plugin]) for plugin in plugins]
    return page("Claims of the papers", "\n".join(body))


def counts_by_plugin(claims: Sequence[Claim]) -> dict[str, str]:
    """By plugin: how many claims were reproduced, of how many that were tried."""
    tried = [claim for claim in claims if claim.status != "not attempted"]
    found: dict[str, str] = {}
    for plugin in dict.fromkeys(claim.plugin for claim in tried):
        own = [claim.status for claim in tried if claim.plugin == plugin]
        found[plugin] = f"{own.count('shown')} of {len(own)}"
    return found


def _plugin(plugin: str, claims: Sequence[Claim]) -> str:
    source = f"{text(claims[0].method)} ({text(claims[0].source)})"
    items = "\n".join(map(_claim, claims))
    return f'<section id="{text(plugin)}">\n<h2>{text(plugin)}</h2>\n<p class="facts">{source}</p>\n{items}\n</section>'


def _claim(claim: Claim) -> str:
    kind = ' class="bad"' if claim.status == "not shown" else ""
    facts = {"Measured by": claim.measured_by, "Expected": claim.expected, "Figure": claim.figure or "none"}
    rows = "".join(f"<dt>{name}</dt><dd>{text(words)}</dd>" for name, words in facts.items())
    return (
        f"<details><summary>{text(claim.id)}: <span{kind}>{WORDS[claim.status]}</span>. {text(claim.claim)}</summary>"
        f"<dl>{rows}</dl></details>"
    )
