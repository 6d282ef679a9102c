"""Factors of variation, or labelled attributes, read by a probe that was fitted to the truth."""

import hashlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.api import Data, Factor, Images, Pixels, Spec, to_float
from bench.metrics.control.kinds import below_floor, oracle_kind
from bench.metrics.control.oracle import Attribute, Oracle, Readings
from bench.metrics.features.base import BATCH
from bench.metrics.precision import full_precision


class Probe(Protocol):
    """A network that reads all factors of a data set."""

    @property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """The columns of the readings that hold each factor."""

    def readings(self, images: Images) -> Tensor:
        """Probabilities of a categorical factor, a value, or a cosine and a sine: float32 (n, columns)."""

    def scores(self, data: Data, device: torch.device) -> dict[str, float]:
        """How well each factor of `data` is read, as `SCORES` says for its kind."""


class FactorOracle(Oracle):
    """Reads the factors of `spec` that `probe` reads reliably; the others are in `left_out`, with the reason."""

    def __init__(
        self, probe: Probe, spec: Spec, scores: Mapping[str, float], digest: str, enforce_floor: bool = True
    ) -> None:
        """`scores` and `digest` are those of the fitted probe. Without `enforce_floor` no factor is left out."""
        self._probe, self.name = probe, oracle_kind(spec)
        self.left_out = below_floor(spec, scores) if enforce_floor else {}
        kept = [factor for factor in spec.factors if factor.name not in self.left_out]
        self._columns = [column for factor in kept for column in probe.columns[factor.name]]
        starts = np.cumsum([0] + [len(probe.columns[factor.name]) for factor in kept]).tolist()
        self.attributes = tuple(
            Attribute(factor.name, factor.kind, tuple(range(start, stop)), _span(factor))
            for factor, start, stop in zip(kept, starts, starts[1:], strict=False)
        )
        names = [factor.name for factor in kept]
        self.digest = hashlib.sha256(repr((self.name, "v1", digest, names)).encode()).hexdigest()

    def read(self, pixels: Pixels, device: torch.device | str = "cpu") -> Readings:
        """The readings, float32 (n, columns), in full precision on `device`, which must be that of the probe."""
        device = torch.device(device)
        readings = np.empty((len(pixels), len(self._columns)), dtype=np.float32)
        size = BATCH.get(device.type, 500)
        with full_precision(device):
            for start in range(0, len(pixels), size):
                batch = to_float(pixels[start : start + size].to(device))
                readings[start : start + size] = self._probe.readings(batch)[:, self._columns].cpu().numpy()
        return readings

    def scores(self, data: Data, device: torch.device | str = "cpu") -> dict[str, float]:
        """How well the factors of `data` that are not left out are read from its images, as `SCORES` says for their kind."""
        device = torch.device(device)
        with full_precision(device):
            found = self._probe.scores(data, device)
        return {attribute.name: found[attribute.name] for attribute in self.attributes}


def _span(factor: Factor) -> float:
    """Probabilities, cosines and sines have a span of about 1."""
    return factor.high - factor.low if factor.kind == "linear" else 1.0
