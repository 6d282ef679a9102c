"""What is said of the codes of a model, in words and as a CSV table."""

import csv
import io

from bench.metrics.control.discovery import Discovered, Discovery
from bench.metrics.control.indices import LIVE
from bench.results.markup import percent
from bench.util.text import plain

COLUMNS = "rank", "code", "kind", "live", "attribute", "S1", "ST", "also moves"
NUMBERS = "information (nats)", "perceptual change", "pixel change"


def suggested_name(found: Discovered) -> str:
    """The attribute that a code moves most, with the share that it explains by itself."""
    own = found.own
    largest = f"{own.attribute}, {percent(own.first)}"
    if not found.live:
        return f"no attribute of the oracle (largest: {largest})"
    if own.first < LIVE:
        return f"no attribute by itself (largest: {largest}, with other codes {percent(own.total)})"
    return largest


def further_attributes(found: Discovered) -> str:
    """As in "also moves area, 31 %"; "" if there is none."""
    moved = [f"{it.attribute}, {percent(it.total)}" for it in found.others]
    return f"also moves {'; '.join(moved)}" if moved else ""


def discovery_csv(discovery: Discovery) -> str:
    """One row for each code, the most noticeable first. All effects are in control.csv."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *NUMBERS])
    for rank, found in enumerate(discovery.codes, 1):
        also = "; ".join(plain(it.attribute) for it in found.others)
        words = [plain(found.code.name), found.code.kind, "yes" if found.live else "no", plain(found.own.attribute)]
        bound = "" if found.bound is None else f"{found.bound:.6g}"
        shares = [f"{share:.6g}" for share in (found.own.first, found.own.total)]
        writer.writerow([rank, *words, *shares, also, bound, f"{found.perceptual:.6g}", f"{found.pixels:.6g}"])
    return out.getvalue()
