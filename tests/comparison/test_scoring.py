"""Scores of external images: those of the plain functions, whatever the source; reasons; the command."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import bench
from bench import BenchError
from bench.comparison import evaluate
from bench.data import load
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.spaces import load_space

QUICK = ("fd-lite0", "kid-lite0", "precision-lite0", "recall-lite0")


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    """120 and 160 sprites, uint8 (n, h, w, c)."""
    train = load("sprites:simple").train.images.permute(0, 2, 3, 1).numpy()
    return train[:120], train[500:660]


@pytest.fixture(scope="module")
def scored(images):
    return bench.evaluate(*images, metrics=QUICK)


def test_a_frechet_distance_is_that_of_the_features(images, scored):
    space = load_space("lite0")
    features = [space(np.ascontiguousarray(it.transpose(0, 3, 1, 2))) for it in images]
    assert scored["fd-lite0"] == pytest.approx(frechet_from_features(*features), rel=1e-6)


def test_images_against_themselves_have_no_distance(images):
    found = bench.evaluate(images[0], images[0], metrics=QUICK)
    assert found["fd-lite0"] == pytest.approx(0, abs=1e-3)
    assert found["precision-lite0"] == found["recall-lite0"] == 1


def test_the_order_of_images_does_not_matter(images, scored):
    again = bench.evaluate(images[0][::-1], images[1][::-1], metrics=("fd-lite0", "precision-lite0"))
    assert again["fd-lite0"] == pytest.approx(scored["fd-lite0"], rel=1e-4)
    assert again["precision-lite0"] == pytest.approx(scored["precision-lite0"], abs=0.02)


def test_only_n_samples_are_scored_and_the_same_ones_each_time(images):
    first, second = (bench.evaluate(*images, metrics=("fd-lite0",), n=50) for _ in range(2))
    assert first["fd-lite0"] == second["fd-lite0"]
    assert first.scores[0].n == 50
    assert "50 images" in first.samples


def test_a_data_set_gives_the_floor_of_each_metric():
    digits = load("digits").train.images[:120]
    found = bench.evaluate(digits, dataset="digits", metrics=("fd-lite0", "nearest-training-ratio"))
    distance, ratio = found.scores
    assert distance.floor is not None
    assert 0 < distance.value < 2 * distance.floor
    assert ratio.value < 0.05  # these are training images
    assert ratio.floor == pytest.approx(1, abs=0.1)
    assert "real" in found.table().splitlines()[2]


def test_without_a_data_set_a_metric_that_needs_unseen_images_has_a_reason(images):
    found = bench.evaluate(*images, metrics=("fd-lite0", "nearest-training-ratio"))
    assert found.scores[1].value is None
    assert "not measured: nearest-training-ratio (it needs as many unseen real images as samples)" in found.table()
    with pytest.raises(KeyError, match="nearest-training-ratio was not measured; measured: fd-lite0"):
        found["nearest-training-ratio"]


def test_a_protocol_states_the_numbers_of_images(scored):
    assert scored.scores[0].protocol == "fd@lite0:n=120,ref=160:v1"


def test_all_metrics_that_need_images_alone_are_measured_by_default(images):
    names = {score.metric.split("/")[0] for score in bench.evaluate(images[0][:20], images[1][:20]).scores}
    assert {"fd-lite0", "fid", "clean-fid", "inception-score", "coverage-lite0", "nearest-training-ratio"} <= names
    assert not any("judge" in name for name in names)


def test_a_result_is_a_frame_json_and_a_table_in_a_notebook(scored):
    frame = scored.frame
    assert frame.set_index("metric").loc["fd-lite0", "value"] == scored["fd-lite0"]
    assert [row["metric"] for row in json.loads(scored.to_json())["scores"]] == frame["metric"].tolist()
    assert scored._repr_html_().count("<tr>") == 1 + len(QUICK)


def test_the_prompt_shows_the_table(scored, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    assert repr(scored) == scored.table(90)


def test_progress_names_each_metric(images):
    told = []
    evaluate(*images, metrics=QUICK[:2], progress=lambda *step: told.append(step))
    assert told == [("fd-lite0", 0, 2), ("kid-lite0", 1, 2), ("", 2, 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected either reference images or a data set"),
        ({"dataset": "sprites:simple", "reference": torch.zeros(2, 1, 8, 8, dtype=torch.uint8)}, "expected either"),
        ({"dataset": "spritez"}, "did you mean 'sprites'"),
        ({"dataset": "sprites:simple", "metrics": ["fd-lit0"]}, "unknown metric 'fd-lit0': did you mean 'fd-lite0'"),
        ({"dataset": "sprites:simple", "metrics": ["acs"]}, "acs needs more than images: choose among fd-lite0"),
        ({"dataset": "sprites:simple", "n": 500}, "n: expected from 1 to 120 images, got 500"),
        ({"dataset": "sprites:simple", "n": 1}, "expected at least 2 images in the samples, got 1"),
        ({"dataset": "sprites:simple", "device": "cuda:99"}, "device 'cuda:99' not found"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(images, options, message):
    with pytest.raises(BenchError, match=message):
        bench.evaluate(images[0], **options)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "evaluate", *arguments], capture_output=True, text=True, timeout=300
    )


def test_the_command_prints_a_table_or_json(images, scored, tmp_path):
    for name, array in zip("ab", images, strict=True):
        np.savez(tmp_path / f"{name}.npz", array)
    paths = [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]
    shown = command(*paths, "--metrics", "fd-lite0, precision-lite0")
    assert shown.returncode == 0, shown.stderr
    assert "a.npz (120 images) against" in shown.stdout
    assert "fd-lite0 ↓" in shown.stdout
    rows = json.loads(command(*paths, "--metrics", "fd-lite0", "--json").stdout)["scores"]
    assert rows[0]["value"] == pytest.approx(scored["fd-lite0"], rel=1e-5)


def test_the_command_ends_with_one_sentence_for_bad_input(tmp_path):
    shown = command(str(tmp_path / "nothing"), str(tmp_path / "nothing"))
    assert shown.returncode == 2
    assert shown.stderr.count("\n") == 1
    assert "no such folder or zip file" in shown.stderr
