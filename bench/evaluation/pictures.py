"""The pictures that are written with a metric, before its record: what it looked at."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.evaluation.control_files import save_control
from bench.metrics import EvaluationContext
from bench.metrics.mixing import DRAWN, WEIGHTS, pairs
from bench.results.contact_sheet import of_each_class
from bench.results.picture import save_picture
from bench.results.sheet import sheet
from bench.util.text import one_line, shorten

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN = 8  # images or pairs of a sheet
LONGEST = 24  # characters of the names of two classes


def save_pictures(metric: str, folder: Path, context: EvaluationContext, method: str) -> None:
    """Write the pictures of one metric, if it was measured. `method` names the method with its settings and seed."""
    if metric == "acs":
        save_control(folder, context, method)
    elif metric == "reconstruction-mse" and "reconstructions" in vars(context):
        save_picture(folder / "reconstructions.png", lambda: reconstruction_sheet(context))
    elif metric == "mixture-agreement" and context.known(DRAWN) is not None:
        save_picture(folder / "mixtures.png", lambda: mixture_sheet(context))


def reconstruction_sheet(context: EvaluationContext) -> "Image":
    """Test images of different classes above what the model makes of them."""
    chosen = of_each_class(context.test.labels, SHOWN)
    rows = [("test image", context.test.images[chosen]), ("reconstruction", context.reconstructions[chosen])]
    return sheet(rows, [])


def mixture_sheet(context: EvaluationContext) -> "Image":
    """Pairs of classes by rows, the share of the first one by columns."""
    drawn = context.known(DRAWN)
    images = drawn.view(len(WEIGHTS), -1, *drawn.shape[1:])
    first, second = pairs(len(context.spec.classes))
    names = context.spec.classes
    rows = [
        (shorten(one_line(f"{names[first[row]]}, {names[second[row]]}"), LONGEST), images[:, row])
        for row in range(SHOWN)
    ]
    return sheet(
        rows, [[(column, f"{weight:.0%}") for column, weight in enumerate(WEIGHTS)]], "classes, share of the first"
    )
