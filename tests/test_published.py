"""Published weights: every card is true, they are used where the data match, and never where the user asks for a fit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.backbones import bench_classifiers
from bench.backbones.augment import degrade, gaussian_blur
from bench.data.label_subset import few_labels
from bench.errors import BenchError
from bench.experiment.budget import find_budget
from bench.experiment.defaults import CLASSIFIERS
from bench.experiment.device import Device
from bench.experiment.request import ClassifierRef
from bench.published.cards import FOLDER, card_table, cards, find_card, load_published
from bench.registry.plugins import Plugins
from bench.training.classifier_spec import resolve_classifier
from bench.training.guide_and_judge import accuracy_of, load_or_fit
from bench.training.publish import main
from bench.training_run import silent

ROOT = Path(__file__).parent.parent
CPU = Device("cpu", 1, "float32", "a device")
CARDS = {card.name: card for card in cards()}
DRAWN = [name for name, card in CARDS.items() if card.dataset in ("digits", "sprites")]  # need no files


def load(name: str):
    return Plugins().find("datasets", name).target("").load()


def resolve(dataset, text: str, role="judge", device=CPU, labels=None):
    subset = few_labels(dataset, labels)
    return resolve_classifier(role, ClassifierRef.parse(text), Plugins(), subset, find_budget("smoke"), device)


@pytest.mark.parametrize("name", CARDS)
def test_the_weights_are_those_of_the_card_and_fit_the_network(name):
    card = CARDS[name]
    target = bench_classifiers()[card.network]
    built = target.Config()
    assert {key: card.config[key] for key in ("name", "side", "norm")} == {
        key: getattr(built, key) for key in ("name", "side", "norm")
    }
    assert card.command.startswith(f"python -m bench.training.publish {card.dataset} --network {card.network}") or (
        card.command.startswith("python -m bench.training.publish folder:")
    )
    assert min(card.accuracy_of_class.values()) > 0.5


@pytest.mark.parametrize("name", DRAWN)
def test_the_accuracy_of_a_card_is_measured_again(name):
    card = CARDS[name]
    dataset = load(card.dataset)
    fitted = load_or_fit(resolve(dataset, card.network), None, silent)  # no cache is needed
    assert fitted.origin == "published"
    assert fitted.label == f"{card.network}@{card.weights[:12]}"
    assert fitted.accuracy == card.accuracy
    assert accuracy_of(fitted.classifier, dataset.test, torch.device("cpu")) == pytest.approx(card.accuracy, abs=0.003)
    assert not any(parameter.requires_grad for parameter in fitted.classifier.parameters())


def test_the_document_has_the_figures_of_all_cards():
    text = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
    table = text.partition("<!-- cards -->\n")[2].partition("<!-- /cards -->")[0]
    assert table == card_table(CARDS.values())


def test_all_weights_together_are_small_enough_for_a_package():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 15e6


def test_the_default_guide_and_judge_of_each_published_data_set_are_both_there():
    by_data = {}
    for card in CARDS.values():
        by_data.setdefault(card.dataset, set()).add(card.network)
    assert by_data
    assert {name: networks for name, networks in by_data.items() if not set(CLASSIFIERS.values()) <= networks} == {}


def test_who_asks_for_a_fit_or_for_few_labels_or_another_network_gets_a_fit():
    digits = load("digits")
    assert resolve(digits, "resnet-s").published is not None
    assert resolve(digits, "fit:resnet-s").published is None
    assert resolve(digits, "timm:resnet18").published is None
    assert resolve(digits, "resnet-ln").published is None
    assert resolve(digits, "resnet-s", labels=20).published is None
    changed = replace(digits, digest="0" * 64)
    assert resolve(changed, "resnet-s").published is None


def test_a_fit_of_the_default_network_has_a_short_name():
    assert ClassifierRef.parse("fit", "resnet-s") == ClassifierRef("resnet-s", fresh=True)
    assert ClassifierRef.parse("fit:timm:resnet18", "resnet-s") == ClassifierRef("timm", "resnet18", fresh=True)
    assert ClassifierRef.parse("timm:resnet18", "resnet-s") == ClassifierRef("timm", "resnet18")


def test_keys_of_published_weights_do_not_depend_on_the_machine():
    digits, other = load("digits"), Device("cuda", 4, "bfloat16", "another device")
    assert resolve(digits, "resnet-s").key == resolve(digits, "resnet-s", device=other).key
    assert resolve(digits, "fit:resnet-s").key != resolve(digits, "fit:resnet-s", device=other).key
    assert resolve(digits, "resnet-s").key != resolve(digits, "resnet-s", role="guide").key


@pytest.mark.parametrize(("damage", "said"), [("flip", "does not match its card"), ("remove", "is missing")])
def test_damaged_weights_are_refused_with_what_to_do(damage, said, tmp_path):
    card = CARDS["digits.resnet-s"]
    path = tmp_path / f"{card.name}.safetensors"
    if damage == "flip":
        payload = bytearray((FOLDER / path.name).read_bytes())
        payload[-1] ^= 1
        path.write_bytes(payload)
    with pytest.raises(BenchError, match=f"{said}: install the package again"):
        load_published(card, torch.nn.Linear(1, 1), tmp_path)


def test_a_file_that_is_not_a_card_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(BenchError, match=r"x\.json is not a model card"):
        cards(tmp_path)


def test_publishing_again_gives_weights_and_a_card_that_are_found(tmp_path, capsys):
    command = ["digits", "--network", "resnet-xs", "--images", "2560", "--out", str(tmp_path / "out")]
    main([*command, "--checkpoints", str(tmp_path / "checkpoints")])
    digits = load("digits")
    card = find_card("resnet-xs", digits.digest, tmp_path / "out")
    assert card is not None
    assert f"accuracy {card.accuracy:.4f}" in capsys.readouterr().out
    spec = replace(resolve(digits, "resnet-xs"), published=card)
    model = spec.target(spec.config, digits.spec)
    load_published(card, model, tmp_path / "out")
    assert accuracy_of(model.eval(), digits.test, torch.device("cpu")) == pytest.approx(card.accuracy, abs=0.003)
    assert json.loads((tmp_path / "out" / "digits.resnet-xs.json").read_text())["images"] == 2560


# The augmentation


def test_a_quarter_of_a_batch_is_blurred_a_quarter_noisy_and_half_left_alone():
    images = torch.rand(16, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    degraded = degrade(images, 2.0, 0.2, torch.Generator().manual_seed(1))
    assert degraded.shape == images.shape
    assert torch.equal(degraded[8:], images[8:])
    changed = (degraded - images).flatten(1).std(1)
    assert (changed[:8] > 0).all()
    assert degraded[:4].flatten(1).std(1).mean() < images[:4].flatten(1).std(1).mean()  # blur takes contrast
    assert 0 <= degraded.min() <= degraded.max() <= 1


def test_a_blur_keeps_a_flat_image_and_spreads_a_point_as_a_gaussian():
    flat = torch.full((1, 1, 9, 9), 0.5)
    assert torch.allclose(gaussian_blur(flat, 1.5), flat, atol=1e-6)
    point = torch.zeros(1, 1, 33, 33)
    point[..., 16, 16] = 1
    at = torch.arange(33.0) - 16
    exact = torch.exp(-at.square() / (2 * 2.0**2))
    exact = torch.outer(exact / exact.sum(), exact / exact.sum())
    assert (gaussian_blur(point, 2.0)[0, 0] - exact).abs().max() < 1e-3  # cut at three deviations
    assert torch.equal(gaussian_blur(point, 0.0), point)


def test_a_blur_wider_than_the_image_is_possible():
    assert torch.isfinite(gaussian_blur(torch.rand(1, 1, 8, 8), 4.0)).all()
