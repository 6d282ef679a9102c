"""The class as an attribute that is asked for: does asking for another class move hue, place or size as well?"""

import numpy as np
import torch

from bench.api import Data
from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.control.evaluation import least_variance, real_readings, variance
from bench.metrics.control.indices import Sweep, effects
from bench.metrics.control.oracle import Attribute
from bench.metrics.control.sweeps import BATCH
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.sampling import checked
from bench.training_run import generator

MOST = 10  # classes that are asked for in each context: evenly spread if there are more


def class_leakage(context: EvaluationContext) -> Measured:
    """ST of the class on every other attribute, as a share of its variance over real images; mean and one part for each."""
    attributes = _others(context)
    sweep = _sweep(context)
    real = real_readings(context)
    variances = np.array([variance(real, attribute) for attribute in attributes])
    total = effects([sweep], attributes, variances, most=np.inf).total[0]
    parts = dict(zip(class_names(tuple(attribute.name for attribute in attributes)), total.tolist(), strict=True))
    return Measured(float(total.mean()), len(sweep.readings), parts)


def class_factor(data: Data) -> int | None:
    """The column of the ground-truth factor that is the class of every image, if one is."""
    if data.factors is None:
        return None
    same = (data.factors == data.labels[:, None]).all(dim=0).tolist()
    columns = [column for column, factor in enumerate(data.spec.factors) if factor.kind == "categorical"]
    return next((column for column in columns if same[column]), None)


def _others(context: EvaluationContext) -> list[Attribute]:
    """The attributes that do not depend on the class in real images. Raises `NotMeasured` if that is not known."""
    own = class_factor(context.test)
    if context.scale.oracle != "factors" or own is None:
        raise NotMeasured(f"the attributes of {context.spec.name} depend on the class in real images too")
    if not hasattr(context.coder, "sample_class"):
        raise NotMeasured("an anchor without sample_class (ClassConditional)")
    real, name = real_readings(context), context.spec.factors[own].name
    found = [it for it in context.oracle.attributes if it.name != name and variance(real, it) >= least_variance(it)]
    if not found:
        raise NotMeasured("no attribute but the class can be read")
    return found


def _sweep(context: EvaluationContext) -> Sweep:
    k = len(context.spec.classes)
    classes = np.unique(np.linspace(0, k - 1, min(k, MOST)).round().astype(int))
    readings = np.stack([_readings(context, int(label)) for label in classes], axis=1)
    shares = np.full(len(classes), 1 / len(classes))
    return Sweep("class", classes.astype(np.float64), shares, readings, ordered=False)


def _readings(context: EvaluationContext, label: int) -> np.ndarray:
    """The readings of one class in every context: the same random state for each class."""
    parts, n = [], context.scale.contexts
    for batch, start in enumerate(range(0, n, BATCH)):
        labels = torch.full((min(BATCH, n - start),), label, device=context.device)
        drawn = context.coder.sample_class(labels, generator(context.device, context.seed, "class leakage", batch))
        pixels = checked(drawn, (len(labels), *context.spec.shape), context.device, "samples")
        parts.append(context.oracle.read(pixels, context.device))
    return np.concatenate(parts).astype(np.float64)
