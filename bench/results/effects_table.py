"""The effects of codes on attributes as a CSV table, and in words."""

import csv
import io

import numpy as np

from bench.metrics.control.indices import Effects


def effects_csv(effects: Effects) -> str:
    """One row for each code and attribute: S1, ST, and the rank correlation, which is empty without an order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "attribute", "S1", "ST", "rank correlation"])
    for k, code in enumerate(effects.codes):
        for j, attribute in enumerate(effects.attributes):
            rank = effects.rank[k, j]
            cells = [f"{effects.first[k, j]:.6g}", f"{effects.total[k, j]:.6g}"]
            writer.writerow([code, attribute, *cells, f"{rank:.6g}" if np.isfinite(rank) else ""])
    return text.getvalue()


def order(effects: Effects) -> list[int]:
    """The codes, those first that control an attribute best."""
    return np.argsort(-effects.first.max(axis=1), kind="stable").tolist()


def code_and_attribute(effects: Effects, code: int) -> str:
    """The name of a code, and the attribute that it controls best with its S1."""
    best = int(effects.first[code].argmax())
    share = effects.first[code, best]
    controls = f"{effects.attributes[best]} {share:.2f}" if effects.live[code] else "no attribute"
    return f"{effects.codes[code]}: {controls}"
