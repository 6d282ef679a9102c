"""Which codes of lamps are noticeable, what they are named after, and how surely they can be read back."""

from collections.abc import Callable
from dataclasses import replace

import lamp_generators as toys
import numpy as np
import pytest
import torch
from lamp_generators import SPEC, Lamps

from bench.api import Code
from bench.evaluation.anchor_codes import NoiseCodes
from bench.metrics.control.discovery import Discovered, Moved, discover, found_attributes, moved, ranked
from bench.metrics.control.indices import Effects
from bench.metrics.control.read_back import bounds_of
from bench.metrics.metric import NotMeasured

EFFECTS = Effects(
    codes=("first", "second"),
    attributes=("hue", "size", "place"),
    first=np.array([[0.1, 0.6, 0.0], [0.2, 0.0, 0.0]]),
    total=np.array([[0.3, 0.7, 0.9], [0.2, 0.19, 0.0]]),
    rank=np.full((2, 3), np.nan),
)


class Reads(Lamps):
    """Lamps whose encoder reads them off exactly, and then changes the codes."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(toys.identity)
        self.change = change

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self.change(super().encode(images))


def code(place: int, bound: float | None = None, perceptual: float = 0.0) -> Discovered:
    own = Moved("hue", 0.5, 0.5)
    return Discovered(place, Code(f"code {place}", "continuous", (place,)), True, own, (), perceptual, 0.0, bound)


def places(codes: list[Discovered]) -> list[int]:
    return [it.place for it in ranked(codes)]


def test_codes_that_are_read_back_best_come_first():
    assert places([code(0, 0.1, 0.9), code(1, 1.5, 0.1), code(2, 0.7, 0.5)]) == [1, 2, 0]


def test_without_an_encoder_codes_that_change_images_most_come_first():
    assert places([code(0, None, 0.1), code(1, None, 0.9), code(2, None, 0.5)]) == [1, 2, 0]


def test_equal_codes_keep_their_order():
    assert places([code(0, 0.0), code(1, 0.0), code(2, 0.0, 0.1)]) == [2, 0, 1]


def test_a_code_is_named_after_the_attribute_that_it_moves_most_by_itself():
    own, others = moved(EFFECTS, 0)
    assert own == Moved("size", 0.6, 0.7)
    assert others == (Moved("place", 0.0, 0.9), Moved("hue", 0.1, 0.3))


def test_a_further_attribute_counts_from_a_fifth_of_its_variance():
    assert moved(EFFECTS, 1) == (Moved("hue", 0.2, 0.2), ())


def test_of_attributes_without_an_effect_alone_the_one_with_interactions_is_first():
    alone = replace(EFFECTS, first=np.zeros((2, 3)))
    assert moved(alone, 0)[0] == Moved("place", 0.0, 0.9)


def test_every_attribute_has_its_best_code_and_half_of_its_variance_counts_as_discovered():
    found = found_attributes(EFFECTS)
    assert [(it.attribute, it.code, it.share) for it in found] == [("size", 0, 0.6), ("hue", 1, 0.2), ("place", 0, 0.0)]
    assert [it.discovered for it in found] == [True, False, False]


def test_the_factors_themselves_are_discovered_each_by_its_own_code(evaluate):
    found = discover(evaluate(Lamps(toys.identity)))
    assert {it.code.name: it.own.attribute for it in found.codes} == {f"code {k}": f"lamp {k}" for k in range(3)}
    assert all(it.live and it.own.first > 0.9 and not it.others for it in found.codes)
    assert {it.attribute: it.code for it in found.attributes} == {f"lamp {k}": k for k in range(3)}
    assert all(it.discovered for it in found.attributes)
    assert (found.model_codes, found.oracle, found.no_bound) == (3, "factors", "")


def test_a_code_that_moves_two_attributes_names_both_and_a_dead_one_comes_last(evaluate):
    found = discover(evaluate(Lamps(toys.entangled)))
    both = next(it for it in found.codes if it.place == 0)
    assert {both.own.attribute, *(it.attribute for it in both.others)} == {"lamp 0", "lamp 1"}
    assert (found.codes[-1].place, found.codes[-1].live) == (1, False)


def test_a_watermark_is_noticeable_without_a_name(evaluate):
    first, *others = discover(evaluate(Lamps(toys.watermark))).codes
    assert (first.place, first.live) == (0, False)
    assert first.perceptual > 0.2 > max(it.perceptual for it in others)


def test_an_attribute_that_could_not_be_measured_is_dropped_with_its_reason(evaluate):
    found = discover(evaluate(Lamps(lambda codes, rng: toys.pad(codes[:, :2]))))
    assert found.dropped == {"lamp 2": "varies 0.0% as much as over real images"}
    assert [it.attribute for it in found.attributes if it.attribute == "lamp 2"] == []


def test_nothing_is_discovered_if_no_attribute_varies(evaluate):
    with pytest.raises(NotMeasured, match="no attribute varies"):
        discover(evaluate(Lamps(lambda codes, rng: torch.zeros(len(codes), 4))))


def test_an_exact_encoder_reads_every_code_back(evaluate):
    """But for the 255 levels of an image: -1/2 ln(1 - r^2) with an unexplained share of 1/255^2."""
    bounds, reason = bounds_of(evaluate(Reads(lambda codes: codes)))
    assert bounds == pytest.approx([np.log(255)] * 3, abs=0.1)
    assert reason == ""


def test_a_nuisance_as_large_as_the_code_leaves_half_of_the_variance(evaluate):
    assert bounds_of(evaluate(Lamps(toys.noisy)))[0] == pytest.approx([np.log(2) / 2] * 3, abs=0.06)


def test_a_blind_encoder_has_no_information(evaluate):
    assert bounds_of(evaluate(Reads(torch.zeros_like)))[0] == [0, 0, 0]


def test_an_encoder_with_permuted_columns_reads_other_codes(evaluate):
    bounds, _ = bounds_of(evaluate(Reads(lambda codes: codes[:, [1, 0, 2]])))
    assert bounds[:2] == pytest.approx([0, 0], abs=0.01)
    assert bounds[2] > 5


def test_a_code_that_the_image_does_not_show_has_no_information(evaluate):
    bounds, _ = bounds_of(evaluate(Lamps(toys.entangled)))
    assert bounds[0] > 5
    assert bounds[1] == pytest.approx(0, abs=0.01)


def test_without_an_encoder_there_is_no_bound(evaluate):
    assert bounds_of(evaluate(anchor=NoiseCodes(SPEC))) == ([None] * 10, "the method has no encoder")


def test_an_encoder_of_another_width_has_no_bound(evaluate):
    reason = "encode gives 3 columns, draw_codes 4"
    assert bounds_of(evaluate(Lamps(toys.identity, codes=4))) == ([None] * 4, reason)


def test_an_encoder_that_fails_is_a_reason_and_no_failure(evaluate):
    def fail(codes):
        raise RuntimeError("no eyes")

    assert bounds_of(evaluate(Reads(fail))) == ([None] * 3, "RuntimeError: no eyes")
