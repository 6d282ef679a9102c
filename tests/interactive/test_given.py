"""External images as a row of a board."""

from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.cli import main
from bench.comparison.labels import read_labels
from bench.data import load
from bench.evaluation.anchors import real

N = 100  # at smoke
DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def held_out() -> bench.Data:
    """The images of the anchor `real`."""
    return real(load("digits"), N, 0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("given")
    return {"runs": folder / "runs", "leaderboards": folder / "boards"}


@pytest.fixture(scope="module")
def board(held_out: bench.Data, place: dict[str, Path]) -> bench.Board:
    images = held_out.images.flip(0).numpy()
    labels = [str(label) for label in held_out.labels.flip(0).tolist()]
    return bench.add_to_board("mine", images, "digits", labels=labels, budget="smoke", progress=False, **place)


def scores(board: bench.Board, entry: str) -> dict[str, float]:
    return {r.metric: r.value for r in board.records if r.entry == entry and r.value is not None}


def test_the_images_of_an_anchor_score_what_the_anchor_scores(board: bench.Board) -> None:
    mine, anchor = scores(board, "mine"), scores(board, "real")
    images_alone = {name for name in anchor if "acs" not in name and "mig" not in name} & mine.keys()
    assert {"fd-lite0", "fd-judge", "class-agreement", "recall-lite0"} <= images_alone
    assert mine["class-agreement"] == anchor["class-agreement"]
    assert mine["fd-lite0"] == pytest.approx(anchor["fd-lite0"], rel=1e-4)  # summed in another order


def test_the_board_says_that_they_were_not_trained_here(board: bench.Board, place: dict[str, Path]) -> None:
    said = "external images; no model was trained here"
    assert said in board.table()
    assert said in board._repr_html_()
    assert said in (place["leaderboards"] / "digits.md").read_text(encoding="utf-8")
    assert {record.plugin for record in board.records if record.entry == "mine"} == {"given-images"}
    assert "not trained" in next(r.reason for r in board.records if (r.entry, r.metric) == ("mine", "train-seconds"))


def test_the_same_images_in_a_file_are_the_same_row(
    board: bench.Board, held_out: bench.Data, place: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "mine.npy", held_out.images.flip(0).numpy())
    (tmp_path / "labels.txt").write_text("".join(f"{label}\n" for label in held_out.labels.flip(0).tolist()))
    code = main([
        "evaluate", str(tmp_path / "mine.npy"), "--dataset", "digits", "--name", "mine", "--budget", "smoke",
        "--labels", str(tmp_path / "labels.txt"), "--runs", str(place["runs"]),
        "--leaderboards", str(place["leaderboards"]),
    ])  # fmt: skip
    assert code == 0
    shown = capsys.readouterr()
    assert "nothing to do" in shown.err
    assert "mine [images=" in shown.out


@pytest.mark.parametrize(
    ("name", "images", "labels", "sentence"),
    [
        ("gmm", (N, 32, 32), None, "'gmm' is an installed method"),
        ("real", (N, 32, 32), None, "'real' is an installed method or an anchor"),
        (" ", (N, 32, 32), None, "expected a name of your own"),
        ("mine", (N - 1, 32, 32), None, "the budget smoke scores 100 images, got 99"),
        ("mine", (N, 28, 28), None, "expected images of one size, got 28 pixels in the samples and 32 in digits"),
        ("mine", (N, 32, 32, 3), None, "expected gray images like those of digits, got colour"),
        ("mine", (N, 32, 32), [0] * 99, "labels: expected one for each of 100 images, got 99"),
        ("mine", (N, 32, 32), ["ten"] * N, "labels: unknown class 'ten'"),
    ],
)
def test_images_that_cannot_be_a_row_are_refused_in_a_sentence(
    name: str, images: tuple[int, ...], labels: list[str] | None, sentence: str, tmp_path: Path
) -> None:
    folders = {"runs": tmp_path / "runs", "leaderboards": tmp_path / "boards"}
    pixels = np.zeros(images, np.uint8)
    with pytest.raises(bench.BenchError, match=sentence):
        bench.add_to_board(name, pixels, "digits", labels=labels, budget="smoke", progress=False, **folders)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--labels", "x.txt", "--dataset", "digits"], "--labels: expected --name NAME with it"),
        (["--name", "mine"], "--name: expected --dataset NAME"),
        (["--name", "mine", "--dataset", "digits", "--metrics", "fd-lite0"], "the board decides which metrics"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "samples.npz", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_labels_are_names_of_classes_or_their_numbers(tmp_path: Path) -> None:
    classes = ("cat", "dog")
    expected = [0, 1, 1]
    (tmp_path / "names.txt").write_text("cat\ndog\ndog\n")
    np.save(tmp_path / "numbers.npy", np.array(expected))
    sources = [
        expected,
        ["cat", "dog", "dog"],
        torch.tensor(expected),
        tmp_path / "names.txt",
        tmp_path / "numbers.npy",
    ]
    for source in sources:
        assert read_labels(source, classes, 3).tolist() == expected


def test_names_that_look_like_numbers_are_names() -> None:
    assert read_labels(["9", "1"], ("1", "9"), 2).tolist() == [1, 0]
