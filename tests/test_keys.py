"""What changes the key of a training, and what does not."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from bench.execution import plan as planning
from bench.execution.plan import make_plan
from bench.experiment.job import NOT_TRAINED_ON, Job
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest

REQUEST = RunRequest(plugins="ae-mix", dataset=DatasetRef("digits"), seeds=(0,), budget="smoke", set=(),
                     guide=ClassifierRef("resnet-xs"), judge=ClassifierRef("resnet-s"), device="cpu", jobs=1,
                     threads=1)  # fmt: skip


def planned(*settings: str) -> Job:
    (job,) = (job for job in make_plan(replace(REQUEST, set=settings)).jobs if job.entry == "ae-mix")
    return job


def test_a_release_retrains_nothing(monkeypatch):
    before = planned()
    monkeypatch.setattr(planning, "version", lambda name: "99.0")
    monkeypatch.setattr(EntryPoint, "dist", property(lambda self: Release()))
    after = planned()
    assert (after.version, after.distribution) == ("99.0", "renamed")
    assert after.key == before.key


class Release:
    name, version, entry_points, files = "renamed", "99.0", (), None


@pytest.mark.parametrize("text", ["1e-4", "0.0001", "1.0e-04", " 0.0001"])
def test_equal_settings_have_equal_keys_and_names_however_they_are_written(text):
    job = planned(f"ae-mix.lr={text}")
    assert job.key == planned("ae-mix.lr=0.0001").key != planned().key
    assert job.setting_text == "lr=0.0001"


def test_a_setting_at_its_default_is_no_setting():
    default = planned().config["lr"]
    job = planned(f"ae-mix.lr={default}")
    assert job == planned()
    assert job.settings == ()


def test_the_parts_of_the_key_are_all_that_decides_the_weights():
    assert set(planned().training) == {
        "entry", "plugin", "source", "config", "dataset", "data_digest", "seed", "images", "guide_key", "device", "torch",
        "training_version",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(NOT_TRAINED_ON))
def test_what_decides_nothing_is_not_in_the_key(name):
    job = planned()
    other: dict[str, object] = {"settings": (("lr", "7"),), "samples": 7, "reference": 7}
    assert replace(job, **{name: other.get(name, "other")}).key == job.key


@pytest.mark.parametrize("name", ["source", "data_digest", "seed", "images", "guide_key", "device", "torch"])
def test_what_decides_the_weights_is_in_the_key(name):
    job = planned()
    other = 7 if name in ("seed", "images") else "other"
    assert replace(job, **{name: other}).key != job.key


def test_how_settings_were_chosen_is_said_of_the_defaults_alone_and_is_not_in_the_key():
    default, changed = planned(), planned("ae-mix.lr=0.5")
    assert default.tuning
    assert changed.tuning == ""
    assert replace(default, tuning="").key == default.key
