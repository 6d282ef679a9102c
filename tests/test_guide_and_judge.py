"""Guide and judge: fitted once, identical when read from the cache, frozen, and refused below a minimum accuracy."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench.api import Classifier, Data, Dataset, Spec
from bench.backbones import bench_classifiers
from bench.backbones.classifier import TimmClassifier
from bench.backbones.presets import ResNetMedium, ResNetSmall
from bench.config import build
from bench.errors import BenchError
from bench.execution.executors.base import Limits
from bench.execution.executors.local import LocalExecutor
from bench.execution.messages import Fitted
from bench.execution.session import Session
from bench.experiment.budget import Budget, find_budget
from bench.experiment.device import Device
from bench.experiment.request import ClassifierRef
from bench.freeze import freeze
from bench.registry.plugins import Plugins
from bench.training.classifier_spec import ClassifierSpec, identity, resolve_network
from bench.training.guide_and_judge import accuracy_of, below_floor, load_or_fit
from bench.training_run import silent

BUDGET = Budget("toy", 640, 640, 1, 10, 10, None)
SETTINGS = {"widths": "8,8,8,8", "batch_size": "32"}
CPU = torch.device("cpu")


def dark_or_light(n: int, seed: int) -> Data:
    """Class 0 is dark, class 1 is light."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 2, (n,), generator=rng)
    images = torch.randint(0, 100, (n, 1, 8, 8), generator=rng) + 100 * labels.view(-1, 1, 1, 1)
    return Data(Spec("dark-or-light", 1, 8, ("dark", "light")), images.to(torch.uint8), labels)


DATASET = Dataset(*(lambda train: (train.spec, train))(dark_or_light(200, 0)), dark_or_light(50, 1),
                  dark_or_light(100, 2), "digest-of-dark-or-light")  # fmt: skip


def spec(role="judge", target=ResNetSmall, settings=SETTINGS, dataset=DATASET, budget=BUDGET, device="cpu", threads=1,
         precision="float32"):  # fmt: skip
    images = budget.images_for_classifier(len(dataset.train))
    device = Device(device, threads, precision, "a device")
    return ClassifierSpec(role, "toy", target, build(target.Config, settings, "toy"), dataset, images, device)


def ask(cache: Path, progress=silent, **parts):
    return load_or_fit(spec(**parts), cache, progress)


def key(**parts):
    return spec(**parts).key


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A judge and the cache it lies in: not to be changed."""
    cache = tmp_path_factory.mktemp("fitted")
    return ask(cache), cache


@pytest.fixture
def cache(fitted, tmp_path):
    """A copy of that cache, to be maltreated."""
    (entry,) = (fitted[1] / "classifiers").iterdir()
    copy = tmp_path / "classifiers" / entry.name
    copy.mkdir(parents=True)
    for file in entry.glob("*.*"):
        (copy / file.name).write_bytes(file.read_bytes())
    return tmp_path


def files(cache: Path) -> dict[str, Path]:
    return {path.name: path for path in (cache / "classifiers").glob("*/*") if path.name != ".lock"}


def digest_of(classifier: Classifier) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in classifier.state_dict().values()]


# Fitting


def test_a_judge_is_fitted_and_its_accuracy_measured(fitted):
    judge, _ = fitted
    assert judge.origin == "fitted"
    assert judge.accuracy == accuracy_of(judge.classifier, DATASET.test, CPU) > 0.9
    assert judge.label == f"toy@{judge.digest[:12]}"


def test_guide_and_judge_of_the_same_class_differ(fitted, tmp_path):
    judge, _ = fitted
    guide = ask(tmp_path, role="guide")
    assert guide.digest != judge.digest
    assert key(role="guide") != key(role="judge")


def test_fitting_again_gives_the_same_weights(fitted, tmp_path):
    assert ask(tmp_path).digest == fitted[0].digest


def test_the_global_generator_is_left_alone(tmp_path):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    ask(tmp_path)
    ask(tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_the_images_seen_are_those_of_the_budget(tmp_path):
    seen = []
    ask(tmp_path, progress=lambda phase, images, of, scalars: seen.append((images, of)))
    assert seen[-1] == (BUDGET.classifier_images, BUDGET.classifier_images)


def test_an_unknown_setting_is_refused_before_any_work(tmp_path):
    with pytest.raises(BenchError, match="did you mean 'widths'"):
        ask(tmp_path, settings={"width": "8,8,8,8"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", bench_classifiers())
def test_accuracy_is_the_share_of_right_labels(name):
    cls = bench_classifiers()[name]
    model = cls(cls.Config(), DATASET.spec).eval()
    with torch.no_grad():
        said = model.logits(DATASET.test.images / 255).argmax(1)
    told = replace(DATASET.test, labels=said)
    lied = replace(DATASET.test, labels=torch.where(torch.arange(100) < 25, 1 - said, said))
    assert (accuracy_of(model, told, CPU), accuracy_of(model, lied, CPU)) == (1.0, 0.75)


# The cache


def test_a_second_question_is_answered_from_the_cache(fitted, cache):
    known = ask(cache, progress=lambda *_: pytest.fail("it was fitted again"))
    assert known.origin == "cached"
    assert (known.digest, known.accuracy, known.label) == (fitted[0].digest, fitted[0].accuracy, fitted[0].label)
    assert digest_of(known.classifier) == digest_of(fitted[0].classifier)


def test_the_cache_holds_safetensors_and_plain_json(cache):
    found = files(cache)
    assert set(found) == {"model.safetensors", "about.json"}
    about = json.loads(found["about.json"].read_bytes())["content"]
    assert about["config"]["widths"] == [8, 8, 8, 8]
    assert about["data"] == "dark-or-light"


@pytest.mark.parametrize("name", ["model.safetensors", "about.json"])
@pytest.mark.parametrize("damage", ["one bit", "cut short", "emptied"])
def test_a_corrupt_entry_is_set_aside_and_fitted_again(fitted, cache, name, damage):
    path = files(cache)[name]
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes({"one bit": content, "cut short": content[: len(content) // 2], "emptied": b""}[damage])
    again = ask(cache)
    assert again.origin == "fitted"
    assert again.digest == fitted[0].digest
    assert files(cache).keys() >= {"model.safetensors.corrupt", "about.json.corrupt"}
    assert ask(cache).origin == "cached"


@pytest.mark.parametrize("name", ["model.safetensors", "about.json"])
def test_half_an_entry_is_none(fitted, cache, name):
    files(cache)[name].unlink()
    again = ask(cache)
    assert again.origin == "fitted"
    assert again.digest == fitted[0].digest


def test_a_cache_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "classifiers").write_text("a file where a folder should be")
    with pytest.raises(BenchError, match=r"cannot use the cache .*classifiers.*: .*; set BENCH_CACHE"):
        ask(tmp_path)


class Untidy(TimmClassifier):
    """Its training fails with an error of the operating system."""

    def fit(self, data, run):
        raise FileNotFoundError("my own file")


def test_an_error_of_the_classifier_is_not_blamed_on_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.training.classifier_spec.source_digest", lambda module: "")
    with pytest.raises(FileNotFoundError, match="my own file"):
        ask(tmp_path, target=Untidy, settings={**SETTINGS, "name": "resnet10t"})


class Tied(ResNetSmall):
    """Two names for one weight."""

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.head = self.net.get_classifier()


def test_tied_weights_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.training.classifier_spec.source_digest", lambda module: "")
    first, second = ask(tmp_path, target=Tied), ask(tmp_path, target=Tied)
    assert (first.origin, second.origin) == ("fitted", "cached")
    assert digest_of(first.classifier) == digest_of(second.classifier)


# The key


def test_the_key_changes_with_all_that_decides_the_weights():
    others = [
        key(role="guide"),
        key(target=bench_classifiers()["resnet-m"]),
        key(settings=SETTINGS | {"lr": "0.01"}),
        key(dataset=replace(DATASET, digest="other bytes")),
        key(budget=replace(BUDGET, classifier_images=1280)),
        key(device="cuda:1"),
        key(precision="bfloat16"),
        key(threads=2),
    ]
    assert len({key(), *others}) == len(others) + 1


def test_the_key_does_not_change_with_what_decides_nothing():
    assert key(settings=SETTINGS | {"lr": "0.02"}) == key()  # the default, spelt out
    assert key(budget=replace(BUDGET, name="other", images=1, samples=1)) == key()
    assert key(device="cuda:0", threads=1) == key(device="cuda:1", threads=4)


@pytest.mark.parametrize("other", ["0.9", "9.9"])
def test_the_key_changes_with_the_version_of_timm(monkeypatch, other):
    before = key()
    monkeypatch.setattr("bench.training.classifier_spec.version", lambda name: other)
    assert key() != before


# Two processes

ASK = """
    import os, sys, torch
    from pathlib import Path
    sys.path.insert(0, {folder!r})
    import test_guide_and_judge as t
    torch.set_num_threads(1)
    def progress(phase, images, of, scalars):
        print("fitting", flush=True)
        {then}
    print("asking", flush=True)
    judge = t.ask(Path({cache!r}), progress=progress)
    print(judge.origin, judge.digest, flush=True)
"""


def process(cache: Path, then: str = "pass") -> subprocess.Popen:
    code = textwrap.dedent(ASK).format(folder=str(Path(__file__).parent), cache=str(cache), then=then)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def test_of_two_that_ask_at_once_one_fits_and_one_waits(tmp_path):
    fitting = threading.Event()
    answers = {}

    def first():
        def progress(*_):
            fitting.set()
            waiting.wait(60)

        answers["first"] = ask(tmp_path, progress=progress)

    waiting = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    assert fitting.wait(60)
    second = process(tmp_path)
    assert second.stdout is not None
    assert second.stdout.readline().strip() == "asking"
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(3)  # it waits for the lock
    waiting.set()
    out, _ = second.communicate(timeout=120)
    thread.join()
    assert out.split() == ["cached", answers["first"].digest]
    assert answers["first"].origin == "fitted"


def test_the_lock_of_a_killed_process_is_free(fitted, tmp_path):
    victim = process(tmp_path, then="import time; time.sleep(600)")
    assert victim.stdout is not None
    assert [victim.stdout.readline().strip() for _ in range(2)] == ["asking", "fitting"]
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert not files(tmp_path)
    assert ask(tmp_path).digest == fitted[0].digest


# Frozen


def test_nothing_changes_a_frozen_classifier(fitted):
    classifier = fitted[0].classifier
    before = digest_of(classifier)
    holder = torch.nn.Sequential(classifier).train()  # a model that holds it and trains
    classifier.train()
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    loss = classifier.logits(images).square().sum() + sum(part.sum() for part in classifier.features(images))
    loss.backward()
    assert not any(module.training for module in classifier.modules())
    assert not any(parameter.requires_grad for parameter in holder.parameters())
    assert digest_of(classifier) == before


def test_a_trained_classifier_that_is_not_frozen_does_change():
    model = ResNetSmall(ResNetSmall.Config(widths=(8, 8, 8, 8)), DATASET.spec)
    before = digest_of(model)
    model.train().logits(torch.rand(4, 1, 8, 8))  # the running statistics
    assert digest_of(model) != before


def test_freezing_keeps_the_gradient_to_the_images():
    model = freeze(ResNetSmall(ResNetSmall.Config(widths=(8, 8, 8, 8)), DATASET.spec))
    images = torch.rand(2, 1, 8, 8, requires_grad=True)
    for output in (model.logits(images), *model.features(images)):
        (gradient,) = torch.autograd.grad(output.square().sum(), images, retain_graph=True)
        assert gradient.abs().amax((1, 2, 3)).min() > 0


# The floor


def test_a_judge_at_its_floor_is_trusted_and_one_below_is_not():
    assert below_floor("judge", 0.9, 0.9, 10) == ""
    why = below_floor("judge", 0.8512, 0.9, 10)
    assert all(part in why for part in ("0.8512", "0.9000", "--budget", "--judge"))


def test_without_a_floor_a_judge_must_be_twice_as_good_as_chance():
    assert below_floor("judge", 0.2, None, 10) == ""
    assert "0.2000" in below_floor("judge", 0.19, None, 10)
    assert below_floor("judge", 0.75, None, 2) == ""  # twice chance would be 1
    assert "0.7500" in below_floor("judge", 0.74, None, 2)
    assert below_floor("judge", float("nan"), None, 10)


@pytest.mark.parametrize(("accuracy", "told"), [(0.19, True), (float("nan"), True), (0.2, False)])
def test_a_guide_close_to_chance_is_told_and_used(tmp_path, caplog, accuracy, told):
    plan = SimpleNamespace(jobs=(), roles=("guide", "judge"), classes=10, budget=find_budget("quick"), judge_floor=0.9)
    show = SimpleNamespace(note=lambda text: None)
    session = Session(plan, tmp_path, tmp_path, tmp_path, Limits(), show, LocalExecutor(1))
    session._note_classifier(Fitted("guide", "small@11", accuracy, "fitted"))
    assert session.labels == {"guide": "small@11"}
    assert ["close to random" in text for text in caplog.messages] == [True] * told


# One network in both roles


def network(name: str):
    return identity(*resolve_network(ClassifierRef.parse(name), Plugins()))


class Renamed(ResNetMedium):
    """Nothing but another name."""

    source = "elsewhere"


class Rewritten(ResNetMedium):
    def features(self, images):
        return super().features(images)[-1:]


@pytest.mark.parametrize(("first", "second"), [("timm", "timm:resnet18"), ("resnet-m", "timm:test_resnet"), ("resnet-xs:test_resnet", "resnet-xs")])  # fmt: skip
def test_two_names_of_one_network_are_one(first, second):
    assert network(first) == network(second)


@pytest.mark.parametrize(("first", "second"), [("timm", "timm:resnet34"), ("resnet-xs", "resnet-m"), ("resnet-s", "resnet-ln")])  # fmt: skip
def test_networks_of_other_settings_are_two(first, second):
    assert network(first) != network(second)


def test_a_class_is_another_network_if_it_defines_something():
    config = ResNetMedium.Config()
    assert identity(Renamed, config) == identity(ResNetMedium, config)
    assert identity(Rewritten, config) != identity(ResNetMedium, config)
    assert identity(Rewritten, config) == identity(type("Again", (Rewritten,), {}), config)
