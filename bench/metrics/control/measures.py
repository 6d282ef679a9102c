"""The metrics of control: each code of a model against each attribute of its images (mi_control.md, 2.5)."""

from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.control.evaluation import all_attributes, control, listed, sweeps
from bench.metrics.control.indices import attribute_gaps
from bench.metrics.metric import Measured, NotMeasured

NO_LIVE = "no code has a noticeable effect on an attribute"


def acs(context: EvaluationContext) -> Measured:
    """Attribute control score. Parts: its standard error `se`, and the gap of each attribute."""
    found = control(context)
    gaps = attribute_gaps(found.effects)
    parts = dict(zip(class_names(tuple(gaps)), gaps.values(), strict=True))
    return Measured(found.scores.acs, _contexts(context), {"se": found.error} | parts)


def control_share(context: EvaluationContext) -> Measured:
    """S1 of the best code of an attribute, mean over attributes; one part for each."""
    found = control(context)
    best = found.effects.first.max(axis=0).tolist()
    parts = dict(zip(class_names(found.effects.attributes), best, strict=True))
    return Measured(found.scores.control, _contexts(context), parts)


def selectivity(context: EvaluationContext) -> Measured:
    """How much more a live code moves its own attribute than any other, mean over live codes."""
    return _measured(context, control(context).scores.selectivity)


def monotonicity(context: EvaluationContext) -> Measured:
    """|Spearman correlation| of a live code with its own attribute, mean over the pairs that have an order."""
    scores = control(context).scores
    reason = NO_LIVE if scores.selectivity is None else "no live code with an order moves an attribute with an order"
    return _measured(context, scores.monotonicity, reason)


def live_codes(context: EvaluationContext) -> Measured:
    """The fraction of the codes that move some attribute; part `codes`: how many the model has."""
    found = control(context)
    return Measured(found.scores.live, _contexts(context), {"codes": float(found.codes)})


def varying_attributes(context: EvaluationContext) -> Measured:
    """The fraction of the attributes of real images that vary over the images of the codes."""
    found = all_attributes(context)
    kept, lost = len(found.attributes), len(found.constant)
    if not kept + lost:
        raise NotMeasured(f"no attribute varies over real images ({listed(found.unread)})")
    return Measured(kept / (kept + lost), sum(context.scale.draws), {"kept": float(kept)})


def leakage(context: EvaluationContext) -> Measured:
    """The share of the effect of a live code that falls on attributes other than its own, mean over live codes."""
    return _measured(context, control(context).scores.leakage)


def _measured(context: EvaluationContext, value: float | None, reason: str = NO_LIVE) -> Measured:
    if value is None:
        raise NotMeasured(reason)
    return Measured(value, _contexts(context))


def _contexts(context: EvaluationContext) -> int:
    return len(sweeps(context).sweeps[0].readings)
