"""`--labels-per-class N`: a method sees N images of each class, the judge and the evaluation see all."""

from pathlib import Path

import pytest
import torch

from bench.boards import board_path
from bench.cli import parser
from bench.data.label_subset import few_labels
from bench.errors import BenchError
from bench.execution.plan import make_plan
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest
from bench.testing import tiny_dataset
from bench.testing.data import without_classes

REQUEST = RunRequest(plugins="regene", dataset=DatasetRef("digits"), seeds=(0,), budget="smoke", set=(),
            guide=ClassifierRef("resnet-xs"), judge=ClassifierRef("resnet-s"), device="cpu", jobs=1, threads=1)  # fmt: skip


def planned(dataset):
    plan = make_plan(RunRequest(**{**vars(REQUEST), "dataset": DatasetRef.parse(dataset)}))
    (job,) = (job for job in plan.jobs if job.entry == "regene")
    return plan, job


def test_the_subset_has_n_images_of_each_class():
    whole = tiny_dataset(train=97)
    cut = few_labels(whole, 20)
    assert cut.train.labels.bincount().tolist() == [20, 20, 20]
    assert cut.validation.labels.bincount().tolist() == whole.validation.labels.bincount().clamp(max=20).tolist()
    assert cut.spec.name == f"{whole.spec.name}@20"
    assert cut.train.spec == cut.validation.spec == cut.test.spec == cut.spec
    assert cut.test.images is whole.test.images
    assert few_labels(whole, None) is whole


def test_every_image_of_the_subset_is_a_training_image_with_its_label_and_factors():
    whole = tiny_dataset(train=97)
    cut = few_labels(whole, 20).train
    for image, label, factors in zip(cut.images, cut.labels, cut.factors, strict=True):
        (place,) = (whole.train.images == image).flatten(1).all(1).nonzero()
        assert whole.train.labels[place] == label
        assert torch.equal(whole.train.factors[place[0]], factors)


def test_the_choice_is_deterministic_and_contains_smaller_ones():
    whole = tiny_dataset(train=97)
    few, again, more = (few_labels(whole, n) for n in (5, 5, 20))
    assert torch.equal(few.train.images, again.train.images)
    assert few.digest == again.digest
    assert len({whole.digest, few.digest, more.digest}) == 3
    larger = {image.numpy().tobytes() for image in more.train.images}
    assert {image.numpy().tobytes() for image in few.train.images} <= larger


def test_images_without_classes_have_no_labels_to_choose_by():
    with pytest.raises(BenchError, match="expected a data set with classes, but tiny-3x32-plain has none"):
        few_labels(without_classes(tiny_dataset()), 5)


def test_a_class_with_too_few_images_is_named():
    with pytest.raises(BenchError, match=r"expected at least 33 training images of class 'square' in .*, got 32"):
        few_labels(tiny_dataset(train=97), 33)


def test_a_class_without_images_is_named():
    whole = tiny_dataset(train=30)
    keep = (whole.train.labels != 1).nonzero()[:, 0]
    lacking = type(whole)(whole.spec, whole.train[keep], whole.validation, whole.test, "digest")
    with pytest.raises(BenchError, match=r"training images of class 'square' in .*, got 0"):
        few_labels(lacking, 1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("digits@20", ("digits", 20)), ("digits", ("digits", None)), ("folder:/a@b", ("folder:/a@b", None)),
     ("digits@0", ("digits@0", None)), ("folder:/a@b@3", ("folder:/a@b", 3))],
)  # fmt: skip
def test_the_number_of_labels_stands_at_the_end_of_a_name(name, parts):
    ref = DatasetRef.parse(name)
    assert (str(DatasetRef(ref.base, ref.argument)), ref.labels) == parts
    assert str(ref) == name


def test_the_option_and_the_name_mean_the_same():
    from bench.cli.run import request_from

    def request(*arguments):
        return request_from(parser().parse_args(["run", "--plugins", "regene", "--budget", "smoke", *arguments]))

    asked = request("--dataset", "digits", "--labels-per-class", "20")
    assert asked == request("--dataset", "digits@20")
    assert asked.dataset == DatasetRef("digits", labels=20)
    with pytest.raises(BenchError, match="already names a number of labels"):
        request("--dataset", "digits@20", "--labels-per-class", "10")


def test_a_board_of_its_own_with_other_keys_and_the_same_judge(tmp_path):
    plan, whole = planned("digits")
    cut_plan, cut = planned("digits@20")
    assert (plan.board, cut_plan.board) == ("digits", "digits@20")
    assert board_path(tmp_path, cut.board).name == "digits@20.csv"
    assert cut.key != whole.key
    assert cut.data_digest != whole.data_digest
    assert cut.guide_key != whole.guide_key  # the guide has seen what the method sees
    assert cut.judge_key == whole.judge_key  # the judge scores: it has seen all
    assert (cut.samples, cut.reference) == (whole.samples, whole.reference)


def test_keys_of_whole_data_sets_are_those_of_before():
    """A new setting of the host that is not used leaves the results that there are alone."""
    _, job = planned("digits")
    assert "labels" not in " ".join(job.training)


def test_a_path_that_exists_as_written_is_never_cut(tmp_path: Path):
    for name in ("faces", "faces@12"):
        (tmp_path / name).mkdir()
    parse = lambda text: DatasetRef.parse(f"folder:{tmp_path}/{text}")  # noqa: E731
    assert (parse("faces@12").argument, parse("faces@12").labels) == (f"{tmp_path}/faces@12", None)
    assert (parse("faces@12@5").argument, parse("faces@12@5").labels) == (f"{tmp_path}/faces@12", 5)
    assert (parse("faces@7").argument, parse("faces@7").labels) == (f"{tmp_path}/faces", 7)


def test_a_missing_path_is_named_as_written():
    with pytest.raises(BenchError, match="no such folder or zip file: /nowhere/icons@64"):
        DatasetRef.parse("folder:/nowhere/icons@64").require_path()
