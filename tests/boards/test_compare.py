"""`bench compare`: differences of two methods, paired over seeds, with Student's interval."""

import json

import pytest
from scipy import stats

from bench.boards import merge
from bench.boards.compare import compare, interval
from bench.cli import main
from bench.errors import BenchError

pytestmark = pytest.mark.usefixtures("table")
VALUES = {"a": [1.0, 2.0, 4.0], "b": [2.0, 2.5, 6.0]}


def records(make, entries=("a", "b"), **fields):
    return [
        make(entry=entry, seed=seed, value=value, key=entry * 20 + "0000", **fields)
        for entry in entries
        for seed, value in enumerate(VALUES[entry])
    ]


def test_the_interval_is_that_of_a_paired_t_test(make):
    one = compare(records(make), "a", "b").differences[0]
    expected = stats.ttest_rel(VALUES["a"], VALUES["b"]).confidence_interval(0.95)
    assert one.difference == pytest.approx(-7 / 6)
    assert (one.low, one.high) == pytest.approx((expected.low, expected.high))
    assert (one.seeds, one.better) == ((0, 1, 2), "")  # it holds 0


def test_pairing_finds_what_the_spread_over_seeds_hides(make):
    """The seeds differ by far more than the methods, whose difference is the same for each seed."""
    far = [make(entry=entry, seed=seed, value=100.0 * seed + step + 0.01 * seed * step)
           for entry, step in (("a", 1.0), ("b", 2.0)) for seed in range(3)]  # fmt: skip
    one = compare(far, "a", "b").differences[0]
    assert one.better == "first"  # lower is better
    assert compare(far, "b", "a").differences[0].better == "second"


def test_higher_is_better_where_the_metric_says_so(make):
    rows = [make(entry=entry, seed=seed, metric="class-agreement", value=value + seed / 100)
            for entry, value in (("a", 0.5), ("b", 0.9)) for seed in range(3)]  # fmt: skip
    assert compare(rows, "a", "b").differences[0].better == "second"
    plain = [row for row in rows if row.seed < 2]
    plain = [make(entry=row.entry, seed=row.seed, metric="diversity-ratio", value=row.value) for row in plain]
    assert compare(plain, "a", "b").differences[0].better == ""  # it has no better side


def test_one_seed_has_no_interval(make):
    one = compare([make(entry="a"), make(entry="b")], "a", "b").differences[0]
    assert (one.low, one.high, one.better) == (None, None, "")
    assert interval([1.0]) is None
    assert interval([2.0, 2.0]) == (2.0, 2.0)


def test_only_seeds_that_both_have_count(make):
    rows = [*records(make), make(entry="a", seed=7, value=100.0)]
    assert compare(rows, "a", "b").differences[0].seeds == (0, 1, 2)
    with pytest.raises(BenchError, match="no training seed in common"):
        compare([make(entry="a", seed=0), make(entry="b", seed=1)], "a", "b")


def test_settings_and_keys_name_methods_and_trainings(make):
    rows = [*records(make), *records(make, ("b",), settings="n=5"), make(entry="a", metric="fit", key="f" * 24, seed=1)]
    assert compare(rows, "a", "b[n=5]").second == "b [n=5]"
    assert compare(rows, "ffffff", "b").differences[0].seeds == (1,)


def test_the_section_with_most_seeds_counts_and_then_the_largest_budget(make):
    rows = [
        *records(make, budget="quick"),
        *records(make, budget="medium"),
        make(entry="a", budget="standard"),
        make(entry="b", budget="standard"),
    ]
    assert "budget medium" in compare(rows, "a", "b").facts
    assert "budget standard" in compare(rows, "a", "b", "standard").facts


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("a", "bb", "no row of 'bb': did you mean 'b'?"),
        ("a", "a", "expected two different methods, got 'a' twice"),
        ("a", "c", "have no section in common"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(make, first, second, said):
    rows = [*records(make), make(entry="c", judge="other@33")]
    with pytest.raises(BenchError) as caught:
        compare(rows, first, second)
    assert said in str(caught.value)


def test_the_command_prints_a_table_json_and_a_page(make, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    merge(tmp_path / "leaderboards", records(make))
    assert main(["compare", "a", "b", "--dataset", "sprites", "--html", "page.html"]) == 0
    out = capsys.readouterr().out
    assert "-1.167" in out
    assert "page.html" in out
    assert "<h1>a and b on sprites</h1>" in (tmp_path / "page.html").read_text()
    assert main(["compare", "a", "b", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["differences"][0]["first"] == VALUES["a"]
    assert main(["compare", "a", "nobody"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
