"""A model is sampled again, and the deviation of each ranked metric over its samplings is measured."""

import statistics

import pytest
import torch

from bench.metrics import METRICS, draw_samples, resampling
from bench.metrics.catalog import RANKED
from bench.metrics.metric import NotMeasured

BY_NAME = {metric.name: metric for metric in METRICS}
SAMPLING_SD = BY_NAME["sampling-sd"]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(resampling, "FEWEST", 60)


@pytest.fixture
def contexts(make_context, tmp_path):
    """The context of a model; its later samplings are put into a list."""

    def make(model):
        made, asked = [], []

        def context(sampling: int):
            asked.append(sampling)
            samples, conditional = draw_samples(model, 60, 3, "cpu", sampling=sampling)
            made.append(
                make_context(
                    model=model, samples=samples, conditional=conditional, cache=tmp_path, sample_again=context
                )
            )
            return made[-1]

        return context(0), made, asked

    return make


def test_it_is_the_deviation_of_each_ranked_metric_over_three_samplings(contexts, toys):
    context, made, asked = contexts(toys.Painter())
    found = SAMPLING_SD.compute(context)
    assert asked == [0, 1, 2]
    expected = {name: statistics.stdev(BY_NAME[name].compute(each).value for each in made) for name in RANKED}
    assert {"fd-lite0": found.value, **found.parts} == expected
    assert all(value > 0 for name, value in expected.items() if name.startswith("fd-"))


def test_a_model_that_always_draws_the_same_has_none(contexts, toys):
    class Constant(toys.Painter):
        def sample_class(self, labels, rng):
            return super().sample_class(labels, torch.Generator().manual_seed(0))

    found = SAMPLING_SD.compute(contexts(Constant())[0])
    assert {found.value, *found.parts.values()} == {0.0}


def test_a_model_without_labels_has_no_part_for_what_was_asked_for(contexts, toys):
    assert set(SAMPLING_SD.compute(contexts(toys.Plain())[0]).parts) == {
        "fd-judge", "precision-lite0", "recall-lite0",
    }  # fmt: skip


def test_images_that_no_model_draws_are_not_sampled_again(make_context):
    with pytest.raises(NotMeasured, match="cannot be sampled again"):
        SAMPLING_SD.compute(make_context())


def test_with_few_samples_it_is_not_measured(monkeypatch, contexts, toys):
    monkeypatch.setattr(resampling, "FEWEST", 61)
    context, made, _ = contexts(toys.Painter())
    with pytest.raises(NotMeasured, match="expected at least 61 samples, got 60"):
        SAMPLING_SD.compute(context)
    assert len(made) == 1


def test_each_sampling_has_random_numbers_of_its_own_and_repeats(toys):
    drawn = [draw_samples(toys.Plain(), 20, 7, "cpu", sampling=sampling)[0].images for sampling in (0, 1, 2, 1)]
    assert torch.equal(drawn[1], drawn[3])
    assert not any(torch.equal(drawn[first], drawn[second]) for first, second in ((0, 1), (0, 2), (1, 2)))
    assert torch.equal(drawn[0], draw_samples(toys.Plain(), 20, 7, "cpu")[0].images)
