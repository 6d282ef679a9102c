"""Codes that an encoder reads back from the images of drawn codes."""

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Code, Codes, Encoding
from bench.metrics.context import EvaluationContext
from bench.metrics.control.evaluation import draws, sweeper, sweeps
from bench.metrics.control.information import information
from bench.metrics.control.sweeps import BATCH, encode
from bench.metrics.metric import NotMeasured
from bench.util.failure import explain

COUNT = 8 * BATCH  # draws whose images are encoded


def bounds_of(context: EvaluationContext) -> tuple[list[float | None], str]:
    """The information between each swept code and its reading in nats; or None for each, and why."""
    try:
        return [*_bounds(context)], ""
    except Exception as error:  # of the encoder: whatever else is known of the codes does not depend on it
        return [None] * len(sweeps(context).grids), explain(error)


def _bounds(context: EvaluationContext) -> list[float]:
    drawn = draws(context).codes[:COUNT]
    read = _read_back(context, drawn)
    if read.shape[1] != drawn.shape[1]:
        raise NotMeasured(f"encode gives {read.shape[1]} columns, draw_codes {drawn.shape[1]}")
    codes = [grid.code for grid in sweeps(context).grids]
    return [information(code, _columns(drawn, code), _columns(read, code)) for code in codes]


def _read_back(context: EvaluationContext, drawn: Codes) -> Codes:
    """What the encoder reads off the images of the first draws. Raises `NotMeasured` without an encoder."""
    if not isinstance(context.model, Encoding):
        raise NotMeasured("the method has no encoder")
    coder, encoder = sweeper(context), context.model.encode
    images = (coder.decode(part, "draws", batch) for batch, part in enumerate(drawn.split(BATCH)))
    return torch.cat([encode(encoder, pixels, context.device) for pixels in images])


def _columns(table: Codes, code: Code) -> NDArray[np.float64]:
    return table[:, list(code.columns)].double().numpy()
