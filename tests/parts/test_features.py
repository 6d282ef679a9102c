"""Features of a frozen classifier: which layers, before or after their activation, and nothing of it ever moves."""

import pytest
import torch
from torch import nn

from bench import BenchError, Spec
from bench.api import Classifier
from bench.backbones import bench_classifiers
from bench.parts.features import FrozenFeatures, scales, untrained
from bench.testing.guide import TinyClassifier

SPEC = Spec("made-up", 3, 32, ("a", "b", "c"))


def classifier(name: str = "resnet-xs") -> Classifier:
    """With scales and running statistics of its own, as if it had been trained."""
    torch.manual_seed(0)
    target: type[Classifier] = TinyClassifier if name == "tiny" else bench_classifiers()[name]
    made = target(target.Config(), SPEC)  # type: ignore[abstract]
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2)  # no scale is 0
    for _ in range(5):
        made.train().logits(torch.rand(8, *SPEC.shape) ** 2)
    return made.eval()


def images(n: int = 4) -> torch.Tensor:
    return torch.rand(n, *SPEC.shape, generator=torch.Generator().manual_seed(1))


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_layers_are_those_that_the_classifier_gives() -> None:
    guide = classifier()
    features = FrozenFeatures(guide, ["map2", "vector", "logits"])
    found, (_, second, *_, vector) = features(images()), guide.features(images())
    assert list(found) == ["map2", "vector", "logits"]
    assert torch.equal(found["map2"], second)
    assert torch.equal(found["vector"], vector)
    assert torch.equal(found["logits"], guide.logits(images()))
    assert features.shapes == {name: tuple(layer.shape[1:]) for name, layer in found.items()}


def test_maps_are_all_of_them() -> None:
    assert FrozenFeatures(classifier(), ["maps"]).names == ("map1", "map2", "map3", "map4", "map5")


@pytest.mark.parametrize("name", ["resnet-xs", "resnet-s", "resnet-ln", "tiny"])
def test_what_went_into_an_activation_becomes_the_layer_by_that_activation(name: str) -> None:
    guide = classifier(name)
    layers = ["map1", "map2"]
    before, after = (
        FrozenFeatures(guide, layers, before_activation=True)(images()),
        FrozenFeatures(guide, layers)(images()),
    )
    for layer in layers:
        assert before[layer].min() < 0
        assert torch.equal(before[layer].relu(), after[layer])


def test_an_activation_that_works_in_place_spoils_neither_layer() -> None:
    guide = classifier("tiny")
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(0.5, inplace=True)).eval()
    guide.add_module("net", net)
    guide.logits = lambda x: net(x).mean((2, 3))  # type: ignore[method-assign]
    wanted = net[1](net[0](images()))
    for before_activation in (False, True):
        features = FrozenFeatures(guide, ["net.1", "net.2"], before_activation=before_activation)
        found = features(images().requires_grad_())
        assert torch.equal(found["net.1"], wanted)
        assert torch.equal(found["net.2"], wanted if before_activation else nn.functional.leaky_relu(wanted, 0.5))
        found["net.2"].sum().backward()


def test_gradient_reaches_the_images_and_nothing_else_and_nothing_moves() -> None:
    guide = classifier()
    before = state(guide)
    features = FrozenFeatures(guide, ["maps", "logits"], before_activation=True)
    guide.train()  # without effect
    x = images().requires_grad_()
    for _ in range(3):
        sum(layer.square().sum() for layer in features(x).values()).backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(it.grad is None for it in guide.parameters())
    assert all(torch.equal(value, before[name]) for name, value in guide.state_dict().items())


def test_targets_carry_no_graph() -> None:
    features = FrozenFeatures(classifier(), ["maps"])
    assert not any(layer.requires_grad for layer in features.target(images().requires_grad_()).values())


def test_an_image_alone_has_the_features_that_it_has_in_a_batch() -> None:
    features = FrozenFeatures(classifier(), ["map3", "vector"])
    for alone, together in zip(features(images()[:1]).values(), features(images()).values(), strict=True):
        torch.testing.assert_close(alone, together[:1], rtol=1e-4, atol=1e-5)


def test_an_untrained_control_has_the_same_shapes_other_weights_and_follows_from_its_seed() -> None:
    guide = classifier()
    before, random = state(guide), torch.get_rng_state()
    first, again, other = (untrained(guide, seed, images()) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in guide.state_dict().items())
    look = [FrozenFeatures(it, ["map1"]).target(images())["map1"] for it in (guide, first, again, other)]
    assert look[0].shape == look[1].shape
    assert torch.equal(look[1], look[2])
    assert not torch.equal(look[0], look[1])
    assert not torch.equal(look[1], look[3])


@pytest.mark.parametrize("name", ["resnet-xs", "resnet-s"])
def test_the_layers_of_an_untrained_control_are_as_large_as_those_of_a_trained_one(name: str) -> None:
    """With the statistics of a new batch norm they are not: sigmas with a floor would then weigh them less."""
    control = untrained(classifier(name), 1, images(64))
    names = ["map1", "map2", "map3"]
    scaled = scales(FrozenFeatures(control, names, before_activation=True), images(64))
    assert all(0.5 < scale < 3 for scale in scaled.values()), scaled
    for norm in control.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.reset_running_stats()
    fresh = scales(FrozenFeatures(control, names, before_activation=True), images(64))
    assert any(fresh[layer] < 0.5 * scaled[layer] for layer in names), fresh


def test_the_scale_of_a_layer_is_the_deviation_of_its_elements_over_images() -> None:
    features = FrozenFeatures(classifier(), ["map1", "vector"])
    found = scales(features, images(40))
    for name, layer in features.target(images(40)).items():
        assert found[name] == pytest.approx(layer.double().var(0, correction=0).mean().sqrt().item(), rel=1e-3)


@pytest.mark.parametrize(
    ("layer", "words"), [("map9", "it has map1, map2"), ("vectr", "mean 'vector'"), ("frist", "did you mean 'first'")]
)
def test_an_unknown_layer_is_refused_with_the_nearest(layer: str, words: str) -> None:
    with pytest.raises(BenchError, match=f"no layer '{layer}': .*{words}"):
        FrozenFeatures(classifier("tiny"), [layer])
