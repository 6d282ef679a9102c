"""Swaps, additions and edits of lamps: what changes, what is held fixed, and which files come of it."""

import logging
from pathlib import Path
from typing import Any

import lamp_generators as toys
import numpy as np
import pytest
import torch
from lamp_generators import SPEC, Lamps, pad

from bench.api import Code
from bench.errors import BenchError
from bench.evaluation.anchor_codes import NoiseCodes
from bench.evaluation.control_files import save_control
from bench.metrics import EvaluationContext
from bench.metrics.control.evaluation import control, draws, sweeper, sweeps
from bench.metrics.control.pictures import REACH, Additions, Edits, additions, edits, swaps

ALWAYS = {"control.csv", "control.png", "traversals.png", "discovery.csv", "discovery.html"}
LEVEL = 1 / 255  # of the quantizer


class Mixed(Lamps):
    """A one-hot code, a circular one, a continuous one, and a column that is not a code."""

    code_layout = (
        Code("which", "categorical", (0, 1)),
        Code("turn", "circular", (2, 3)),
        Code("level", "continuous", (4,)),
    )

    def __init__(self) -> None:
        super().__init__(lambda c, rng: pad(torch.stack([c[:, 0], 0.5 + 0.5 * c[:, 2], c[:, 4], c[:, 5]], dim=1)))

    def draw_codes(self, n: int, rng: torch.Generator) -> torch.Tensor:
        which = torch.eye(2)[torch.randint(2, (n,), generator=rng)]
        turn = 2 * torch.pi * torch.rand((n, 1), generator=rng)
        return torch.cat([which, turn.cos(), turn.sin(), torch.rand((n, 2), generator=rng)], dim=1)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        first, second, third, fourth = (images[:, 0, 8, block] for block in (0, 4, 8, 12))
        which, cosine = (first > 0.5).float(), 2 * second - 1
        return torch.stack([which, 1 - which, cosine, (1 - cosine.square()).sqrt(), third, fourth], dim=1)


class Wide(Lamps):
    """Encodes the first lamps, and zeros for codes without a lamp."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        lamps = super().encode(images)
        return torch.cat([lamps, torch.zeros(len(lamps), 64)], dim=1)[:, : self.codes]


def lamps_of(images: torch.Tensor) -> np.ndarray:
    """The brightness of the four lamps, (..., 4), of images (..., 1, 16, 16)."""
    return (images.double()[..., 0, 8, 2::4] / 255).numpy()


def swapped(context: EvaluationContext) -> np.ndarray:
    found = swaps(sweeper(context), draws(context))
    assert found is not None
    return lamps_of(found)


def added(context: EvaluationContext) -> Additions:
    return additions(sweeper(context), draws(context), sweeps(context), context.scale.values)


def edited(context: EvaluationContext, code: int = 0) -> Edits:
    return edits(sweeper(context), context.coder.encode, context.test, sweeps(context), code)


def test_a_column_of_swaps_shares_the_nuisance_and_a_row_the_codes(evaluate):
    """Each lamp is (code + nuisance) / 2, so that the difference of two rows is the same in all columns."""
    lamps = swapped(evaluate(Lamps(toys.noisy)))[..., :3]
    assert lamps.shape == (8, 8, 3)
    by_row, by_column = lamps - lamps[:1], lamps - lamps[:, :1]
    assert np.abs(by_row - by_row[:, :1]).max() < 2.1 * LEVEL
    assert np.abs(by_column - by_column[:1]).max() < 2.1 * LEVEL
    assert by_row[1:].std() > 0.1
    assert by_column[:, 1:].std() > 0.1


def test_without_a_nuisance_there_is_nothing_to_swap(evaluate):
    context = evaluate(Lamps(toys.identity))
    assert swaps(sweeper(context), draws(context)) is None


def test_columns_that_are_not_codes_are_swapped_with_the_nuisance(evaluate):
    lamps = swapped(evaluate(Mixed()))
    assert np.ptp(lamps[..., :3], axis=1).max() == 0  # the codes are the same along a row
    assert np.ptp(lamps[..., 3], axis=0).max() == 0  # the rest is the same down a column
    assert np.ptp(lamps[..., 3], axis=1).min() > 0.1


def test_values_are_added_to_those_of_the_context(evaluate):
    context = evaluate(Lamps(toys.identity))
    found, own, codes = added(context), sweeps(context).contexts[0].numpy(), draws(context).codes.numpy()
    assert found.deviations == pytest.approx([-2, -4 / 3, -2 / 3, 0, 2 / 3, 4 / 3, 2])
    for code, images in found.images.items():
        expected = np.tile(own, (7, 1))
        expected[:, code] += found.deviations * codes[:, code].std()
        expected[:, code] = expected[:, code].clip(codes[:, code].min(), codes[:, code].max())
        assert lamps_of(images)[:, :3] == pytest.approx(expected, abs=LEVEL)
    assert sorted(found.images) == [0, 1, 2]


def test_codes_that_have_room_are_moved_by_whole_deviations(evaluate):
    """Of normal codes: the lamp rises by the same amount at each step."""

    class Normal(Lamps):
        def draw_codes(self, n, rng):
            return torch.randn((n, 3), generator=rng)

    context = evaluate(Normal(lambda codes, rng: pad(0.5 + codes / 20)))
    own = sweeps(context).contexts[0]
    code = int(own.abs().argmin())  # it stays within the range of the draws
    lamp = lamps_of(added(context).images[code])[:, code]
    deviation = float(draws(context).codes[:, code].std(correction=0))
    assert np.diff(lamp) == pytest.approx(np.full(6, REACH / 3 * deviation / 20), abs=2 * LEVEL)


def test_the_nuisance_is_the_same_in_all_images_with_additions(evaluate):
    found = added(evaluate(Lamps(toys.noisy)))
    middle = np.stack([lamps_of(images)[3] for images in found.images.values()])
    assert np.ptp(middle, axis=0).max() == 0
    assert np.ptp(lamps_of(found.images[0])[:, 1:], axis=0).max() == 0
    assert np.ptp(lamps_of(found.images[0])[:, 0]) > 0.1


def test_nothing_is_added_to_codes_without_an_order(evaluate):
    context = evaluate(Mixed())
    places = [grid.code.name for grid in sweeps(context).grids]
    assert [places[place] for place in added(context).images] == ["level"]


def test_a_row_of_edits_starts_with_a_real_image_and_changes_one_code(evaluate):
    context = evaluate(Lamps(toys.identity))
    found = edited(context, code=1)
    assert found.images.shape == (8, 2 + 7, 1, 16, 16)
    assert torch.equal(found.images[:, 0], context.test.images[:8])
    lamps = lamps_of(found.images)[..., :3]
    assert lamps[:, 1] == pytest.approx(lamps[:, 0], abs=LEVEL)  # what `encode` reads is what `decode` paints
    assert np.ptp(lamps[:, 1:, [0, 2]], axis=1).max() == 0
    values = sweeps(context).grids[1].values
    assert lamps[:, 2:, 1] == pytest.approx(np.tile(values, (8, 1)), abs=LEVEL)


def test_the_nuisance_is_the_same_along_a_row_of_edits(evaluate):
    lamps = lamps_of(edited(evaluate(Lamps(toys.noisy))).images)
    assert np.ptp(lamps[:, 1:, 1:3], axis=1).max() == 0
    assert np.ptp(lamps[:, 1, 1:3] - lamps[:, 0, 1:3] / 2, axis=0).min() > 0.05  # and another one in each row


def test_a_one_hot_code_is_edited_to_each_of_its_values(evaluate):
    context = evaluate(Mixed())
    assert sweeps(context).grids[0].code.name == "which"
    found = edited(context)
    lamps = lamps_of(found.images)
    assert not found.ordered
    assert lamps[:, 2:, 0].tolist() == [[1, 0]] * 8
    assert lamps[:, 2:, 1:] == pytest.approx(np.tile(lamps[:, :1, 1:], (1, 2, 1)), abs=2 * LEVEL)


def test_an_encoder_of_other_codes_edits_nothing(evaluate):
    with pytest.raises(BenchError, match="encode: expected 4 columns, as draw_codes gives, got 3"):
        edited(evaluate(Lamps(toys.identity, codes=4)))


def test_the_same_seed_gives_the_same_images(evaluate):
    first, second, other = (evaluate(Lamps(toys.noisy), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(swapped(first), swapped(second))
    assert torch.equal(edited(first).images, edited(second).images)
    assert not np.array_equal(swapped(first), swapped(other))


def files(folder: Path, context: EvaluationContext) -> set[str]:
    """What is written once the effects are known."""
    control(context)
    save_control(folder, context, "lamps seed 0")
    return {path.name for path in folder.iterdir()}


class Blind(Lamps):
    """Cannot encode."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no eyes")


CASES: dict[str, tuple[Any, set[str]]] = {
    "without a nuisance": (Lamps(toys.identity), {"traversals-add.png", "edits.png"}),
    "with a nuisance": (Lamps(toys.noisy), {"traversals-add.png", "swaps.png", "edits.png"}),
    "one code": (Wide(lambda codes, rng: pad(codes), codes=1), {"traversals-add.png", "edits.png"}),
    "64 codes": (Wide(toys.identity, codes=64), {"traversals-add.png", "edits.png"}),
    "other kinds of codes": (Mixed(), {"traversals-add.png", "swaps.png", "edits.png"}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_picture_is_written_if_it_applies(evaluate, tmp_path, case):
    model, expected = CASES[case]
    assert files(tmp_path, evaluate(model)) == ALWAYS | expected


def test_the_codes_of_noise_do_nothing_and_have_no_pictures(evaluate, tmp_path):
    assert files(tmp_path, evaluate(anchor=NoiseCodes(SPEC))) == set()


def test_a_picture_that_fails_takes_no_other_with_it(evaluate, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "bench"):
        assert files(tmp_path, evaluate(Blind(toys.identity))) == ALWAYS | {"traversals-add.png"}
    assert caplog.messages == ["edits.png was not drawn: RuntimeError: no eyes"]


def test_the_page_names_the_method_and_why_a_code_cannot_be_read_back(evaluate, tmp_path):
    files(tmp_path, evaluate(Blind(toys.identity)))
    page = (tmp_path / "discovery.html").read_text(encoding="utf-8")
    assert "lamps seed 0 on lamps" in page
    assert "Not measured here: RuntimeError: no eyes." in page


def test_a_page_that_fails_takes_no_picture_with_it(evaluate, tmp_path, caplog, monkeypatch):
    def fail(*_):
        raise RuntimeError("no paper")

    monkeypatch.setattr("bench.evaluation.control_files.discovery_page", fail)
    with caplog.at_level(logging.WARNING, "bench"):
        found = files(tmp_path, evaluate(Lamps(toys.identity)))
    assert found == ALWAYS - {"discovery.csv", "discovery.html"} | {"traversals-add.png", "edits.png"}
    assert caplog.messages == ["discovery.html was not drawn: RuntimeError: no paper"]


def test_drawing_changes_no_effect_that_is_measured_later(evaluate, tmp_path):
    model = Lamps(toys.noisy)
    before = evaluate(model)
    files(tmp_path, before)
    assert np.array_equal(control(before).effects.first, control(evaluate(model)).effects.first)


def test_nothing_is_written_if_the_effects_were_not_measured(evaluate, tmp_path):
    save_control(tmp_path, evaluate(Lamps(toys.identity)), "lamps seed 0")
    assert not list(tmp_path.iterdir())
