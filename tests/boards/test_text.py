"""Nothing in a record may break a line, a table or a terminal; numbers show what their spread allows."""

import math
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards.text import markdown, number, spread
from bench.util.text import one_line, plain, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.95123, "0.9512"),
        (118.34, "118.3"),
        (4025.6, "4,026"),
        (100_000, "100,000"),
        (0.0, "0"),
        (-0.00001, "-1e-05"),
        (3.2e12, "3.2e+12"),
        (math.inf, "∞"),
        (math.nan, "nan"),
    ],
)
def test_a_number_has_four_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([118.0, 119.0, 120.0], "119.0 ± 1.0"),
        ([0.951, 0.957], "0.9540 ± 0.0042"),
        ([4000.0, 4200.0], "4,100 ± 141"),
        ([0.5, 0.5, 0.5], "0.5000 ± 0"),
        ([139.3625, 139.36251], "139.4 ± 0"),  # as float32 rounds
        ([1.0, 1.0 + 1e-5], "1.0000 ± 7e-06"),
        ([-1.0, 1.0], "0.0 ± 1.4"),
        ([7.25], "7.250"),
        ([math.inf, 1.0], "∞"),
        ([math.inf, -math.inf], "nan"),
    ],
)
def test_the_deviation_decides_how_much_of_the_mean_is_shown(values: list[float], text: str) -> None:
    assert spread(values) == text


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=4))
def test_every_list_of_numbers_can_be_shown(values: list[float]) -> None:
    assert spread(values)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=400))
def test_no_text_can_leave_its_line_or_reach_the_terminal(text: str) -> None:
    for safe in (shown(text), markdown(text)):
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in safe)
    assert len(shown(text)) <= 300


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="|<>`*_[]\\&@ax\n", max_size=60))
def test_no_text_can_mean_anything_in_markdown(text: str) -> None:
    safe = markdown(text)
    assert not set("<>@") & set(safe)
    bare = safe.replace("\\\\", "").replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&#64;", "")
    for mark in "|`*_[]":
        assert mark not in bare.replace(f"\\{mark}", "")


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=100))
def test_making_text_plain_twice_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert one_line(one_line(text)) == one_line(text)


def test_a_terminal_escape_is_written_out() -> None:
    assert shown("a\x1b[31mred\n\n  b") == "a\\x1b[31mred b"


def test_an_address_does_not_become_a_link() -> None:
    assert "://" not in markdown("see https://example.org")
    assert "www." not in markdown("see www.example.org")
