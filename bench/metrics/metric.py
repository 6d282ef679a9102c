"""A metric: its entry in the catalogue, its protocol, and the function that computes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.api import CAPABILITIES, Classifier, capabilities
from bench.errors import BenchError
from bench.metrics.catalog import CLASSES, ORACLE, MetricInfo
from bench.metrics.scale import Scale
from bench.metrics.spaces import absent

if TYPE_CHECKING:
    from bench.metrics.context import EvaluationContext


@dataclass(frozen=True)
class Measured:
    """A value, the number of images (or pairs) it was measured on, and its parts: further rows `metric/part`."""

    value: float
    n: int
    parts: Mapping[str, float] = field(default_factory=dict)


class NotMeasured(BenchError):
    """A metric does not apply to these images or codes: a dash on the board, with this reason."""


LEAST = 20  # samples, and reference images, from which distances of distributions are measured


@dataclass(frozen=True, kw_only=True)
class Metric(MetricInfo):
    """An entry of the catalogue with the function that computes it."""

    compute: "Callable[[EvaluationContext], Measured]"  # may raise `NotMeasured`
    settings: Callable[[Scale], str]  # of the protocol

    def protocol(self, scale: Scale) -> str:
        """An identifier of everything but the images that determines the value, e.g. fd@lite0:n=2000,ref=5000:v1."""
        space = scale.oracle if self.space == ORACLE else self.space
        family = self.name.replace(f"-{self.space}", "", 1)
        place = f"{family}@{space}" if space else family
        return ":".join(part for part in (place, self.settings(scale), f"v{self.version}") if part)

    def missing(
        self, model: object | None, conditional: bool = True, anchor: object | None = None, classes: bool = True
    ) -> str:
        """Why this metric cannot be measured of such a model (a dash on the board), or "". See `absent` too.

        `conditional`: whether the samples were drawn for labels, which an entry without a model may be. `anchor`: what
        stands in for the codes of a model without one. `classes`: whether the data set has any.
        """
        if CLASSES in self.needs and not classes:
            return "the data set has no classes"
        who = "an entry without a model" if model is None else type(model).__name__
        for need in self.needs:
            if need == "training" and model is None:
                return f"{who} is not trained"
            if need == "samples" and isinstance(model, Classifier):
                return f"{who} is a classifier, which draws no images"
            if need in CAPABILITIES and not _has(model or anchor, need, conditional):
                return f"{who} has no {', '.join(CAPABILITIES[need])} ({need})"
        return ""

    def too_few(self, scale: Scale) -> str:
        """Why so few images say nothing about a distribution, or ""."""
        if "samples" not in self.needs or self.space in (None, ORACLE) or min(scale.n, scale.reference) >= LEAST:
            return ""
        limit = ": the data set has no more" if scale.n == scale.test or scale.reference == scale.train else ""
        return f"expected at least {LEAST} samples and reference images, got {scale.n} and {scale.reference}{limit}"

    def absent(self) -> str:
        """Why this metric cannot be measured here and now, or "": weights or packages that may come later."""
        return absent(self.space)


def _has(model: object | None, need: str, conditional: bool) -> bool:
    if need == "ClassConditional":
        return conditional
    knows = need == "Encoding" and hasattr(model, "codes_of")  # an anchor that knows the codes of real images
    return model is not None and (knows or need in capabilities(model))
