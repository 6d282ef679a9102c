"""Each promise catches the plugins that break it, and good plugins keep them all."""

import contextlib
import re
import time
from pathlib import Path

import bad_classifiers
import bad_datasets
import bad_fits
import bad_metrics
import bad_samples
import bad_tuning
import pytest
import toys

from bench.testing import (
    PromiseBroken,
    TinyClassifier,
    check,
    classifiers,
    datasets,
    generators,
    metrics,
    models,
    promises,
    promises_of,
    tiny_dataset,
)
from bench.testing.promise import check_one
from bench.testing.subject import GeneratorSubject

BAD = {
    "generators": [*bad_fits.BAD, *bad_samples.BAD, bad_tuning.CountsWithoutAMetric],
    "classifiers": bad_classifiers.BAD,
    "datasets": bad_datasets.BAD,
    "metrics": bad_metrics.BAD,
}
PROMISES = {
    "generators": generators.PROMISES,
    "classifiers": classifiers.PROMISES,
    "datasets": datasets.PROMISES,
    "metrics": metrics.PROMISES,
}
EVERY_BAD = [pytest.param(cls, id=f"{kind}-{cls.__name__}") for kind, classes in BAD.items() for cls in classes]


@pytest.mark.parametrize("cls", EVERY_BAD)
def test_each_check_fails_for_a_plugin_that_breaks_its_promise(cls):
    name, reason = cls.breaks
    asked = {promise.name: (promise, subject) for promise, subject in promises_of(cls)}
    result = check_one(*asked[name])
    assert result.status == "failed"
    assert reason in result.reason


@pytest.mark.parametrize("cls", [toys.Toy, toys.Plain, TinyClassifier, toys.ToyData, toys.DrawnData, *bad_metrics.GOOD])
def test_good_plugins_keep_every_promise(cls, monkeypatch):
    if cls not in (toys.Toy, TinyClassifier, toys.ToyData, bad_metrics.Moments):  # one of each kind: it takes seconds
        for room in ("models", "datasets", "metrics"):
            monkeypatch.setattr(f"bench.testing.{room}.require_same_elsewhere", lambda subject: None)
    results = check(cls)
    assert [result for result in results if result.status != "ok"] == []
    assert len(results) >= 8


@pytest.mark.parametrize("kind", PROMISES)
def test_every_promise_has_a_bad_plugin(kind):
    own = {promise.name for promise in PROMISES[kind]}
    if kind == "classifiers":  # what all models promise is shown to bite on generators
        own -= {promise.name for promise in models.PROMISES}
    assert own == {cls.breaks[0] for cls in BAD[kind]}


def test_a_promise_is_a_sentence():
    for promise in (promise for kind in PROMISES.values() for promise in kind):
        assert promise.sentence.endswith("."), promise.name
        assert "_" not in promise.sentence.split("`")[0], promise.name


def test_the_plugin_in_the_readme_keeps_every_promise(monkeypatch):
    monkeypatch.setattr("bench.testing.models.require_same_elsewhere", lambda subject: None)  # it is in no file
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    plugin = {"__name__": "bench_haze"}
    exec(compile(source, "README.md", "exec"), plugin)
    (target,) = plugin["bench_generators"]().values()
    assert [result for result in check(target) if result.status != "ok"] == []


EVERY = {promise.id: promise for kind in PROMISES.values() for promise in kind}


def test_every_promise_has_an_id_of_its_own_a_reason_and_a_remedy():
    several = [
        *generators.PROMISES,
        *classifiers.PROMISES[len(models.PROMISES) :],
        *datasets.PROMISES,
        *metrics.PROMISES,
    ]
    assert sorted(EVERY) == sorted(promise.id for promise in several)
    for promise in EVERY.values():
        assert re.fullmatch(r"[MGCDX]\d\d", promise.id)
        assert promise.why, promise.id
        assert promise.remedy, promise.id
        assert not promise.why.endswith("."), promise.id


def test_a_failure_in_pytest_shows_the_id_the_reason_and_the_remedy():
    (broken,) = (it for it in promises(bad_fits.SavesItself) if it.promise.name == "fit_writes_no_files")
    with pytest.raises(PromiseBroken) as caught:
        broken()
    assert str(caught.value).splitlines() == [
        "M10: fit wrote weights.pt",
        f"why: {broken.promise.why}",
        f"remedy: {broken.promise.remedy}",
    ]
    assert str(broken) == "M10-fit_writes_no_files"


class Sleeps(toys.Plain):
    def fit(self, data, run):
        for _ in range(3_000):
            with contextlib.suppress(Exception):
                time.sleep(0.01)


def test_a_test_has_a_time_limit_which_counts_once_for_the_fit_that_all_share():
    asked = {promise.name: (promise, subject) for promise, subject in promises_of(Sleeps)}
    results = [
        check_one(*asked[name], seconds=0.5)
        for name in ("fit_trains_on_batches_of_the_run", "fit_logs_a_loss", "samples_are_images")
    ]
    assert [result.status for result in results] == ["failed", "skipped", "skipped"]
    assert results[0].reason == "it took longer than 0.5 s"
    assert results[2].reason == "its fit failed: it took longer than 0.5 s"


def test_a_model_for_other_images_is_tested_on_images_that_it_is_for():
    class Large(toys.Plain):
        @classmethod
        def not_for(cls, config, spec):
            return "" if spec.size >= 64 else "it needs 64 pixels"

    results = {result.promise: result for result in check(Large)}
    assert results["samples_are_images"].status == "ok"
    assert results["fit_works_on_grayscale_images"].reason == "it needs 64 pixels"
    assert {result.status for result in results.values()} == {"ok", "skipped"}
    assert results["another_process_gives_the_same_model"].reason.startswith("another process cannot import")


def test_a_model_that_is_for_nothing_fails_once():
    results = check(bad_fits.IsForNothing)
    assert [result.promise for result in results if result.status == "failed"] == ["limits_leave_images_to_train_on"]


def test_checks_of_a_missing_capability_do_not_apply():
    asked = {promise.name for promise, _ in promises_of(toys.Plain)}
    assert "samples_are_images" in asked
    assert "labels_are_honoured" not in asked
    assert "labels_are_honoured" in {promise.name for promise, _ in promises_of(toys.Toy)}


def test_checks_of_drawing_do_not_apply_to_data_that_cannot_be_drawn():
    assert "stored_factors_draw_the_stored_images" not in {promise.name for promise, _ in promises_of(toys.ToyData)}
    assert "stored_factors_draw_the_stored_images" in {promise.name for promise, _ in promises_of(toys.DrawnData)}


def test_after_a_failed_fit_the_other_checks_are_skipped_with_its_reason():
    results = {result.promise: result for result in check(bad_fits.FailsToFit)}
    assert results["fit_trains_on_batches_of_the_run"].status == "failed"
    assert results["samples_are_images"].status == "skipped"
    assert "ZeroDivisionError" in results["samples_are_images"].reason


def test_the_guide_of_the_suite_classifies_far_better_than_chance():
    """Chance is a third of 600 unseen images; 1,920 training images leave 71 to 96 %, which depends on the seed."""
    subject = GeneratorSubject(toys.Plain)
    test = tiny_dataset(held_out=600).test
    predicted = subject.guide(subject.dataset).logits(test.images.float() / 255).argmax(1)
    assert (predicted == test.labels).float().mean() > 0.5
