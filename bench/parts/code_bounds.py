"""How much an inferred code says about the code that an image was drawn from: lower bounds on I(c_i; x), in nats.

Each is H(c_i) + E log Q(c_i | x) with the Q of a family that fits its own errors best, so that it can be compared between
runs whatever Q they were trained with. Errors are those of codes c_i drawn from their prior, x = G(z, c), and of what is
inferred from x. At chance all bounds are about 0 (-0.18 for `uniform_bound`); a perfect code has log K or infinity.
"""

import math

import torch
from torch import Tensor
from torch.special import i0e, i1e


def uniform_bound(mse: Tensor) -> Tensor:
    """The bound for codes uniform on [-1, 1], from their mean squared errors, of any shape; infinity for no error.

    Q is Gaussian around the inferred code with variance mse_i.
    """
    return math.log(2) - 0.5 * (2 * math.pi * math.e * mse).log()  # log 2 - 1/2 log(2 pi e mse_i)


def circular_bound(r: Tensor | float) -> Tensor:
    """The bound for angles uniform on the circle, from R, the mean cosine of the error, of any shape; float64.

    Q is von Mises around the inferred angle. The bound is infinite for R = 1, and 0 at chance (R = 0) and at R < 0,
    where the best Q is uniform.
    """
    r = torch.as_tensor(r, dtype=torch.float64).clamp(0, 1)
    kappa = _concentration(r)
    bound = kappa * (r - 1) - i0e(kappa).log()  # kappa R - log I0(kappa), I0(kappa) = i0e(kappa) exp(kappa)
    return torch.where(r == 1, math.inf, bound)


def categorical_bound(cross_entropy: Tensor, values: int) -> Tensor:
    """The bound for a code of `values` equally likely values, from E -log Q(c_i | x) in nats, of any shape."""
    return math.log(values) - cross_entropy  # log K - E -log Q(c_i | x)


def _concentration(r: Tensor) -> Tensor:
    """kappa with I1(kappa) / I0(kappa) = R: an estimate (Banerjee et al., JMLR 2005), and two Newton steps.

    The bound is then within 1e-9 of that for the exact kappa. Near R = 0 and 1, where the steps are lost to rounding,
    the estimate alone is as good.
    """
    estimate = kappa = r * (2 - r.square()) / (1 - r.square())
    for _ in range(2):
        a = i1e(kappa) / i0e(kappa)
        kappa = kappa - (a - r) / (1 - a.square() - a / kappa)
    return torch.where((r > 1e-6) & (r < 0.9999), kappa, estimate)
