"""Scores on the validation split: other images, another board, and nothing else."""

from dataclasses import replace

import pytest
import torch

from bench.cli.find_board import board_name
from bench.data import bench_datasets
from bench.data.exam import scored_on
from bench.execution.plan import make_plan
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest

REQUEST = RunRequest(plugins="gmm", dataset=DatasetRef("digits"), seeds=(0,), budget="smoke", set=(),
                     guide=ClassifierRef("resnet-xs"), judge=ClassifierRef("resnet-s"), device="cpu", jobs=1,
                     threads=1)  # fmt: skip
SMOKE = ("--plugins", "gmm", "--dataset", "digits", "--budget", "smoke", "--split", "validation")


def test_methods_are_scored_on_the_images_of_that_split() -> None:
    digits = bench_datasets()["digits"]().load()
    on_test, on_validation = scored_on(digits, "test"), scored_on(digits, "validation")
    assert on_test is digits
    assert torch.equal(on_validation.test.images, digits.validation.images)
    assert torch.equal(on_validation.train.images, digits.train.images)
    assert on_validation.digest == digits.digest  # so that published guides and judges are found


@pytest.mark.parametrize(("labels", "board"), [(None, "digits@validation"), (20, "digits@20@validation")])
def test_the_board_and_the_keys_are_others_and_guide_and_judge_are_the_same(labels: int | None, board: str) -> None:
    dataset = DatasetRef("digits", labels=labels)
    plans = [make_plan(replace(REQUEST, dataset=replace(dataset, split=split))) for split in ("test", "validation")]  # type: ignore[arg-type]
    assert plans[1].board == board
    assert plans[0].classifier_keys == plans[1].classifier_keys
    assert not {job.key for job in plans[0].jobs} & {job.key for job in plans[1].jobs}
    assert plans[1].jobs[0].test_size == len(bench_datasets()["digits"]().load().validation)


def test_a_key_of_the_test_split_does_not_depend_on_there_being_a_choice() -> None:
    [job, *_] = make_plan(REQUEST).jobs
    assert "split" not in job.training


def test_its_board_is_found_by_its_name(tmp_path) -> None:
    assert board_name([tmp_path], "sprites:simple@validation") == "sprites-simple@validation"


def test_a_run_writes_it_and_leaves_the_other_alone(bench) -> None:
    assert bench("run", *SMOKE).code == 0
    assert [path.name for path in (bench.folder / "runs/leaderboards").glob("*.csv")] == ["digits@validation.csv"]
    assert "digits@validation · budget smoke" in bench("leaderboard", "digits@validation").out
