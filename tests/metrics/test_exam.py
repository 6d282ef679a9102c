"""The exam: counts are checked, everything is computed once, and the models are left as they were."""

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import Exam
from bench.metrics.exact import exactly


def test_more_samples_than_test_images_is_an_error_with_both_counts(make_exam, dataset):
    with pytest.raises(BenchError, match="wants n=91 images, but this split of stripes has 90: set n to at most 90"):
        make_exam(n=91, samples=dataset.train[:91])


def test_more_reference_than_training_images_is_an_error_with_both_counts(make_exam):
    with pytest.raises(BenchError, match="wants reference=301 images, but this split of stripes has 300"):
        make_exam(reference=301)


def test_a_wrong_number_of_samples_is_an_error(make_exam, dataset):
    with pytest.raises(BenchError, match="wants n=60 samples, got 59"):
        make_exam(samples=dataset.test[:59])


def test_asking_for_samples_that_were_not_drawn_is_an_error(make_exam):
    with pytest.raises(BenchError, match="no samples were drawn"):
        make_exam(samples=None).features("judge")


def test_real_images_are_the_same_in_every_exam(make_exam):
    first, second = make_exam(seed=0), make_exam(seed=1)
    assert torch.equal(first.real.images, second.real.images)
    assert torch.equal(first.test.images, second.test.images)
    assert first.real_digest == second.real_digest
    assert first.real.labels.bincount().tolist() == [50, 50, 50]


class Counting:
    """Wraps a method and counts how many images it saw."""

    def __init__(self, method) -> None:
        self.method, self.images = method, 0

    def __call__(self, images):
        self.images += len(images)
        return self.method(images)


def test_features_and_logits_are_computed_once(make_exam, toys):
    exam = make_exam(model=toys.Painter())
    exam.space("judge").dim  # noqa: B018  asks the judge for two blank images
    for part in (exam.judge, exam.model.own):
        part.logits = Counting(part.logits)
    exam.judge.features = Counting(exam.judge.features)
    for _ in range(3):
        exam.features("judge"), exam.sample_logits, exam.own_test_logits, exam.reconstructions
    assert exam.judge.features.images == 60 + 60  # once for features, once within logits
    assert exam.judge.logits.images == 60
    assert exam.model.own.logits.images == 60


def test_real_features_are_kept_on_disk_by_content(make_exam, tmp_path, dataset):
    first = make_exam(cache=tmp_path).real_features("judge")
    exam = make_exam(cache=tmp_path)
    exam.judge.features = None  # would fail if asked
    exam.space("judge").dim = 6
    assert np.array_equal(exam.real_features("judge"), first)
    other = make_exam(cache=tmp_path, judge_digest="another")
    other.judge.features = Counting(other.judge.features)
    other.real_features("judge")
    assert other.judge.features.images > 0


def test_models_are_examined_in_eval_mode(make_exam, toys):
    model, judge, guide = toys.Painter(), toys.Thirds(), toys.Thirds()
    for part in (model, judge, guide):
        part.train()
    make_exam(model=model, judge=judge, guide=guide)
    assert [part.training for part in (model, judge, guide)] == [False] * 3


@pytest.mark.parametrize(
    ("logits", "complaint"),
    [
        (lambda images: torch.zeros(len(images), 4), r"logits: got shape \(60, 4\), wanted \(60, 3\)"),
        (lambda images: torch.full((len(images), 3), torch.nan), "logits: got values that are not finite"),
    ],
)
def test_logits_that_are_none_are_refused(make_exam, toys, logits, complaint):
    model = toys.Painter()
    model.own.logits = logits
    with pytest.raises(BenchError, match=complaint):
        make_exam(model=model).own_test_logits  # noqa: B018


def test_reconstructing_by_gradients_is_possible(make_exam, toys):
    class ByGradient(toys.Painter):
        def reconstruct(self, images):
            x = torch.full_like(images, 0.5).requires_grad_()
            (grad,) = torch.autograd.grad((x - images).square().sum() / 2, x)
            return (x - grad).detach().clamp(0, 1)

    exam = make_exam(model=ByGradient())
    assert torch.equal(exam.reconstructions, exam.test.images)


def test_exact_computing_gives_the_settings_back_also_after_an_error():
    before = torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision

    def look_and_fail():
        with exactly(torch.device("cpu")):
            assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == "ieee"
            assert not torch.is_grad_enabled()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look_and_fail()
    assert (torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision) == before
    assert torch.is_grad_enabled()


def test_an_exam_needs_no_model(make_exam):
    assert isinstance(make_exam(model=None), Exam)
