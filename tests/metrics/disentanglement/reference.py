"""A known representation, and what disentanglement-lib 1.5 measures on it: values to compare with.

Run as a script, in an environment of its own (see docs/metrics.md), it prints `VALUES`.
"""

import sys
import types
from pathlib import Path

import numpy as np

COUNTS = np.array([3, 4, 6])  # values of the factors
TRAIN, TEST = 400, 300  # rows
TURN = np.deg2rad(38)

VALUES = {
    "MIG": 0.313381, "SAP, linear": 0.32596, "SAP, categorical": 0.157778, "modularity": 0.80732,
    "DCI disentanglement": 0.368915, "DCI completeness": 0.368784, "DCI accuracy": 0.575556,
    "FactorVAE score": 0.8814, "BetaVAE score": 0.871,
}  # fmt: skip


def draw_factors(n: int, rng: np.random.Generator) -> np.ndarray:
    """Factors (n, 3) with values 0, 1, ..."""
    return rng.integers(COUNTS, size=(n, 3)).astype(np.float64)


def encode(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five codes (n, 5): the first factor, the others turned by 38 degrees, a faint copy, and noise."""
    u = (factors - (COUNTS - 1) / 2) / np.sqrt((COUNTS**2 - 1) / 12)
    noise = rng.normal(size=(len(factors), 5))
    return np.stack(
        [
            u[:, 0] + 0.3 * noise[:, 0],
            np.cos(TURN) * u[:, 1] + np.sin(TURN) * u[:, 2] + 0.8 * noise[:, 1],
            np.cos(TURN) * u[:, 2] - np.sin(TURN) * u[:, 1] + 0.8 * noise[:, 2],
            0.5 * u[:, 0] + noise[:, 3],
            0.01 * noise[:, 4],
        ],
        axis=1,
    )


def table() -> tuple[np.ndarray, np.ndarray]:
    """Codes and factors of 700 images."""
    rng = np.random.default_rng(0)
    factors = draw_factors(TRAIN + TEST, rng)
    return encode(factors, rng), factors


def pool(seed: int, images: int = 1_024) -> tuple[list[np.ndarray], np.ndarray]:
    """Codes (values, images, 5) for each factor, and the variances of the codes of 10,000 images."""
    rng = np.random.default_rng(100 + seed)
    groups = []
    for factor, count in enumerate(COUNTS):
        factors = draw_factors(count * images, rng)
        factors[:, factor] = np.repeat(np.arange(count), images)
        groups.append(encode(factors, rng).reshape(count, images, 5))
    return groups, encode(draw_factors(10_000, rng), rng).var(axis=0, ddof=1)


class Truth:
    """The representation as disentanglement-lib wants a data set: its observations are the factors."""

    num_factors = len(COUNTS)

    def __init__(self) -> None:
        self.rng = np.random.default_rng(2)

    def sample_factors(self, n: int, random_state: object) -> np.ndarray:
        return draw_factors(n, self.rng)

    def sample_observations(self, n: int, random_state: object) -> np.ndarray:
        return draw_factors(n, self.rng)

    def sample_observations_from_factors(self, factors: np.ndarray, random_state: object) -> np.ndarray:
        return factors

    def encode(self, observations: np.ndarray) -> np.ndarray:
        return encode(observations, self.rng)


def measure() -> dict[str, float]:
    """The scores of disentanglement-lib. Its settings come from gin, which needs TensorFlow and is passed over here."""
    gin = types.ModuleType("gin")
    gin.configurable = lambda *names, **options: lambda function: function
    gin.REQUIRED, gin.tf = None, gin
    sys.modules |= {"gin": gin, "gin.tf": gin}
    from disentanglement_lib.evaluation.metrics import beta_vae, dci, factor_vae, mig, sap_score, utils
    from disentanglement_lib.evaluation.metrics.modularity_explicitness import modularity

    utils.make_discretizer = lambda target: utils._histogram_discretize(target, 20)
    factor_vae._prune_dims.__defaults__ = (0.05,)  # as its published settings have it
    codes, factors = table()
    rows = np.random.default_rng(0).permutation(TRAIN + TEST)  # those that `bench` learns from and tests on
    (x, x_test), (y, y_test) = ((a[rows[:TRAIN]].T, a[rows[TRAIN:]].T) for a in (codes, factors))
    binned = utils._histogram_discretize(codes.T, 20)
    shared = utils.discrete_mutual_info(binned, factors.T)
    np.random.seed(0)  # of its gradient boosting, which has no seed of its own
    boosted = dci._compute_dci(x, y, x_test, y_test)
    votes, state = {"batch_size": 64, "num_train": 10_000, "num_eval": 5_000}, np.random.RandomState(0)
    truth = Truth()
    factor = factor_vae.compute_factor_vae(truth, truth.encode, state, num_variance_estimate=10_000, **votes)
    beta = beta_vae.compute_beta_vae_sklearn(truth, truth.encode, state, **votes)
    return {
        "MIG": mig._compute_mig(codes.T, factors.T)["discrete_mig"],
        "SAP, linear": sap_score._compute_sap(codes.T, factors.T, None, None, True)["SAP_score"],
        "SAP, categorical": sap_score._compute_sap(x, y, x_test, y_test, False)["SAP_score"],
        "modularity": modularity(shared),
        "DCI disentanglement": boosted["disentanglement"],
        "DCI completeness": boosted["completeness"],
        "DCI accuracy": boosted["informativeness_test"],
        "FactorVAE score": factor["eval_accuracy"],
        "BetaVAE score": beta["eval_accuracy"],
    }


if __name__ == "__main__":
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
    print({name: round(float(value), 6) for name, value in measure().items()})
