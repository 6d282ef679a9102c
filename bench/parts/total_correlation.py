"""Total correlation of a batch of codes by minibatch-weighted sampling (arXiv 1802.04942, appendix C.1)."""

import math

from jaxtyping import Float
from torch import Tensor

from bench.api import Codes
from bench.parts.gaussian import LOG_2PI


def weighted_total_correlation(codes: Codes, mu: Codes, log_s: Codes, images: int) -> Float[Tensor, ""]:
    """KL(q(c) || prod_j q(c_j)) in nats, from one draw c_i of each q(c|x_i) = N(mu_i, s_i) of a batch of n.

    q(c) is the mixture over all `images` training images. It is estimated from the batch:
    log q(c_i) ~ log sum_k q(c_i|x_k) - log(n * images)   (equation S4), and likewise for each column. The estimate is
    biased upwards, by (d - 1) log(images) if all q(c|x) are the same; its gradient does not depend on `images`.
    """
    away = (codes[:, None] - mu[None]) * (-log_s)[None].exp()
    densities = -0.5 * (away.square() + 2 * log_s[None] + LOG_2PI)  # log q(c_ij|x_k): (i, k, j)
    constant = math.log(len(codes) * images)
    joint = densities.sum(2).logsumexp(1) - constant
    columns = densities.logsumexp(1) - constant
    return (joint - columns.sum(1)).mean()
