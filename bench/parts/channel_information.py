"""Mutual information and total correlation of discrete codes behind a channel, exactly: what a bound on one implies.

Codes C = (C_1, ..., C_K) are drawn from p(c) = prod_i p(c_i), x from p(x | c), and inferred codes C^ from a factorised
Q(c | x) = prod_i Q_i(c_i | x). In nats, with TC(C | X) = E KL(p(c|x) || prod_i p(c_i|x)) and
L_I = H(C) + E log Q(C | X):

    (a)  I(C; X) = sum_i I(C_i; X) + TC(C | X)
    (b)  L_I <= sum_i I(C_i; X) <= I(C; X)
    (c)  0 <= TC(C | X) <= sum_i H(C_i | X) <= H(C) - L_I
    (d)  KL(p_C || p^) <= E KL(p(c|X) || Q(c|X)) = I(C; X) - L_I, and TV(p_C, p^) <= sqrt((I(C; X) - L_I) / 2)

where p^ is the distribution of C^. So if L_I reaches its ceiling H(C), every code can be read by itself, and the inferred
codes are distributed as the prior, that is independently. The converse fails: for codes of noise both total correlations
are 0, and so is the information.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor

from bench.errors import BenchError

LEAST = 1e-300  # instead of the probability of an image that never occurs
ROUNDING = 1e-9  # by which a sum of probabilities may differ from 1


@dataclass(frozen=True)
class ChannelInformation:
    """The terms of (a) to (d), in nats; `total_variation` is in [0, 1]."""

    entropy: float  # H(C), the ceiling of L_I
    information: float  # I(C; X)
    of_each: tuple[float, ...]  # I(C_i; X)
    remaining: float  # sum_i H(C_i | X)
    conditional_total_correlation: float  # TC(C | X)
    bound: float  # L_I, -inf if Q rules out a code that occurs
    posterior_error: float  # E KL(p(c|X) || Q(c|X))
    prior_error: float  # KL(p_C || p^)
    total_variation: float  # TV(p_C, p^)
    inferred_total_correlation: float  # TC(C^)


def channel_information(
    prior: Sequence[Float[Tensor, "k"]], channel: Float[Tensor, "*k m"], posterior: Sequence[Float[Tensor, "m k"]]
) -> ChannelInformation:
    """All terms from K tables p(c_i) of shape (k_i,), p(x | c) of shape (k_1, ..., k_K, m), and K tables Q_i (m, k_i).

    In float64. Raises `BenchError` for other shapes and for rows that are not probabilities.
    """
    _check(prior, channel, posterior)
    codes = _product([table.double() for table in prior])  # p(c), (k_1, ..., k_K)
    joint = codes[..., None] * channel.double()  # p(c, x), (k_1, ..., k_K, m)
    images = joint.flatten(0, -2).sum(0)  # p(x), (m,)
    each = [_only(joint, code) for code in range(len(prior))]  # p(c_i, x), (k_i, m)
    independent = images * _product_given([table / images.clamp(min=LEAST) for table in each])  # p(x) prod_i p(c_i|x)
    q = _product_given([table.double().T for table in posterior])  # Q(c|x), (k_1, ..., k_K, m)
    inferred = (images * q).sum(-1)  # p^(c) = E Q(c|X), (k_1, ..., k_K)
    marginals = _product([_only(inferred[..., None], code)[:, 0] for code in range(len(prior))])
    return ChannelInformation(
        entropy=_entropy(codes),
        information=_mutual_information(joint.flatten(0, -2)),
        of_each=tuple(_mutual_information(table) for table in each),
        remaining=sum(_entropy(table) - _entropy(images) for table in each),  # sum_i H(C_i, X) - H(X)
        conditional_total_correlation=_divergence(joint, independent),
        bound=_entropy(codes) + float(torch.xlogy(joint, q).sum()),  # H(C) + E log Q(C|X)
        posterior_error=_divergence(joint, images * q),
        prior_error=_divergence(codes, inferred),
        total_variation=0.5 * float((codes - inferred).abs().sum()),
        inferred_total_correlation=_divergence(inferred, marginals),
    )


def _product(tables: Sequence[Tensor]) -> Tensor:
    """Tables (k_i,) to their products (k_1, ..., k_K)."""
    return reduce(lambda a, b: a[..., None] * b, tables)


def _product_given(tables: Sequence[Tensor]) -> Tensor:
    """The same for each x: tables (k_i, m) to (k_1, ..., k_K, m)."""
    return reduce(lambda a, b: a[..., None, :] * b, tables)


def _only(joint: Tensor, code: int) -> Tensor:
    """The sum over all codes but one of a table (k_1, ..., k_K, m), (k_i, m)."""
    return joint.movedim(code, 0).flatten(1, -2).sum(1) if joint.ndim > 2 else joint


def _mutual_information(joint: Tensor) -> float:
    """Of the rows and the columns of a table."""
    return _divergence(joint, joint.sum(1, keepdim=True) * joint.sum(0))


def _divergence(p: Tensor, q: Tensor) -> float:
    """KL(p || q), with 0 log 0 = 0; infinite if q is 0 where p is not."""
    return float((torch.xlogy(p, p) - torch.xlogy(p, q)).sum())


def _entropy(p: Tensor) -> float:
    return -float(torch.xlogy(p, p).sum())


def _check(prior: Sequence[Tensor], channel: Tensor, posterior: Sequence[Tensor]) -> None:
    if not prior or len(prior) != len(posterior):
        raise BenchError(f"expected a prior and a posterior of each code, got {len(prior)} and {len(posterior)}")
    counts, m = tuple(table.numel() for table in prior), channel.shape[-1] if channel.ndim else 0
    _check_table("channel", (*counts, m), channel)
    for k, p, q in zip(counts, prior, posterior, strict=True):
        _check_table("prior", (k,), p)
        _check_table("posterior", (m, k), q)


def _check_table(name: str, shape: tuple[int, ...], table: Tensor) -> None:
    if tuple(table.shape) != shape:
        raise BenchError(f"{name}: expected shape {shape}, got {tuple(table.shape)}")
    away = float((table.double().sum(-1) - 1).abs().max())
    if not (away <= ROUNDING and float(table.min()) >= 0):
        raise BenchError(
            f"{name}: expected probabilities that sum to 1, got {float(table.min()):.4g} as the smallest and sums that "
            f"differ from 1 by up to {away:.4g}"
        )
