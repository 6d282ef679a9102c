"""Mixtures of two classes: does the judge recognise these two classes, and no other, at every weight?"""

import torch

from bench.api import Labels
from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured
from bench.metrics.sampling import checked
from bench.training_run import generator

WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)  # of the first class
DRAWN = "mixtures"  # what the context keeps them under
PAIRS = 50  # times five weights: one chunk of samples


def mixture_agreement(context: EvaluationContext) -> Measured:
    """Mean of the judge's p_a + p_b. Parts: this for each weight of a (`0.75`), and p_a alone (`a-0.75`).

    Raises `BenchError` for a data set with one class, and for mixtures that are not valid images.
    """
    k = len(context.spec.classes)
    if k < 2:
        raise BenchError(f"mixture-agreement: expected at least two classes, got {k} in {context.spec.name}")
    a, b = (labels.repeat(len(WEIGHTS)) for labels in pairs(k))
    weight = torch.tensor(WEIGHTS).repeat_interleave(PAIRS)
    rows = torch.arange(len(a))
    weights = torch.zeros(len(a), k)
    weights[rows, a], weights[rows, b] = weight, 1 - weight
    rng = generator(context.device, context.seed, "mixture", 0)
    drawn = context.model.sample_mixture(weights.to(context.device), rng)  # type: ignore[union-attr, operator]
    shape = (len(a), *context.spec.shape)
    images = context.memoize(DRAWN, lambda: checked(drawn, shape, context.device, "mixtures"))
    p = context.judge_logits(images).double().softmax(1)
    first, both = p[rows, a].view(len(WEIGHTS), -1).mean(1), (p[rows, a] + p[rows, b]).view(len(WEIGHTS), -1).mean(1)
    parts = {f"{w:g}": float(value) for w, value in zip(WEIGHTS, both, strict=True)}
    parts |= {f"a-{w:g}": float(value) for w, value in zip(WEIGHTS, first, strict=True)}
    return Measured(float(both.mean()), PAIRS, parts)


def pairs(k: int) -> tuple[Labels, Labels]:
    """Fifty ordered pairs of different classes, two tensors (50,): classes in turn, the second one further each round."""
    turn = torch.arange(PAIRS)
    first = turn % k
    return first, (first + 1 + turn // k % (k - 1)) % k
