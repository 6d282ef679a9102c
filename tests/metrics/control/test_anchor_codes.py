"""The codes of anchors: the true factors of `real`, and codes without a meaning of `noise`."""

import numpy as np
import pytest
import torch

from bench.data.sprites import Sprites
from bench.evaluation.anchor_codes import NoiseCodes, TrueFactors, anchor_codes
from bench.metrics import METRICS
from bench.metrics.control.evaluation import control
from bench.metrics.control.oracle import Attribute, Oracle
from bench.training_run import generator


@pytest.fixture(scope="module")
def source() -> Sprites:
    return Sprites()


@pytest.fixture(scope="module")
def data(source):
    return source.load().test


@pytest.fixture(scope="module")
def spec(data):
    return data.spec


def test_true_factors_are_decoded_by_the_renderer(source, data):
    anchor = TrueFactors(source, data)
    codes = anchor.draw_codes(5, generator("cpu", 0))
    images = anchor.decode(codes, generator("cpu", 1))
    assert images.shape == (5, 3, 32, 32)
    assert torch.equal((images * 255).round().to(torch.uint8), source.render(codes, 32))
    assert torch.equal(codes, anchor.draw_codes(5, generator("cpu", 0)))
    assert not torch.equal(codes, anchor.draw_codes(5, generator("cpu", 2)))
    assert [code.kind for code in anchor.code_layout].count("categorical") == 1


def test_another_class_of_the_same_random_state_changes_the_shape_alone(source, data):
    anchor = TrueFactors(source, data)
    first, second = (anchor.sample_class(torch.full((4,), k), generator("cpu", 3)) for k in (0, 5))
    assert not torch.equal(first, second)
    corner = (slice(None), slice(None), 0, 0)
    assert torch.equal(first[corner], second[corner])  # the background


def test_only_real_and_noise_have_codes(source, data):
    assert isinstance(anchor_codes("real", data, source), TrueFactors)
    assert isinstance(anchor_codes("noise", data, None), NoiseCodes)
    assert anchor_codes("real", data, None) is None
    assert anchor_codes("mean", data, source) is None


def test_the_codes_of_noise_do_not_change_its_images(spec):
    anchor = NoiseCodes(spec)
    codes = anchor.draw_codes(3, generator("cpu", 0))
    first, second = (anchor.decode(table, generator("cpu", 1)) for table in (codes, codes + 1))
    assert torch.equal(first, second)


class Corner(Oracle):
    """Reads the shade of the background exactly, and the hue of nothing."""

    name, digest, left_out = "factors", "corner", {}
    attributes = (Attribute("shade", "linear", (0,), 0.6),)

    def read(self, pixels, device="cpu"):
        return (pixels[:, :1, 0, 0].float() / 255).numpy().astype(np.float32)


def test_perfect_control_scores_one(source, data, make_context):
    dataset = source.load()
    context = make_context(
        dataset=dataset, samples=None, n=100, reference=100, anchor=TrueFactors(source, data), find_oracle=Corner,
        oracle_kind="factors", renderer=source,
    )  # fmt: skip
    found = control(context)
    assert found.scores.acs == pytest.approx(1, abs=0.08)
    assert found.effects.live.tolist() == [name == "shade" for name in found.effects.codes]


def test_true_factors_score_one_whatever_their_units(source, data, make_context):
    """A scale of 0.2 to 0.34 counts as much as an angle of 0 to 2 pi."""
    (metric,) = (metric for metric in METRICS if metric.name == "factor-vae-score")
    context = make_context(
        dataset=source.load(), samples=None, n=100, reference=100, anchor=TrueFactors(source, data),
        find_oracle=Corner, oracle_kind="factors", renderer=source,
    )  # fmt: skip
    assert metric.compute(context).value == 1
