"""What `bench run` promises: nothing done twice, nothing lost, the same numbers again."""

import json
import shutil
import signal
import time

import numpy as np
import pytest
from PIL import Image

from bench.evaluation.anchors import ANCHORS

QUICKLY = "--dataset", "digits", "--budget", "smoke", "--json"


@pytest.fixture(scope="module")
def first(tmp_path_factory, bench_in):
    """A finished run, its folder not to be changed."""
    bench = bench_in(tmp_path_factory.mktemp("first"))
    answer = bench("run", "--plugins", "good", *QUICKLY)
    assert answer.code == 0, answer.err
    return bench, answer


@pytest.fixture
def again(first, tmp_path, bench_in):
    """A copy of that folder, to be changed at will."""
    shutil.copytree(first[0].folder, tmp_path / "copy")
    return bench_in(tmp_path / "copy")


@pytest.fixture(scope="module")
def another(first, tmp_path_factory, bench_in):
    """A run of seed 13 in a copy of that folder."""
    folder = tmp_path_factory.mktemp("another") / "copy"
    shutil.copytree(first[0].folder, folder)
    return bench_in(folder)("run", "--plugins", "good", *QUICKLY, "--seeds", "13")


def numbers(answer) -> dict:
    """Every measured number that is not a cost."""
    costs = ("train-seconds", "images-per-second", "sample-seconds-per-1000", "peak-memory-mb")
    return {
        (row["entry"], row["seed"], row["metric"]): row["value"]
        for row in answer.json["records"]
        if row["metric"] not in costs
    }


def test_a_run_leaves_rows_for_the_method_and_every_anchor(first):
    assert {row["entry"] for row in first[1].json["records"]} == {"good", *ANCHORS}


def test_a_run_leaves_its_config_its_samples_and_its_curves(first):
    [folder] = (first[0].folder / "runs" / "digits" / "good").iterdir()
    assert json.loads((folder / "job.json").read_text())["job"]["config"] == {"level": 0.5}
    assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")
    assert list((folder / "tensorboard").glob("events.*"))
    assert not list(folder.rglob("*.ckpt"))
    assert not list(first[0].folder.rglob("*.tmp"))


def test_a_run_on_data_without_factors_has_no_probe_and_no_pictures_of_codes_that_do_nothing(first):
    bench, answer = first
    assert "probe" not in answer.err
    assert not (bench.folder / "runs" / "logs" / "probe.txt").exists()
    [folder] = (bench.folder / "runs" / "digits" / "noise").iterdir()
    assert not (folder / "control.png").exists()


def test_every_file_of_a_run_is_what_its_name_says(first):
    files = [path for path in first[0].folder.rglob("*.json") if path.is_file()]
    assert {path.parent.name for path in files} >= {"records", "manifests"}
    assert all(json.loads(path.read_text(encoding="utf-8")) for path in files)
    [samples] = first[0].folder.glob("runs/digits/good/*/samples-100.npz")
    assert np.load(samples)["images"].shape == (100, 1, 32, 32)


def test_a_second_run_does_nothing_and_says_the_same(again, first):
    answer = again("run", "--plugins", "good", *QUICKLY)
    assert answer.code == 0
    assert "nothing to do" in answer.err
    assert sorted(map(str, answer.json["records"])) == sorted(map(str, first[1].json["records"]))


def test_without_a_manifest_every_job_is_still_cached(again, first):
    shutil.rmtree(again.folder / "runs" / "manifests")
    answer = again("run", "--plugins", "good", *QUICKLY)
    assert set(answer.json["ends"].values()) == {"cached"}
    assert answer.json["records"] == first[1].json["records"]


def test_the_same_seed_gives_exactly_the_same_numbers(first, bench, tmp_path):
    answer = bench("run", "--plugins", "good", *QUICKLY, BENCH_CACHE=str(tmp_path / "cache"))  # anchors anew, too
    assert numbers(answer) == numbers(first[1])


def test_another_seed_gives_other_numbers(another, first):
    assert another.row("good", "fd-lite0")["value"] != first[1].row("good", "fd-lite0")["value"]


def test_no_anchor_row_fails_by_the_chance_of_a_seed(another):
    """Of 100 random digits of seed 13, one class has a single image."""
    assert another.code == 0, another.err
    assert {another.row(name, "diversity-ratio")["status"] for name in ("real", "replay")} == {"ok"}


def test_more_classes_than_half_the_samples_are_a_dash_with_its_reason(bench):
    """60 classes, 100 samples: no class metric can be measured, whatever the seed, and the run is a success."""
    for split, count in (("train", 8), ("test", 2)):
        for label in range(60):
            folder = bench.folder / "many" / split / f"{label:02}"
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("L", (8, 8), 4 * label + number).save(folder / f"{number}.png")
    answer = bench("run", "--plugins", "good", "--dataset", "folder:many", "--budget", "smoke", "--json")
    assert answer.code == 0, answer.err
    for metric in ("intra-fd-judge", "diversity-ratio"):
        row = answer.row("real", metric)
        assert row["status"] == "skipped"
        assert "class '40': expected at least 2 samples and 2 training images, got 1 of n=100 samples" in row["reason"]
    assert answer.row("real", "class-agreement")["status"] == "ok"


def test_a_changed_setting_trains_anew_beside_the_old_row(again):
    again("run", "--plugins", "good", *QUICKLY, "--set", "good.level=0.25")
    board = again("leaderboard", "digits", "--json").json
    assert {row["settings"] for row in board if row["entry"] == "good"} == {"", "level=0.25"}


@pytest.mark.parametrize("name", ["model.safetensors", "train.json", "records/coverage-lite0-*.json", "samples-*.npz"])
def test_a_corrupt_file_is_noticed_set_aside_and_redone(again, first, name):
    [path] = (again.folder / "runs" / "digits" / "good").glob(f"*/{name}")
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)
    for record in path.parent.glob("records/fd-judge-*.json"):
        record.unlink()  # so that the model and its samples are needed
    answer = again("run", "--plugins", "good", *QUICKLY)
    assert answer.code == 0, answer.err
    assert numbers(answer) == numbers(first[1])
    assert list(path.parent.glob("*.corrupt"))


def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(bench, first):
    process = bench.popen("run", "--plugins", "good", *QUICKLY)
    runs = bench.folder / "runs" / "digits"
    while not list(runs.glob("good/*/job.json")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = {path: path.stat().st_mtime_ns for path in runs.glob("*/*/records/*.json")}
    answer = bench("run", "--plugins", "good", *QUICKLY)
    assert answer.code == 0, answer.err
    assert numbers(answer) == numbers(first[1])
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in done.items())


def test_a_dry_run_lists_the_jobs_and_does_nothing(bench):
    answer = bench("run", "--plugins", "good,unimportable", *QUICKLY, "--dry-run", "--seeds", "0,1")
    jobs = answer.json["jobs"]
    assert [job["entry"] for job in jobs].count("good") == 2
    assert any("OSError" in job.get("broken", "") for job in jobs)
    assert not (bench.folder / "runs").exists()


def test_explain_tells_what_a_key_stands_for(again):
    again("run", "--plugins", "good", *QUICKLY, "--set", "good.level=0.25")
    row = next(row for row in again("leaderboard", "digits", "--json").json
               if row["settings"] and row["metric"] == "fd-lite0")  # fmt: skip
    found = again("explain", row["key"], "--json").json
    assert found["measurement"][0]["value"] == row["value"]
    assert found["of"]["differs"]["config"] == [{"level": 0.5}, {"level": 0.25}]
    assert "level" in again("explain", row["key"][:8]).out


def test_list_shows_plugins_entries_and_broken_ones(bench):
    found = bench("list", "--json").json
    assert {"name": "good", "distribution": "bench-hostile", "version": "1.2", "hooks": ["bench_generators"]} in found[
        "plugins"
    ]
    assert "OSError" in next(row for row in found["broken"] if row["plugin"] == "unimportable")["reason"]
    assert "SelfClassifying" in next(row for row in found["generators"] if row["name"] == "regene")["capabilities"]
    assert next(row for row in found["datasets"] if row["name"] == "sprites")["state"] == "ready"


def test_a_closed_pipe_is_no_error(bench):
    process = bench.popen("list")
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    assert "Traceback" not in process.stderr.read()
    process.wait(60)


def test_completion_knows_the_options_of_run(bench):
    assert "--strict-plugins" in bench("completion", "bash").out


def test_few_labels_have_a_board_of_their_own(bench):
    answer = bench("run", "--plugins", "good", "--labels-per-class", "20", *QUICKLY)
    assert answer.code == 0, answer.err
    assert {row["dataset"] for row in answer.json["records"]} == {"digits@20"}
    assert (bench.folder / "runs/leaderboards" / "digits@20.csv").exists()
    again = bench("run", "--plugins", "good", "--dataset", "digits@20", "--budget", "smoke", "--json")
    assert "nothing to do" in again.err
