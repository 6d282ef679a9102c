"""A folder without classes: what needs none is trained and measured, the rest is left out with its reason."""

from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

SMOKE = "--dataset", "folder:photos", "--budget", "smoke"


@pytest.fixture(scope="module")
def photos(tmp_path_factory, bench_in):
    """`bench` in a folder with 300 images of digits that lie side by side."""
    bench = bench_in(tmp_path_factory.mktemp("plain"))
    (bench.folder / "photos").mkdir()
    for place, image in enumerate(load_digits().images[:300]):
        Image.fromarray((image * 15.9).astype("uint8")).resize((28, 28)).save(bench.folder / f"photos/{place:03d}.png")
    return bench


@pytest.fixture(scope="module")
def run(photos):
    return photos("run", "--plugins", "good,ae-mix", *SMOKE, "--json")


def test_methods_that_need_no_classes_are_trained_and_measured(run):
    assert run.code == 0, run.err
    for entry in ("good", "ae-mix", "real", "noise"):
        assert run.row(entry)["status"] == "ok"
        assert run.row(entry, "fd-lite0")["value"] > 0
    assert run.row("real", "fd-lite0")["value"] < run.row("good", "fd-lite0")["value"]


def test_there_is_neither_a_guide_nor_a_judge(run):
    assert {(row["guide"], row["judge"]) for row in run.json["records"]} == {("", "")}
    assert "there is no guide or judge, and metrics that need classes are not measured" in run.err


@pytest.mark.parametrize(
    "metric", ["fd-judge", "intra-fd-judge", "class-agreement", "diversity-ratio", "mixture-agreement", "anomaly-auroc"]
)
def test_metrics_that_need_classes_are_dashes_with_this_reason(run, metric):
    for entry in ("ae-mix", "real"):
        row = run.row(entry, metric)
        assert (row["status"], row["reason"]) == ("skipped", "the data set has no classes")


def test_the_board_says_that_nobody_judged(run, photos):
    shown = photos("leaderboard", "folder-photos")
    assert shown.code == 0, shown.err
    assert "no judge" in shown.out
    assert "no judge" in Path(photos.folder / "runs/leaderboards/folder-photos.md").read_text()


def test_a_second_run_computes_nothing(run, photos):
    again = photos("run", "--plugins", "good,ae-mix", *SMOKE, "--json")
    assert again.code == 0
    assert again.json["records"] == run.json["records"]
    assert "started" not in again.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--plugins", "good", "--judge", "resnet-m"), "--judge: folder-photos has no classes"),
        (("--plugins", "good", "--guide", "resnet-m"), "--guide: folder-photos has no classes"),
        (("--plugins", "good", "--labels-per-class", "5"), "--labels-per-class: expected a data set with classes"),
    ],
)
def test_a_request_for_classes_is_refused_before_any_computation(photos, arguments, says):
    answer = photos("run", *arguments, *SMOKE, "--dry-run")
    assert answer.code == 2
    assert says in answer.err
    assert answer.err.count("\n") == 1


def test_all_methods_are_those_that_need_no_classes(photos):
    answer = photos("run", "--plugins", "all", *SMOKE, "--dry-run", "--json")
    planned = {job["entry"] for job in answer.json["jobs"] if "skipped" not in job}
    assert {"vae", "ae-mix", "gan", "id-gan"} <= planned
    assert not {"regene", "stic", "gmm", "dr-vae"} & planned
    skipped = {job["entry"]: job["skipped"] for job in answer.json["jobs"] if "skipped" in job}
    assert {"regene", "stic", "gmm", "dr-vae"} <= skipped.keys()
    assert skipped["regene"] == "it needs classes, and folder-photos has none"
