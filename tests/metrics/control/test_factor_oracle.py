"""Which oracle a data set has, which factors it may read, and how a probe's outputs become readings."""

import math

import numpy as np
import pytest
import torch

from bench.api import Factor, Spec
from bench.metrics.control.factors import FactorOracle
from bench.metrics.control.kinds import below_floor, oracle_kind
from bench.metrics.control.oracle import values

SHAPE, LEVEL, ANGLE = (
    Factor("shape", "categorical", 0, 2, 3),
    Factor("level", "linear", 0.0, 1.0),
    Factor("angle", "circular", 0.0, 1.0),
)
SPEC = Spec("toy", 1, 4, ("a", "b", "c"), (SHAPE, LEVEL, ANGLE))
FACES = Spec("faces", 3, 4, ("no", "yes"), tuple(Factor(name, "categorical", 0, 1, 2) for name in ("Bald", "Smiling")))
GOOD = {"shape": 0.99, "level": 0.96, "angle": 0.95}


class Said:
    """A probe that reads the level off the first pixel, and with it the angle and the shape."""

    columns = {"shape": (0, 1, 2), "level": (3,), "angle": (4, 5)}  # noqa: RUF012

    def readings(self, images):
        level = images[:, 0, 0, 0]
        turn = 2 * math.pi * level
        shape = torch.eye(3)[(level * 2.999).long()]
        return torch.cat([shape, level[:, None], torch.stack([turn.cos(), turn.sin()], dim=1)], dim=1)


def images(levels: list[int]) -> torch.Tensor:
    return torch.tensor(levels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()


def test_a_data_set_with_factors_has_a_probe_and_one_without_has_morphology():
    assert oracle_kind(SPEC) == "factors"
    assert oracle_kind(FACES) == "attributes"
    assert oracle_kind(Spec("plain", 1, 4, ("a",))) == "morphology"


def test_every_factor_is_read_by_its_kind():
    oracle = FactorOracle(Said(), SPEC, GOOD, "digest")
    assert oracle.name == "factors"
    assert oracle.left_out == {}
    readings = oracle.read(images([0, 51, 204]))
    assert readings.shape == (3, 6)
    assert values(readings, oracle.attributes).T.tolist() == [
        [0, 0, 2],
        pytest.approx([0, 0.2, 0.8]),
        pytest.approx([0, 0.2, 0.8], abs=1e-6),
    ]


def test_a_factor_below_its_floor_is_left_out_by_name_with_the_reason():
    oracle = FactorOracle(Said(), SPEC, GOOD | {"level": 0.8199, "shape": 0.949}, "digest")
    assert oracle.left_out == {
        "shape": "balanced accuracy 0.94, below 0.95",
        "level": "R2 0.81, below 0.95",
    }
    assert [(it.name, it.columns) for it in oracle.attributes] == [("angle", (0, 1))]
    assert values(oracle.read(images([51])), oracle.attributes)[0, 0] == pytest.approx(0.2, abs=1e-6)


def test_a_score_that_is_not_a_number_is_below_every_floor():
    assert set(below_floor(SPEC, GOOD | {"angle": float("nan")})) == {"angle"}


def test_without_the_floor_no_factor_is_left_out():
    oracle = FactorOracle(Said(), SPEC, dict.fromkeys(GOOD, 0.0), "digest", enforce_floor=False)
    assert [it.name for it in oracle.attributes] == ["shape", "level", "angle"]
    assert oracle.left_out == {}


def test_attributes_that_people_labelled_have_a_lower_floor():
    assert below_floor(FACES, {"Bald": 0.76, "Smiling": 0.74}) == {"Smiling": "balanced accuracy 0.74, below 0.75"}


def test_the_digest_changes_with_the_weights_and_with_what_is_left_out():
    digests = {
        FactorOracle(Said(), SPEC, GOOD, "digest").digest,
        FactorOracle(Said(), SPEC, GOOD, "other").digest,
        FactorOracle(Said(), SPEC, GOOD | {"level": 0.5}, "digest").digest,
    }
    assert len(digests) == 3
    assert FactorOracle(Said(), SPEC, GOOD, "digest").digest in digests


def test_images_are_read_in_batches_with_the_same_result():
    oracle = FactorOracle(Said(), SPEC, GOOD, "digest")
    many = images(list(range(0, 256, 2)))
    assert np.array_equal(oracle.read(many)[:7], oracle.read(many[:7]))
