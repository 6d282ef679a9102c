"""The factor probe: fitted once like the judge, on the true factors, with a score for each."""

import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from bench.api import Codes, Data, Dataset, Factor, Spec
from bench.backbones.factor_heads import CategoricalHead, CircularHead, LinearHead
from bench.backbones.factor_probe import FactorProbe
from bench.data import load
from bench.errors import BenchError
from bench.experiment.budget import Budget, find_budget
from bench.experiment.device import Device
from bench.metrics.control.factors import FactorOracle
from bench.training.fit_once import parse_about
from bench.training.probe import load_or_fit_probe, resolve_probe
from bench.training_run import Run, silent

BUDGET = Budget("toy", 640, 6_400, 1, 10, 10, None)
CPU, DEVICE = torch.device("cpu"), Device("cpu", 1, "float32", "a device")
SIDE, LEVEL, HUE = (
    Factor("side", "categorical", 0, 1, 2),
    Factor("level", "linear", 0.2, 1.0),
    Factor("hue", "circular", 0.0, 2 * math.pi),
)
SPEC = Spec("blocks", 3, 8, ("left", "right"), (SIDE, LEVEL, HUE, Factor("unseen", "linear", 0.0, 1.0)))


def blocks(n: int, seed: int) -> Data:
    """The left or the right half has a hue and a level; the last factor shows in no image."""
    rng = torch.Generator().manual_seed(seed)
    side, level, turn = torch.rand(3, n, generator=rng)
    side, level, hue = (side < 0.5).float(), 0.2 + 0.8 * level, 2 * math.pi * turn
    phases = hue[:, None] + torch.arange(3) * 2 * math.pi / 3
    colour = level[:, None] * (0.6 + 0.4 * phases.cos())
    images = torch.zeros(n, 3, 8, 8)
    columns = torch.arange(8)
    inside = (columns[None] >= 4) == side[:, None].bool()
    images += colour[:, :, None, None] * inside[:, None, None, :]
    factors = torch.stack([side, level, hue, torch.rand(n, generator=rng)], dim=1)
    return Data(SPEC, (images * 255).round().to(torch.uint8), side.long(), factors)


DATASET = Dataset(SPEC, blocks(1500, 0), blocks(100, 1), blocks(300, 2), "digest-of-blocks")


def spec(dataset=DATASET, budget=BUDGET):
    return replace(resolve_probe(dataset, budget, DEVICE), images=budget.classifier_images)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    cache = tmp_path_factory.mktemp("probe")
    return load_or_fit_probe(spec(), cache, silent), cache


# Fitting


def test_a_probe_reads_every_factor_that_an_image_shows_and_no_other(fitted):
    """Over six seeds: side 1, level 0.84 to 0.94, hue above 0.99, unseen below 0."""
    scores = fitted[0].scores
    assert scores["side"] > 0.95
    assert scores["level"] > 0.7
    assert scores["hue"] > 0.95
    assert scores["unseen"] < 0.2


def test_its_scores_are_those_of_the_test_split(fitted):
    assert fitted[0].scores == fitted[0].probe.scores(DATASET.test, CPU)


def test_it_is_told_by_its_worst_factor_and_what_it_cannot_read(fitted):
    assert fitted[0].summary.startswith("worst factor unseen: R2 ")
    assert "unseen" in fitted[0].summary.partition("left out: ")[2].split(", ")
    assert fitted[0].label == f"factor-probe@{fitted[0].digest[:12]}"


def test_an_oracle_of_it_reads_the_factors_in_their_units(fitted):
    probe = fitted[0]
    oracle = FactorOracle(probe.probe, SPEC, probe.scores | {"level": 0.99}, probe.digest)
    assert "unseen" in oracle.left_out
    (level,) = (it for it in oracle.attributes if it.name == "level")
    (hue,) = (it for it in oracle.attributes if it.name == "hue")
    readings = torch.from_numpy(oracle.read(DATASET.test.images))
    factors = DATASET.test.factors
    assert factors is not None
    assert (readings[:, level.columns[0]] - factors[:, 1]).abs().mean() < 0.1
    assert torch.allclose(readings[:, list(hue.columns)].norm(dim=1), torch.ones(300))


def test_images_without_factors_are_refused():
    data = replace(DATASET.train, factors=None)
    with pytest.raises(BenchError, match="blocks: expected images with their factors, got images only"):
        FactorProbe(FactorProbe.Config(), SPEC).fit(data, Run(torch.nn.Module(), images=128))


# The cache


def test_a_second_question_is_answered_from_the_cache(fitted):
    again = load_or_fit_probe(spec(), fitted[1], lambda *_: pytest.fail("it was fitted again"))
    assert (fitted[0].cached, again.cached) == (False, True)
    assert (again.digest, again.scores, again.summary) == (fitted[0].digest, fitted[0].scores, fitted[0].summary)


def test_its_scores_are_kept_by_factor(fitted):
    (about,) = fitted[1].glob("classifiers/*/about.json")
    content = json.loads(about.read_bytes())["content"]
    assert content["scores"] == fitted[0].scores
    assert content["data"] == "blocks"


def test_an_entry_that_states_the_accuracy_alone_is_still_valid():
    assert parse_about({"digest": "ab", "accuracy": 0.5}) == ("ab", {"accuracy": 0.5})


def test_its_key_changes_with_all_that_decides_its_weights():
    keys = {
        spec().key,
        spec(dataset=replace(DATASET, digest="other")).key,
        spec(budget=replace(BUDGET, classifier_images=640)).key,
        replace(spec(), device=replace(DEVICE, precision="bfloat16")).key,
        replace(spec(), config=FactorProbe.Config(lr=0.01)).key,
    }
    assert len(keys) == 5


def test_its_key_covers_its_source(monkeypatch):
    before = spec().key
    monkeypatch.setattr("bench.training.classifier_spec.source_digest", lambda module: f"changed {module}")
    assert spec().key != before


def test_it_sees_as_many_images_as_the_judge():
    quick = find_budget("quick")
    assert resolve_probe(DATASET, quick, DEVICE).images == quick.images_for_probe(1500)


# Scores, in closed form


def column(*values: float) -> Codes:
    return torch.tensor(values).view(-1, 1)


def test_r2_is_one_for_the_truth_zero_for_its_mean_and_negative_for_worse():
    head, truth = LinearHead(LEVEL), torch.tensor([0.2, 0.4, 0.9])
    assert head.score(truth[:, None], truth) == pytest.approx(1)
    assert head.score(column(0.5, 0.5, 0.5), truth) == pytest.approx(0)
    assert head.score(column(0.9, 0.4, 0.2), truth) < 0
    assert head.score(column(0.5, 0.5), torch.tensor([0.5, 0.5])) == 0  # a constant factor cannot be read


@pytest.mark.parametrize("off", [0.0, 0.3, math.pi / 2, math.pi])
def test_a_circular_score_is_the_cosine_of_the_error(off):
    head, truth = CircularHead(HUE), torch.arange(8) * math.pi / 4
    assert head.score(head.point(truth + off), truth) == pytest.approx(math.cos(off), abs=1e-6)


def test_a_circle_has_no_seam():
    head = CircularHead(HUE)
    assert torch.allclose(head.point(torch.tensor([0.0])), head.point(torch.tensor([2 * math.pi])), atol=1e-6)


def test_accuracy_is_balanced_over_values():
    """Nine of ten images have the value 0; always saying 0 is right for half of the values."""
    head, truth = CategoricalHead(SIDE), torch.tensor([0.0] * 9 + [1.0])
    always = torch.tensor([[1.0, 0.0]]).expand(10, 2)
    assert head.score(always, truth) == pytest.approx(0.5)
    assert head.weights(truth).tolist() == pytest.approx([10 / 18] * 9 + [5])


def test_values_that_do_not_count_from_zero_have_their_own_columns():
    head = CategoricalHead(Factor("size", "categorical", 2, 8, 4))
    assert head.index(torch.tensor([2.0, 4.0, 6.0, 8.0])).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("head", [CategoricalHead(SIDE), LinearHead(LEVEL), CircularHead(HUE)])
def test_what_knows_nothing_has_a_loss_of_one(head):
    rng = torch.Generator().manual_seed(0)
    values = head.factor.low + (head.factor.high - head.factor.low) * torch.rand(20_000, generator=rng)
    values = values.round() if head.factor.kind == "categorical" else values
    assert float(head.losses(torch.zeros(20_000, head.width), values).mean()) == pytest.approx(1, abs=0.03)


# CelebA


@pytest.mark.usefixtures("made_up")
def test_attributes_of_celeba_are_read_by_the_same_probe(tmp_path: Path, monkeypatch):
    """Tiny faces whose attributes show: half are bright, a third are red."""
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
        for i in range(24):
            face = Image.new("RGB", (178, 218), (200 if i % 2 else 60, 200 if i % 3 else 0, 60))
            with archive.open(f"img_align_celeba/{i + 1:06d}.jpg", "w") as file:
                face.save(file, "JPEG")
    rows = [f"{i + 1:06d}.jpg {2 * (i % 2) - 1} {1 - 2 * (i % 3 > 0)}" for i in range(24)]
    (tmp_path / "list_attr_celeba.txt").write_text("24\nSmiling Male\n" + "\n".join(rows) + "\n")
    lines = [f"{i + 1:06d}.jpg {i // 12 + i // 18}" for i in range(24)]
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    dataset = load("celeba", tmp_path, size=16)
    probe = load_or_fit_probe(replace(resolve_probe(dataset, BUDGET, DEVICE), images=1280), tmp_path / "cache", silent)
    oracle = FactorOracle(probe.probe, dataset.spec, probe.scores, probe.digest, enforce_floor=False)
    assert oracle.name == "attributes"
    assert list(probe.scores) == [it.name for it in oracle.attributes] == ["Smiling", "Male"]
    readings = oracle.read(dataset.test.images)
    assert readings.shape == (6, 4)
    assert torch.allclose(torch.from_numpy(readings).view(6, 2, 2).sum(dim=2), torch.ones(6, 2))
