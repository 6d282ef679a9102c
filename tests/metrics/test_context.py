"""The context: counts are checked, everything is computed once, and the models are left unchanged."""

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import EvaluationContext
from bench.metrics.precision import full_precision


def test_more_samples_than_test_images_is_an_error_with_both_counts(make_context, dataset):
    with pytest.raises(
        BenchError, match="expected at least n=91 images in this split of stripes, got 90; set n to at most 90"
    ):
        make_context(n=91, samples=dataset.train[:91])


def test_more_reference_than_training_images_is_an_error_with_both_counts(make_context):
    with pytest.raises(BenchError, match="expected at least reference=301 images in this split of stripes, got 300"):
        make_context(reference=301)


def test_a_wrong_number_of_samples_is_an_error(make_context, dataset):
    with pytest.raises(BenchError, match="expected n=60 samples, got 59"):
        make_context(samples=dataset.test[:59])


def test_using_samples_that_were_not_drawn_is_an_error(make_context):
    with pytest.raises(BenchError, match="the metric needs samples, but none were drawn"):
        make_context(samples=None).features("judge")


def test_real_images_are_the_same_for_every_model(make_context):
    first, second = make_context(seed=0), make_context(seed=1)
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


def test_features_and_logits_are_computed_once(make_context, toys):
    context = make_context(model=toys.Painter())
    context.space("judge").dim  # noqa: B018  asks the judge for two blank images
    for part in (context.judge, context.model.own):
        part.logits = Counting(part.logits)
    context.judge.features = Counting(context.judge.features)
    for _ in range(3):
        context.features("judge"), context.sample_logits, context.own_test_logits, context.reconstructions
    assert context.judge.features.images == 60 + 60  # once for features, once within logits
    assert context.judge.logits.images == 60
    assert context.model.own.logits.images == 60


def test_real_features_are_cached_on_disk_by_content(make_context, tmp_path, dataset):
    first = make_context(cache=tmp_path).real_features("judge")
    context = make_context(cache=tmp_path)
    context.judge.features = None  # would fail if asked
    context.space("judge").dim = 6
    assert np.array_equal(context.real_features("judge"), first)
    other = make_context(cache=tmp_path, judge_digest="another")
    other.judge.features = Counting(other.judge.features)
    other.real_features("judge")
    assert other.judge.features.images > 0


def test_models_are_measured_in_eval_mode(make_context, toys):
    model, judge, guide = toys.Painter(), toys.Thirds(), toys.Thirds()
    for part in (model, judge, guide):
        part.train()
    make_context(model=model, judge=judge, guide=guide)
    assert [part.training for part in (model, judge, guide)] == [False] * 3


@pytest.mark.parametrize(
    ("logits", "complaint"),
    [
        (lambda images: torch.zeros(len(images), 4), r"logits: expected shape \(60, 3\), got \(60, 4\)"),
        (lambda images: torch.full((len(images), 3), torch.nan), "logits: expected finite values, got nan or inf"),
    ],
)
def test_invalid_logits_are_refused(make_context, toys, logits, complaint):
    model = toys.Painter()
    model.own.logits = logits
    with pytest.raises(BenchError, match=complaint):
        make_context(model=model).own_test_logits  # noqa: B018


def test_reconstructing_by_gradients_is_possible(make_context, toys):
    class ByGradient(toys.Painter):
        def reconstruct(self, images):
            x = torch.full_like(images, 0.5).requires_grad_()
            (grad,) = torch.autograd.grad((x - images).square().sum() / 2, x)
            return (x - grad).detach().clamp(0, 1)

    context = make_context(model=ByGradient())
    assert torch.equal(context.reconstructions, context.test.images)


def test_full_precision_restores_the_settings_even_after_an_error():
    before = torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision

    def look_and_fail():
        with full_precision(torch.device("cpu")):
            assert torch.backends.cudnn.conv.fp32_precision == torch.backends.cuda.matmul.fp32_precision == "ieee"
            assert not torch.is_grad_enabled()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look_and_fail()
    assert (torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision) == before
    assert torch.is_grad_enabled()


def test_a_context_needs_no_model(make_context):
    assert isinstance(make_context(model=None), EvaluationContext)
