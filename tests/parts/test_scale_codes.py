"""Codes by scale: the grammar, priors, and what does not fit a generator."""

import string

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench import BenchError, Code
from bench.parts.scale_codes import ScaleCode, columns_by_scale, draw_codes, layout_of, parse_codes, values_of

MIXED = "4: 2, 8: 1 + circle, 16: 3-way"


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_setting_lists_the_codes_of_each_scale() -> None:
    assert layout_of(parse_codes(MIXED)) == (
        Code("4a", "continuous", (0,)),
        Code("4b", "continuous", (1,)),
        Code("8a", "continuous", (2,)),
        Code("8b", "circular", (3, 4)),
        Code("16a", "categorical", (5, 6, 7)),
    )


def test_spaces_do_not_matter() -> None:
    assert parse_codes("4:2,8:1+circle,16:3-way") == parse_codes(MIXED)


def test_codes_have_the_priors_of_their_kinds() -> None:
    codes = draw_codes(parse_codes(MIXED), 20_000, rng())
    assert codes[:, :3].abs().max() <= 1
    torch.testing.assert_close(codes[:, :3].var(0), torch.full((3,), 1 / 3), atol=0.01, rtol=0)
    torch.testing.assert_close(codes[:, 3:5].square().sum(1), torch.ones(20_000))
    torch.testing.assert_close(codes[:, 3:5].mean(0), torch.zeros(2), atol=0.02, rtol=0)
    assert set(codes[:, 5:].sum(1).tolist()) == {1.0}
    torch.testing.assert_close(codes[:, 5:].mean(0), torch.full((3,), 1 / 3), atol=0.02, rtol=0)


def test_codes_do_not_depend_on_each_other() -> None:
    found = torch.corrcoef(draw_codes(parse_codes("4: 3, 8: circle"), 20_000, rng()).T)
    assert (found - torch.eye(5)).abs().max() < 0.03


def test_the_columns_of_a_code_are_its_own() -> None:
    codes = parse_codes(MIXED)
    table = torch.arange(8.0).expand(2, 8)
    assert [values_of(table, code)[0].tolist() for code in codes] == [[0], [1], [2], [3, 4], [5, 6, 7]]


def test_each_scale_has_the_columns_of_its_codes() -> None:
    assert columns_by_scale(parse_codes(MIXED), [4, 8, 16, 32], 64) == [[0, 1], [2, 3, 4], [5, 6, 7], []]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'expected "SCALE: CODES" separated by commas'),
        ("4", "got '4'"),
        ("a: 2", "got 'a: 2'"),
        ("0: 2", "got '0: 2'"),
        ("4: 2,", "got ''"),
        ("4: 0", "expected a number from 1 to 999, circle or K-way, got '0'"),
        ("4: circles", "got 'circles'"),
        ("4: -1", "got '-1'"),
        ("4: 1-way", "expected at least 2 values of a categorical code, got '1-way'"),
        ("4: 1, 4: 2", "scale 4 is given twice"),
    ],
)
def test_anything_else_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="codes: ") as error:
        parse_codes(text)
    assert message in str(error.value)


def test_a_scale_that_the_images_lack_names_the_nearest() -> None:
    with pytest.raises(BenchError, match="expected scales among 4, 8, 16, 32, got 64; the nearest is 32"):
        columns_by_scale(parse_codes("64: 1"), [4, 8, 16, 32], 64)


def test_more_codes_than_a_mapping_is_wide_are_refused() -> None:
    with pytest.raises(BenchError, match="expected at most 8 columns at scale 4, as wide as its mapping, got 9"):
        columns_by_scale(parse_codes("4: 9"), [4], 8)


def codes_or_none(text: str) -> tuple[ScaleCode, ...] | None:
    """None if the text is refused with a sentence."""
    try:
        return parse_codes(text)
    except ValueError as error:
        return None if str(error).startswith("codes: ") else pytest.fail(f"expected a sentence, got {error}")


@given(st.text(alphabet=string.digits + ":,+- circlewayx", max_size=30))
def test_any_text_gives_codes_or_a_sentence(text: str) -> None:
    codes = codes_or_none(text)
    if codes is None:
        return
    columns = [column for code in codes for column in code.columns]
    assert columns == list(range(len(columns)))
    assert len({code.name for code in codes}) == len(codes)
    assert draw_codes(codes, 2, rng()).shape == (2, len(columns))
