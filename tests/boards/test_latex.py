"""A board as LaTeX: tables that compile whatever a row says, with the best value of each column in bold."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.boards.latex import escaped, to_latex

pytestmark = pytest.mark.usefixtures("table")


def body(text: str) -> list[str]:
    """The rows of a table."""
    return [line for line in text.splitlines() if line.endswith(r"\\")]


def test_the_best_method_of_a_column_is_bold_and_anchors_never_are(make):
    records = [make(entry="a", value=2.0), make(entry="b", value=1.0), make(entry="real", value=1.0)]
    records += [make(entry=entry, metric="class-agreement", value=value) for entry, value in (("a", 0.9), ("b", 0.8))]
    head, *rows = body(to_latex(records))
    assert head == r"method & fd-lite0 $\downarrow$ & class-agreement $\uparrow$ \\"
    assert rows == [
        r"a & 2 & \textbf{0.9000} \\",
        r"b & \textbf{1} & 0.8000 \\",
        r"\textit{real} & 1 & -- \\",
    ]


def test_deviations_and_thousands_are_set_as_mathematics(make):
    records = [
        make(entry=entry, seed=seed, value=value + seed)
        for entry, value in (("a", 1234.0), ("b", 99.0))
        for seed in (0, 1)
    ]
    assert r"1{,}234.5 $\pm$ 0.7" in to_latex(records)


def test_a_failure_is_a_number_and_a_comment_with_its_reason(make):
    records = [make(entry="a"), make(entry="b"), make(entry="b", seed=1, status="failed", reason="out of memory 100%")]
    text = to_latex(records)
    assert "failed [1]" in text
    assert text.splitlines()[-1] == "% [1] b, seed 1: out of memory 100%"


def test_every_section_has_its_table(make):
    text = to_latex([make(budget="quick"), make(budget="smoke")])
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule") == 2


@given(st.text())
@example("≈≠†")
def test_no_text_can_leave_its_cell(text):
    written = escaped(text)
    assert "\n" not in written
    bare = re.sub(r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater)\{\}|\\[{}$&#_%]", "", written)
    bare = re.sub(r"\$\\(downarrow|uparrow|pm|infty|approx|cdot|dagger|neq)\$", "", bare)
    assert not set(bare) & set("\\{}$&#_%~^")
