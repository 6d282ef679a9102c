"""A metric whose anchors are out of order on a data set is not ranked there, and every form of the board says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.boards import board_text, read, to_markdown
from bench.boards.gate import misordered
from bench.boards.view import sections
from bench.pages.board_page import board_page
from bench.pages.gallery import Gallery
from bench.pages.short_table import Links
from bench.results.record import Record

Make = Callable[..., Record]
BOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.mark.parametrize(
    ("values", "better", "said"),
    [
        ({"real": [1.0], "mean": [9.0], "noise": [8.0]}, "lower", ""),
        ({"real": [1.0], "mean": [9.0], "noise": [0.5]}, "lower", "noise 0.5000, real 1"),
        ({"real": [0.8], "mean": [1.0], "noise": [0.1]}, "higher", "mean 1, real 0.8000"),
        ({"real": [0.8], "mean": [0.8], "noise": [0.8]}, "higher", ""),  # nothing is out of order if all are equal
        ({"real": [1.0, 2.0, 3.0], "noise": [0.9, 2.0, 3.0]}, "lower", ""),  # nor within the error of few seeds
        ({"real": [1.0], "noise": [float("inf")]}, "higher", ""),
        ({"real": [1.0], "mean": [0.0]}, None, ""),  # without a direction there is no order
        ({"mean": [0.0]}, "lower", ""),
        ({"real": [1.0], "blur": [3.0], "slight-noise": [1.2], "mean": [9.0]}, "lower", ""),
        ({"real": [1.0], "blur": [9.5], "mean": [9.0]}, "lower", "mean 9, blur 9.500"),
        ({"real": [0.8], "blur": [0.9], "noise": [0.0]}, "higher", "blur 0.9000, real 0.8000"),
        ({"real": [0.8], "blur": [0.83], "noise": [0.0]}, "higher", ""),  # damage that the metric does not see
        (
            {"real": [1.0], "mean": [9.0], "noise": [0.9]},
            "lower",
            "noise 0.9000, real 1",
        ),  # however little: it is useless
        ({"real": [0.8], "blur": [0.9]}, "higher", ""),  # nor is there a scale without a useless anchor
        ({}, "lower", ""),
    ],
)
def test_anchors_are_out_of_order_if_a_worse_one_scores_better(
    values: dict[str, list[float]], better: str | None, said: str
) -> None:
    assert misordered(values, better) == said


def rows(make: Make, noise: float) -> list[Record]:
    """Two methods on two metrics: a is better in the first, b in the second, whose anchors depend on `noise`."""
    scores = {
        "a": (1.0, 0.2), "b": (2.0, 0.6), "real": (0.1, 0.9), "mean": (9.0, 0.1), "noise": (8.0, noise),
    }  # fmt: skip
    metrics = ("fd-lite0", "precision-lite0")
    return [
        make(entry=entry, metric=metric, value=value + seed * 1e-6, seed=seed)
        for entry, values in scores.items()
        for metric, value in zip(metrics, values, strict=True)
        for seed in range(2)
    ]


def test_such_a_metric_does_not_count_for_the_ranks(make: Make) -> None:
    [fine], [broken] = sections(rows(make, 0.1)), sections(rows(make, 0.95))
    assert {line.entry: rank.mean for line, rank in fine.ranks.items()} == {"a": 1.5, "b": 1.5}
    assert {line.entry: rank.mean for line, rank in broken.ranks.items()} == {"a": 1.0, "b": 2.0}
    assert [column.metric for column in broken.ranked] == ["fd-lite0"]


def test_every_form_of_the_board_says_which_and_why(make: Make, tmp_path: Path) -> None:
    said = "precision-lite0 (noise 0.9500, real 0.9000)"
    for noise, expected in ((0.95, True), (0.1, False)):
        records = rows(make, noise)
        page = board_page(records, "sprites", Gallery(tmp_path, "sprites"), Links({}, {}))
        assert (said in board_text(records, everything=True)) == expected
        assert (said in to_markdown(records, "sprites").replace("\\", "")) == expected
        assert (said in page, 'class="unranked"' in page) == (expected, expected)


def test_on_cifar10_jpeg_the_mean_image_is_more_precise_than_real_ones() -> None:
    [section] = sections(read(BOARDS / "cifar10-jpeg.csv"))
    assert [column.metric for column in section.misordered if column.info.ranked] == ["precision-lite0"]
