"""The metrics of disentanglement: of codes with the images drawn from them, and of codes of real images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Code, Codes, Data
from bench.errors import BenchError
from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.control.codes import code_layout, code_table, widest
from bench.metrics.control.evaluation import draws, least_variance, real_readings, variance, varying
from bench.metrics.control.oracle import Attribute, Kind, values
from bench.metrics.control.sweeps import encode
from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness
from bench.metrics.disentanglement.mig import mutual_information_gap
from bench.metrics.disentanglement.modularity import modularity
from bench.metrics.disentanglement.sap import separated_attribute_predictability
from bench.metrics.disentanglement.score import Score
from bench.metrics.disentanglement.total_correlation import gaussian_total_correlation
from bench.metrics.metric import Measured, NotMeasured

Floats = NDArray[np.float64]
Compute = Callable[[EvaluationContext], Measured]
Measure = Callable[[Floats, Floats, Sequence[Kind]], Score]


@dataclass(frozen=True)
class Representation:
    """Codes (n, k) and factors (n, j) of the same images: `fit` rows to learn from, then the rows to test on."""

    codes: Floats
    factors: Floats
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    fit: int


Find = Callable[[EvaluationContext], Representation]


def drawn(context: EvaluationContext) -> Representation:
    """Codes from the prior, and the attributes of the images that the model makes of them."""
    return context.memoize("drawn representation", lambda: _drawn(context))


def _drawn(context: EvaluationContext) -> Representation:
    found, kept = draws(context), varying(context).attributes
    layout = widest(code_layout(context.coder, found.codes.shape[1]), found.codes)
    return _representation(code_table(layout, found.codes), values(found.readings, kept), kept, context.scale.draws[0])


def encoded(context: EvaluationContext) -> Representation:
    """Codes of real images, and their true factors or, without any, the attributes that the oracle reads."""
    return context.memoize("encoded representation", lambda: _encoded(context))


def _encoded(context: EvaluationContext) -> Representation:
    factors, attributes = _truth(context, _parts(context))
    codes = encodings(context)
    return _representation(code_table(encoder_layout(context), codes), factors, attributes, context.scale.encoded[0])


def encodings(context: EvaluationContext) -> Codes:
    """The codes of training images, then those of test images."""
    make = lambda: torch.cat([encode_data(context, part) for part in _parts(context)])  # noqa: E731
    return context.memoize("encodings", make)


def encoder_layout(context: EvaluationContext) -> list[Code]:
    """The codes of an encoder that are measured: the same ones by every metric."""
    return context.memoize("encoder layout", lambda: _encoder_layout(context))


def _encoder_layout(context: EvaluationContext) -> list[Code]:
    codes = encodings(context)
    try:
        return widest(code_layout(context.coder, codes.shape[1]), codes)
    except BenchError as error:
        raise NotMeasured(f"encode gives other codes than draw_codes ({error})") from error


def _parts(context: EvaluationContext) -> list[Data]:
    fit, test = context.scale.encoded
    return [context.dataset.train[:fit], context.dataset.test[:test]]


def _representation(codes: Floats, factors: Floats, attributes: Sequence[Attribute], fit: int) -> Representation:
    names, kinds = (tuple(getattr(it, name) for it in attributes) for name in ("name", "kind"))
    return Representation(codes, factors, names, kinds, fit)


def _truth(context: EvaluationContext, parts: Sequence[Data]) -> tuple[Floats, Sequence[Attribute]]:
    """The factors of real images, (n, j): an angle is in turns."""
    spec = context.spec
    if spec.factors and all(part.factors is not None for part in parts):
        table = np.concatenate([part.factors.double().numpy() for part in parts if part.factors is not None])
        for column, factor in enumerate(spec.factors):
            if factor.kind == "circular":
                table[:, column] = (table[:, column] - factor.low) / (factor.high - factor.low) % 1.0
        return table, [Attribute(factor.name, factor.kind, ()) for factor in spec.factors]
    real = real_readings(context)
    kept = [it for it in context.oracle.attributes if variance(real, it) >= least_variance(it)]
    if not kept:
        raise NotMeasured("no attribute varies over real images")
    readings = np.concatenate([context.oracle.read(part.images, context.device) for part in parts])
    return values(readings, kept), kept


def encode_data(context: EvaluationContext, data: Data) -> Codes:
    """The codes of real images, (n, d); an anchor knows them without looking."""
    if context.model is None:
        return context.anchor.codes_of(data)
    return encode(context.model.encode, data.images, context.device)  # type: ignore[arg-type]


# The metrics


def mig(find: Find) -> Compute:
    """Mutual information gap; one part for each attribute."""
    return _by_factor(find, mutual_information_gap)


def sap(find: Find) -> Compute:
    """Separated attribute predictability; one part for each attribute."""
    return _by_factor(find, separated_attribute_predictability)


def modular(find: Find) -> Compute:
    """Modularity: the mean over codes."""

    def compute(context: EvaluationContext) -> Measured:
        found = find(context)
        with _not_applicable():
            score = modularity(found.codes[: found.fit], found.factors[: found.fit], found.kinds)
        return Measured(score.value, found.fit)

    return compute


def dci(find: Find) -> Compute:
    """Disentanglement. Parts: completeness, informativeness, and the latter for each attribute."""

    def compute(context: EvaluationContext) -> Measured:
        found = find(context)
        test = len(found.codes) - found.fit
        with _not_applicable():
            result = disentanglement_completeness_informativeness(
                found.codes, found.factors, found.kinds, train=found.fit, test=test, rng=context.seed, shuffle=False
            )
        names = class_names(found.names)
        parts = {"completeness": result.completeness, "informativeness": result.informativeness}
        parts |= {f"informativeness-{names[column]}": part for column, part in result.informativeness_of.items()}
        return Measured(result.disentanglement, len(found.codes), parts)

    return compute


def total_correlation(context: EvaluationContext) -> Measured:
    """Gaussian total correlation of the continuous codes of real images, in nats."""
    layout, fit = [code for code in encoder_layout(context) if code.kind == "continuous"], context.scale.encoded[0]
    if not layout:
        raise NotMeasured("no code is continuous")
    with _not_applicable():
        return Measured(gaussian_total_correlation(code_table(layout, encodings(context)[:fit])), fit)


def _by_factor(find: Find, measure: Measure) -> Compute:
    def compute(context: EvaluationContext) -> Measured:
        found = find(context)
        with _not_applicable():
            score = measure(found.codes[: found.fit], found.factors[: found.fit], found.kinds)
        names = class_names(found.names)
        return Measured(score.value, found.fit, {names[column]: part for column, part in score.parts.items()})

    return compute


@contextmanager
def _not_applicable() -> Iterator[None]:
    """A measure that does not apply to these codes or factors is a dash with the reason, not a failure."""
    try:
        yield
    except BenchError as error:
        raise NotMeasured(str(error)) from error
