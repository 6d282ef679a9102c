"""Codes of real images that share the value of one factor: what the FactorVAE and the BetaVAE score vote on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Data, Factor
from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.control.codes import code_table
from bench.metrics.disentanglement.measures import encode_data, encoded, encoder_layout
from bench.metrics.disentanglement.votes import VoteScore, beta_vae_score, factor_vae_score
from bench.metrics.metric import Measured, NotMeasured
from bench.training_run import generator

VALUES, GROUP = 20, 128  # of each factor, at most; images that share one: half of them for each kind of votes
Pool = list[NDArray[np.float64]]


def vote_score(score: Callable[..., VoteScore], with_variances: bool) -> Callable[[EvaluationContext], Measured]:
    """One of the two scores. Part `train`: its value on the votes that it learned from."""

    def compute(context: EvaluationContext) -> Measured:
        pool = context.memoize("codes by factor value", lambda: _pool(context))
        arguments: tuple[Any, ...] = (encoded(context).codes.var(axis=0),) if with_variances else ()
        try:
            result = score(pool, *arguments, rng=context.seed)
        except BenchError as error:
            raise NotMeasured(str(error)) from error
        return Measured(
            result.value, sum(part.shape[0] * part.shape[1] for part in pool), {"train": result.train_value}
        )

    return compute


factor_vae = vote_score(factor_vae_score, with_variances=True)
beta_vae = vote_score(beta_vae_score, with_variances=False)


def _pool(context: EvaluationContext) -> Pool:
    """For each factor, codes (values, images, k)."""
    if not context.spec.factors:
        raise NotMeasured(f"{context.spec.name} has no ground-truth factors")
    find = _rendered if context.renderer is not None else _from_test_split
    return [find(context, column, factor) for column, factor in enumerate(context.spec.factors)]


def _rendered(context: EvaluationContext, column: int, factor: Factor) -> NDArray[np.float64]:
    """Images drawn for exactly these values, the other factors random."""
    assert context.renderer is not None
    rng = generator("cpu", context.seed, "fixed factor", column)
    values = _values(factor)
    factors = context.renderer.draw_factors(len(values) * GROUP, rng)
    factors[:, column] = torch.as_tensor(values, dtype=factors.dtype).repeat_interleave(GROUP)
    images = context.renderer.render(factors, context.spec.size)
    labels = torch.zeros(len(images), dtype=torch.int64)
    return _codes(context, Data(context.spec, images, labels, factors)).reshape(len(values), GROUP, -1)


def _values(factor: Factor) -> NDArray[np.float64]:
    if factor.kind == "categorical":
        return np.arange(factor.low, factor.high + 1)[:VALUES]
    steps = (np.arange(VALUES) + 0.5) / VALUES
    if factor.count:  # of a grid: the values that occur
        steps = np.unique((steps * factor.count).astype(int)) / (factor.count - 1)
    return factor.low + (factor.high - factor.low) * steps


def _from_test_split(context: EvaluationContext, column: int, factor: Factor) -> NDArray[np.float64]:
    """Test images that share a value, or for a continuous factor one of VALUES equal ranges of it."""
    test = context.dataset.test
    assert test.factors is not None
    truth = test.factors[:, column].double()
    width = (factor.high - factor.low) / VALUES
    places = truth if factor.count else ((truth - factor.low) / width).clamp(max=VALUES - 1).floor()
    members = [torch.nonzero(places == place)[:, 0] for place in places.unique()]
    groups = [group[:GROUP] for group in members if len(group) >= GROUP][:VALUES]
    if not groups:
        raise NotMeasured(f"expected at least {GROUP} test images that share a value of {factor.name!r}, got fewer")
    return _codes(context, test[torch.cat(groups)]).reshape(len(groups), GROUP, -1)


def _codes(context: EvaluationContext, data: Data) -> NDArray[np.float64]:
    return code_table(encoder_layout(context), encode_data(context, data))
