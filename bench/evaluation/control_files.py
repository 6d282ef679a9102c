"""What the run directory of a job shows of the codes of its method: tables, a heat map, sheets of images, and a page."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.api import Encoding
from bench.evaluation.anchor_codes import NoiseCodes
from bench.metrics import EvaluationContext
from bench.metrics.control.discovery import discover
from bench.metrics.control.evaluation import draws, sweeper
from bench.metrics.control.indices import Effects
from bench.metrics.control.pictures import additions, edits, swaps
from bench.metrics.control.sweeps import Sweeps
from bench.results.code_sheets import addition_sheet, edit_sheet, swap_sheet, traversal_sheet
from bench.results.discovery_page import discovery_page
from bench.results.discovery_words import discovery_csv
from bench.results.effects_table import effects_csv, order
from bench.results.heat_map import heat_map
from bench.results.picture import attempt, save_picture
from bench.util.atomic import write_atomic

if TYPE_CHECKING:
    from PIL.Image import Image


def save_control(folder: Path, context: EvaluationContext, method: str) -> None:
    """Write tables, pictures and the page that apply, if the effects of codes could be measured.

    Nothing is written for the anchor `noise`. `method` names the method with its settings and seed.
    """
    control, sweeps = context.known("control"), context.known("code sweeps")
    if control is None or sweeps is None or isinstance(context.anchor, NoiseCodes):
        return
    effects = control.effects
    write_atomic(folder / "control.csv", effects_csv(effects).encode())
    save_picture(folder / "control.png", lambda: heat_map(effects))
    save_picture(folder / "traversals.png", lambda: traversal_sheet(sweeps, effects))
    save_picture(folder / "traversals-add.png", lambda: _additions(context, sweeps, effects))
    save_picture(folder / "swaps.png", lambda: _swaps(context))
    save_picture(folder / "edits.png", lambda: _edits(context, sweeps, effects))
    found = attempt("discovery.html", lambda: _discovery(context, sweeps, method))
    for name, text in (found or {}).items():
        write_atomic(folder / name, text.encode())


def _additions(context: EvaluationContext, sweeps: Sweeps, effects: Effects) -> "Image | None":
    """None without a continuous code."""
    found = additions(sweeper(context), draws(context), sweeps, context.scale.values)
    return addition_sheet(found, effects) if found.images else None


def _swaps(context: EvaluationContext) -> "Image | None":
    """None if the images depend on nothing but the codes."""
    found = swaps(sweeper(context), draws(context))
    return None if found is None else swap_sheet(found)


def _edits(context: EvaluationContext, sweeps: Sweeps, effects: Effects) -> "Image | None":
    """With the code that controls an attribute best; None without an encoder."""
    if not isinstance(context.model, Encoding):
        return None
    code = order(effects)[0]
    found = edits(sweeper(context), context.model.encode, context.test, sweeps, code)
    return edit_sheet(found, effects, code, context.spec.classes)


def _discovery(context: EvaluationContext, sweeps: Sweeps, method: str) -> dict[str, str]:
    """The texts of two files, by name."""
    found = discover(context)
    page = discovery_page(found, sweeps, method, context.spec.name)
    return {"discovery.csv": discovery_csv(found), "discovery.html": page}
