"""Images along each code of a model, everything else held fixed, and what the oracle reads off them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from bench.api import Code, Codes, Images, Pixels
from bench.errors import BenchError
from bench.metrics.control.codes import Grid, checked_codes, code_layout, grids, independent, widest
from bench.metrics.control.indices import Sweep
from bench.metrics.control.oracle import Oracle, Readings
from bench.metrics.precision import full_precision
from bench.metrics.sampling import checked
from bench.metrics.scale import Scale
from bench.training_run import generator

BATCH = 128  # contexts decoded together, and images of other draws: part of the protocol, since `rng` is per batch
MOST = 16  # codes that are swept: of more, those that change the pixels most
TRIAL = 32, 3  # contexts and values of the trial that finds them
ROUNDING = 2  # levels of 255 by which two decodings of the same may differ, on a GPU for example
KEPT = 16  # contexts whose images are kept, for pictures and for identity preservation


class Coder(Protocol):
    """Anything that draws codes and decodes them: a `CodeConditional` model, or an anchor."""

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes: ...
    def decode(self, codes: Codes, rng: torch.Generator) -> Images: ...


@dataclass(frozen=True)
class Draws:
    """Independent draws of all codes (n, d), and the readings of their images."""

    codes: Codes
    readings: Readings


@dataclass(frozen=True)
class Sweeps:
    """Every swept code, and the images of the first contexts, each uint8 (contexts, m, c, h, w).

    `spread` are the readings of draws whose codes do not depend on each other: what the effects are shares of.
    """

    grids: tuple[Grid, ...]
    sweeps: tuple[Sweep, ...]
    images: tuple[Pixels, ...]
    spread: Readings
    codes: int  # of the model, swept or not
    contexts: Codes  # the codes of the contexts whose images are kept, (contexts, d)


class Sweeper:
    """Decodes the codes of `coder` to images of `shape` on `device`; `seed` decides all randomness."""

    def __init__(self, coder: Coder, shape: tuple[int, ...], device: torch.device, seed: int) -> None:
        self.coder, self.shape, self.device, self.seed = coder, shape, device, seed

    def draw_codes(self, n: int, purpose: str) -> Codes:
        """n codes (n, d) on the CPU. Raises `BenchError` unless they are finite."""
        return checked_codes(self.coder.draw_codes(n, self._rng(purpose, "codes")), n, "draw_codes")

    def decode(self, codes: Codes, *purpose: Any) -> Pixels:
        """The images of at most one batch of codes: the same purpose gives the same randomness."""
        return checked(self.decode_float(codes, *purpose), (len(codes), *self.shape), self.device, "decode")

    def decode_float(self, codes: Codes, *purpose: Any) -> Images:
        """The images before they are quantized."""
        with full_precision(self.device):
            return self.coder.decode(codes.to(self.device), self._rng(*purpose))

    def draws(self, n: int, oracle: Oracle) -> Draws:
        """Draws of codes from their prior, and of everything else."""
        codes = self.draw_codes(n, "draws")
        return Draws(codes, self._read(codes, "draws", oracle))

    def sweeps(self, draws: Draws, oracle: Oracle, scale: Scale) -> Sweeps:
        """Sweep each code in the same contexts: common random numbers (mi_control.md, 2.5).

        Codes that depend on each other under their prior are made independent first, in contexts and spread alike:
        shares of a variance add up to at most 1 for independent codes only.
        """
        layout, m = code_layout(self.coder, draws.codes.shape[1]), scale.values
        start = self._independent(scale.contexts, "contexts", layout)
        self._require_repeatable(start[:BATCH])
        spread = self._read(self._independent(scale.spread, "spread", layout), "spread", oracle)
        chosen = grids(self._choose(layout, draws.codes, start, m), draws.codes, m)
        swept, images = zip(*(self._sweep(grid, start, oracle) for grid in chosen), strict=True)
        return Sweeps(tuple(chosen), swept, images, spread, len(layout), start[:KEPT])

    def _independent(self, n: int, purpose: str, layout: Sequence[Code]) -> Codes:
        return independent(
            self.draw_codes(n, purpose), layout, generator("cpu", self.seed, "control", purpose, "order")
        )

    def _read(self, codes: Codes, purpose: str, oracle: Oracle) -> Readings:
        """The readings of the images of any number of codes."""
        batches = (self.decode(part, purpose, batch) for batch, part in enumerate(codes.split(BATCH)))
        return np.concatenate([oracle.read(pixels, self.device) for pixels in batches])

    def _sweep(self, grid: Grid, start: Codes, oracle: Oracle) -> tuple[Sweep, Pixels]:
        readings: list[Readings] = []
        kept: list[Pixels] = []
        for row in grid.rows:
            batches = list(self._along(grid.code, row, start))
            kept.append(batches[0][:KEPT])
            readings.append(np.concatenate([oracle.read(batch, self.device) for batch in batches]))
        table = np.stack(readings, axis=1).astype(np.float64)
        sweep = Sweep(grid.code.name, grid.values, grid.shares, table, grid.ordered, grid.products)
        return sweep, torch.stack(kept, dim=1)

    def _along(self, code: Code, row: Tensor, start: Codes) -> Iterator[Pixels]:
        """The images of all contexts with one value of one code, batch by batch."""
        for batch, part in enumerate(start.split(BATCH)):
            codes = part.clone()
            codes[:, list(code.columns)] = row
            yield self.decode(codes, "contexts", batch)

    def _choose(self, layout: tuple[Code, ...], draws: Codes, start: Codes, m: int) -> list[Code]:
        """At most MOST codes: those that change the pixels most in a trial, in their order."""
        if len(layout) <= MOST:
            return list(layout)
        contexts, values = TRIAL
        candidates = widest(layout, draws)
        changes = []
        for grid in grids(candidates, draws, m):
            rows = grid.rows[np.linspace(0, len(grid.rows) - 1, values).round().astype(int)]
            images = torch.stack([next(self._along(grid.code, row, start[:contexts])) for row in rows])
            changes.append(float(images.float().var(dim=0, correction=0).mean()))
        best = np.sort(np.argsort(-np.array(changes), kind="stable")[:MOST])
        return [candidates[index] for index in best]

    def _require_repeatable(self, codes: Codes) -> None:
        """Raises `BenchError` if the same codes and seed give other images: nothing could be held fixed then."""
        first, second = (self.decode(codes, "contexts", 0).int() for _ in range(2))
        if int((first - second).abs().max()) > ROUNDING:
            raise BenchError(
                "decode: expected the same images from the same codes and seed, got others; draw noise with `generator=rng`"
            )

    def _rng(self, *purpose: Any) -> torch.Generator:
        return generator(self.device, self.seed, "control", *purpose)


def encode(encoder: Callable[[Images], Codes], pixels: Pixels, device: torch.device) -> Codes:
    """The codes of images, (n, d), on the CPU. Raises `BenchError` unless they are finite."""
    parts = [
        checked_codes(encoder(batch.to(device).float() / 255), len(batch), "encode") for batch in pixels.split(250)
    ]
    return torch.cat(parts)
