"""How much an inferred code says about the code that an image was drawn from: lower bounds on I(c_i; x), in nats.

Each is H(c_i) + E log Q(c_i | x) with the Q of a family that fits its own errors best, so that it can be compared between
runs whatever Q they were trained with. Errors are those of codes c_i drawn from their prior, x = G(z, c), and of what is
inferred from x. At chance all bounds are about 0 (-0.18 for `uniform_bound`); a perfect code has log K or infinity.
"""

import math

from scipy.optimize import brentq
from scipy.special import i0e, i1e
from torch import Tensor


def uniform_bound(mse: Tensor) -> Tensor:
    """The bound for codes uniform on [-1, 1], from their mean squared errors, of any shape; infinity for no error.

    Q is Gaussian around the inferred code with variance mse_i.
    """
    return math.log(2) - 0.5 * (2 * math.pi * math.e * mse).log()  # log 2 - 1/2 log(2 pi e mse_i)


def circular_bound(r: float) -> float:
    """The bound for an angle uniform on the circle, from R, the mean cosine of its error; infinity for R = 1.

    Q is von Mises around the inferred angle. It has 0 at chance (R = 0), and at R < 0, where the best Q is uniform.
    """
    if math.isnan(r):
        return r
    if r >= 1:
        return math.inf
    if r <= 0:
        return 0.0
    kappa = brentq(lambda k: i1e(k) / i0e(k) - r, 0, 2 / (1 - r))  # A(kappa) = I1(kappa) / I0(kappa) = R
    return kappa * (r - 1) - math.log(i0e(kappa))  # kappa R - log I0(kappa), I0 scaled by exp(-kappa)


def categorical_bound(cross_entropy: Tensor, values: int) -> Tensor:
    """The bound for a code of `values` equally likely values, from E -log Q(c_i | x) in nats, of any shape."""
    return math.log(values) - cross_entropy  # log K - E -log Q(c_i | x)
