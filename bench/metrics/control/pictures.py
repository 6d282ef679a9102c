"""Images that show what codes do and that no metric measures: swaps, values added to codes, edits of real images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.api import Codes, Data, Images, Labels, Pixels
from bench.errors import BenchError
from bench.metrics.control.codes import code_layout
from bench.metrics.control.sweeps import ROUNDING, Draws, Sweeper, Sweeps, encode

COUNT = 8  # rows and columns of swaps; real images that are edited
REACH = 2.0  # standard deviations that are added to a code at most


@dataclass(frozen=True)
class Additions:
    """One context with each of m values added to each continuous code: uint8 (m, c, h, w), by the place of the code."""

    deviations: NDArray[np.float64]  # (m,), in standard deviations of the code under draws
    images: dict[int, Pixels]


@dataclass(frozen=True)
class Edits:
    """Real images: each, its decoding, and its decodings with each of m values of one code.

    `images` is uint8 (n, 2 + m, c, h, w), `labels` (n,).
    """

    images: Pixels
    labels: Labels
    ordered: bool  # whether the values ascend


def swaps(sweeper: Sweeper, draws: Draws) -> Pixels | None:
    """Rows share their codes, columns share everything else: uint8 (COUNT, COUNT, c, h, w).

    What else there is: randomness of `decode`, and columns of the codes that belong to no code. None if it does not
    change the images. Each row is a batch of its own with the same random state, as `decode` draws by batch.
    """
    columns = draws.codes[:COUNT]
    named = [column for code in code_layout(sweeper.coder, columns.shape[1]) for column in code.columns]
    rows = [sweeper.decode(_with(columns, named, row[named]), "swaps") for row in columns]
    images = torch.stack(rows)
    apart = int((images.int() - images[:, :1].int()).abs().max())
    return images if apart > ROUNDING else None


def additions(sweeper: Sweeper, draws: Draws, sweeps: Sweeps, m: int) -> Additions:
    """Add -REACH to REACH standard deviations to each swept continuous code, in m steps; all else as in context 0.

    No code leaves the range of its draws: nothing is known of images beyond it.
    """
    steps, start = REACH * (2 * np.arange(m) / (m - 1) - 1), sweeps.contexts[:1]
    images = {}
    for place, grid in enumerate(sweeps.grids):
        if grid.code.kind == "continuous":
            drawn = draws.codes[:, grid.code.columns[0]]
            added = start[:, grid.code.columns[0]] + torch.from_numpy(steps).float() * drawn.std(correction=0)
            tables = [_with(start, list(grid.code.columns), value) for value in added.clamp(drawn.min(), drawn.max())]
            images[place] = torch.cat([sweeper.decode(codes, "contexts", 0) for codes in tables])
    return Additions(steps, images)


def edits(sweeper: Sweeper, encoder: Callable[[Images], Codes], real: Data, sweeps: Sweeps, place: int) -> Edits:
    """Encode the first COUNT real images, and decode them as they are and with each value of the code at `place`.

    Raises `BenchError` if the encoder gives another number of columns than there are codes to decode.
    """
    chosen, grid, columns = real[:COUNT], sweeps.grids[place], sweeps.contexts.shape[1]
    codes = encode(encoder, chosen.images, sweeper.device)
    if codes.shape[1] != columns:
        raise BenchError(f"encode: expected {columns} columns, as draw_codes gives, got {codes.shape[1]}")
    tables = [codes, *(_with(codes, list(grid.code.columns), row) for row in grid.rows)]
    decoded = [sweeper.decode(table, "edits") for table in tables]
    return Edits(torch.stack([chosen.images, *decoded], dim=1), chosen.labels, grid.ordered)


def _with(codes: Codes, columns: list[int], values: Tensor) -> Codes:
    """A copy of codes (n, d) with the same values in some columns of all rows."""
    changed = codes.clone()
    changed[:, columns] = values
    return changed
