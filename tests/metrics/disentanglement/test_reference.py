"""Every measure beside disentanglement-lib on one representation, and the table of the documents that says so."""

import re
from pathlib import Path

import numpy as np
import pytest
from metrics.disentanglement import reference

from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness
from bench.metrics.disentanglement.mig import mutual_information_gap
from bench.metrics.disentanglement.modularity import modularity
from bench.metrics.disentanglement.sap import separated_attribute_predictability
from bench.metrics.disentanglement.votes import beta_vae_score, factor_vae_score

KINDS = ["categorical"] * 3
POOLS = 8  # of which votes are averaged: the standard deviation of one is 0.03
ROW = re.compile(r"^\| (.+?) \| ([\d.]+) \| ([\d.]+) \|", re.MULTILINE)
HEADING = "Disentanglement measures against independent implementations"


@pytest.fixture(scope="module")
def ours() -> dict[str, float]:
    codes, factors = reference.table()
    pools = [reference.pool(seed) for seed in range(POOLS)]
    dci = disentanglement_completeness_informativeness(
        codes, factors, KINDS, "published", reference.TRAIN, reference.TEST
    )
    return {
        "MIG": mutual_information_gap(codes, factors, KINDS).value,
        "SAP, linear": separated_attribute_predictability(codes, factors, ["linear"] * 3).value,
        "SAP, categorical": separated_attribute_predictability(codes, factors, KINDS).value,
        "modularity": modularity(codes, factors, KINDS).value,
        "DCI disentanglement": dci.disentanglement,
        "DCI completeness": dci.completeness,
        "DCI accuracy": _accuracy(dci.informativeness_of, factors),
        "FactorVAE score": float(np.mean([factor_vae_score(*pool).value for pool in pools])),
        "BetaVAE score": float(np.mean([beta_vae_score(pool).value for pool, _ in pools])),
    }


def _accuracy(informativeness: dict[int, float], factors: np.ndarray) -> float:
    """Mean accuracy: informativeness is the share of the errors of the most frequent class that is removed."""
    rows = np.random.default_rng(0).permutation(len(factors)).tolist()
    learn, test = factors[rows[: reference.TRAIN]].astype(int), factors[rows[reference.TRAIN :]].astype(int)
    wrong = [(test[:, j] != np.bincount(learn[:, j]).argmax()).mean() for j in informativeness]
    return float(np.mean([1 - (1 - it) * error for it, error in zip(informativeness.values(), wrong, strict=True)]))


@pytest.mark.parametrize("name", ["MIG", "SAP, linear", "modularity"])
def test_closed_formulas_agree_to_all_digits(ours: dict[str, float], name: str):
    assert ours[name] == pytest.approx(reference.VALUES[name], abs=1e-6)


@pytest.mark.parametrize("name", ["DCI disentanglement", "DCI completeness", "DCI accuracy"])
def test_the_published_learner_agrees_up_to_ties_between_splits(ours: dict[str, float], name: str):
    assert ours[name] == pytest.approx(reference.VALUES[name], abs=0.01)


@pytest.mark.parametrize("name", ["FactorVAE score", "BetaVAE score"])
def test_votes_agree_within_their_noise(ours: dict[str, float], name: str):
    assert ours[name] == pytest.approx(reference.VALUES[name], abs=0.04)  # standard deviations 0.01 and 0.007


def test_the_best_thresholds_are_better_than_a_linear_classifier(ours: dict[str, float]):
    assert reference.VALUES["SAP, categorical"] < ours["SAP, categorical"] < reference.VALUES["SAP, categorical"] + 0.1


def test_the_table_of_the_documents_is_this_one(ours: dict[str, float]):
    text = (Path(reference.__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = {
        name: (float(first), float(second))
        for name, first, second in ROW.findall(text.split(HEADING)[1].split("\n## ")[0])
    }
    assert rows.keys() == ours.keys()
    for name, (first, second) in rows.items():
        assert second == pytest.approx(reference.VALUES[name], abs=5e-5)
        assert first == pytest.approx(ours[name], abs=0.01 if name.startswith(("DCI", "Factor", "Beta")) else 1e-4)
