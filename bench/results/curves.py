"""Training curves as a small file, which pages show without TensorBoard."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.util.atomic import write_atomic

FILE = "curves.json"
Curve = Sequence[tuple[int, float]]  # training images seen, and the value


def save_curves(folder: Path, curves: Mapping[str, Curve]) -> None:
    """Write curves by name into a run directory; values that are not finite are left out."""
    finite = {name: [point for point in curve if math.isfinite(point[1])] for name, curve in curves.items()}
    write_atomic(folder / FILE, json.dumps(finite, allow_nan=False).encode() + b"\n")


def load_curves(folder: Path) -> dict[str, Curve]:
    """What `save_curves` wrote; empty if there is nothing that can be read."""
    try:
        found = json.loads((folder / FILE).read_bytes())
        return {str(name): [(int(step), float(value)) for step, value in curve] for name, curve in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
