"""Anomaly detection with codes: classes that stand out, hide, or cannot be told, and what is not measured."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.api import Code, Data, Dataset, Spec
from bench.evaluation.anchor_codes import NoiseCodes
from bench.metrics import METRICS, Measured, anomaly
from bench.metrics.anomaly import neighbour_distances, reconstruction_errors
from bench.metrics.metric import NotMeasured
from bench.metrics.scale import Scale

METRIC = next(metric for metric in METRICS if metric.name == "anomaly-auroc")
WEIGHTS = torch.rand((16, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Change = Callable[[Tensor, Tensor], Tensor]  # of one-hot classes (n, 3) and noise (n, 3) to codes


def striped(toys: Any, train: int = 900, test: int = 900) -> Dataset:
    return Dataset(toys.spec, toys.toy_images(train, 0), toys.toy_images(30, 1), toys.toy_images(test, 2), "stripes")


@pytest.fixture
def measure(make_context, toys) -> Callable[..., Measured]:
    """The metric for an encoder that knows the class of each image, and noise that depends on the image alone."""

    def make(change: Change, dataset: Dataset | None = None, **options: Any) -> Measured:
        class Encoder(toys.Painter):
            def encode(self, images: Tensor) -> Tensor:
                noise = 1e3 * images[:, 0, :, 15].double() @ WEIGHTS  # of the last column, which no stripe reaches
                return change(torch.eye(3)[self.own.logits(images).argmax(1)], (noise % 1).float() * 2 - 1)

        return METRIC.compute(make_context(model=Encoder(), dataset=dataset or striped(toys), **options))

    return make


def far(classes: Tensor, noise: Tensor) -> Tensor:
    return 100 * classes + noise


def classes_of(found: Measured) -> dict[str, float]:
    return {name: value for name, value in found.parts.items() if name != "pixels-pca"}


# What the codes are worth


def test_classes_that_are_far_from_each_other_score_one(measure):
    found = measure(far)
    assert found.value == 1
    assert classes_of(found) == {"left-side": 1, "middle": 1, "right": 1}
    assert found.n == 150  # test images


def test_the_class_itself_as_code_scores_one_though_no_code_varies_without_it(measure):
    assert measure(lambda classes, noise: classes[:, 1:]).value == pytest.approx(1)


def test_codes_that_have_nothing_to_do_with_the_image_score_one_half(make_context, toys):
    found = METRIC.compute(make_context(dataset=striped(toys), anchor=NoiseCodes(toys.spec)))
    assert found.value == pytest.approx(0.5, abs=0.04)  # standard error 0.012


def test_a_class_that_is_spread_like_the_others_scores_one_half(measure):
    assert measure(lambda classes, noise: noise).value == pytest.approx(0.5, abs=0.06)


def test_a_class_in_the_empty_centre_of_the_others_is_found(measure):
    """The nearest neighbours are far although the mean of all codes is near."""

    def ring(classes: Tensor, noise: Tensor) -> Tensor:
        radius = 10 * (1 - classes[:, 1]) + 0.1
        return radius[:, None] * torch.stack([(3.14 * noise[:, 0]).cos(), (3.14 * noise[:, 0]).sin()], dim=1)

    assert classes_of(measure(ring))["middle"] == 1


def test_a_class_where_the_others_are_densest_hides(measure):
    """Its codes are nearer to those of other classes than these are to each other: below one half."""
    found = measure(lambda classes, noise: noise.sign() * noise.abs() ** 3 * (1 - 0.99 * classes[:, 1:2]))
    assert classes_of(found)["middle"] < 0.1


def test_one_code_of_many_is_enough_if_the_others_are_constant_or_repeat_each_other(measure):
    def few(classes: Tensor, noise: Tensor) -> Tensor:
        constant = torch.full_like(noise[:, :1], 0.1)
        return torch.cat([far(classes, noise), constant, 2 * noise[:, :1] - 3, noise[:, :1]], dim=1)

    assert measure(few).value == 1


def test_the_values_of_a_categorical_code_have_no_order(make_context, toys):
    """Beside ten codes of noise, a class between two others is as new a value as one at the end."""
    noise = tuple(Code(f"noise {column}", "continuous", (column,)) for column in range(1, 11))

    class Named:
        code_layout = (Code("class", "categorical", (0,)), *noise)

        def codes_of(self, data: Data) -> Tensor:
            return torch.cat([data.labels[:, None], NoiseCodes(toys.spec).codes_of(data)], dim=1)

    dataset = striped(toys)
    assert METRIC.compute(make_context(dataset=dataset, anchor=Named())).value == 1
    Named.code_layout = (Code("class", "continuous", (0,)), *noise)
    assert classes_of(METRIC.compute(make_context(dataset=dataset, anchor=Named())))["middle"] < 0.8


# Invariances


def random_codes(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) ** 3


def test_no_invertible_affine_map_of_the_codes_changes_the_distances():
    fit, test = random_codes(500, 5, 0), random_codes(200, 5, 1)
    rotation = np.linalg.qr(random_codes(5, 5, 2))[0]
    change = rotation @ np.diag([0.1, 0.5, 1, 3, 10]) @ rotation
    expected = neighbour_distances(fit, test)
    assert neighbour_distances(fit @ rotation + 7, test @ rotation + 7) == pytest.approx(expected, rel=1e-6)
    assert neighbour_distances(fit * [1e-6, 1, -1, 5, 1e6], test * [1e-6, 1, -1, 5, 1e6]) == pytest.approx(expected)
    assert neighbour_distances(fit @ change, test @ change) == pytest.approx(expected, rel=1e-3)


def test_the_distances_are_those_of_a_slow_loop():
    fit, test = random_codes(60, 3, 0), random_codes(10, 3, 1)
    precision = np.linalg.inv(np.cov(fit, rowvar=False, ddof=0))
    for row, found in zip(test, neighbour_distances(fit, test), strict=True):
        squares = sorted((row - other) @ precision @ (row - other) for other in fit)
        assert found == pytest.approx(np.mean(np.sqrt(squares[:5])), rel=1e-6)


def test_the_order_of_the_classes_does_not_matter(measure, toys):
    def change(classes: Tensor, noise: Tensor) -> Tensor:
        return noise + 0.3 * classes * torch.tensor([1.0, 2.0, 3.0])

    data, order = striped(toys), torch.tensor([2, 0, 1])
    spec = replace(toys.spec, classes=tuple(toys.spec.classes[int(place)] for place in order.argsort()))

    def turned(split: Data) -> Data:
        return replace(split, spec=spec, labels=order[split.labels])

    other = Dataset(spec, turned(data.train), turned(data.validation), turned(data.test), "turned")
    first, second = measure(change), measure(change, other)
    assert second.value == pytest.approx(first.value)
    assert dict(second.parts) == pytest.approx(dict(first.parts))
    assert 0.5 < first.value < 1


def test_it_does_not_depend_on_the_seed(measure):
    assert measure(lambda classes, noise: noise, seed=0) == measure(lambda classes, noise: noise, seed=1)


# The comparison with pixels


def test_two_encoders_have_the_same_comparison(measure):
    first, second = measure(far), measure(lambda classes, noise: noise)
    assert first.value != second.value
    assert first.parts["pixels-pca"] == second.parts["pixels-pca"]
    assert first.parts["pixels-pca"] == 1  # no other class lights these columns


def test_the_comparison_is_computed_once_for_a_data_set(measure, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(
        anomaly, "reconstruction_errors", lambda *tables: calls.append(1) or reconstruction_errors(*tables)
    )
    first, second = (measure(change, cache=tmp_path) for change in (far, lambda classes, noise: noise))
    assert len(calls) == 3
    assert first.parts["pixels-pca"] == second.parts["pixels-pca"]


def test_the_error_of_an_image_is_its_distance_to_the_principal_components():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(100, 100)))[0]
    inside = rng.normal(size=(500, 32)) @ basis[:32] + 5
    found = reconstruction_errors(inside, np.concatenate([inside[:10], inside[:10] + 3 * basis[40]]))
    assert found == pytest.approx([0] * 10 + [3] * 10, abs=1e-6)


def test_pictures_of_few_pixels_keep_half_of_their_components():
    """Four equal directions of eight: the error is not 0 for all."""
    images = np.random.default_rng(0).normal(size=(200, 8))
    assert np.square(reconstruction_errors(images, images)).mean() == pytest.approx(4, abs=1)


# Its cost, its protocol, and what is not measured


def test_the_protocol_states_the_counts():
    assert METRIC.protocol(Scale(2000, 5000, 20_000, 5_000)) == (
        "anomaly-auroc:classes=20,detector=knn5,pca=32,fit=5000,n=10000,test=5000:v1"
    )
    assert METRIC.protocol(Scale(100, 200, 20_000, 300)) == (
        "anomaly-auroc:classes=20,detector=knn5,pca=32,fit=300,n=300,test=150:v1"
    )


def test_at_most_5000_images_of_20_classes_are_fitted(make_context, toys, monkeypatch):
    spec = Spec("many", 1, 4, tuple(f"c{label}" for label in range(30)))
    labels, images = torch.arange(8_000) % 30, torch.randint(256, (8_000, 1, 4, 4), dtype=torch.uint8)
    data = Data(spec, images, labels)
    seen: list[tuple[int, ...]] = []

    def spy(fit: np.ndarray, test: np.ndarray) -> np.ndarray:
        seen.append((len(fit), len(test)))
        return test[:, 0]

    monkeypatch.setattr(anomaly, "neighbour_distances", spy)
    monkeypatch.setattr(anomaly, "reconstruction_errors", spy)
    dataset = Dataset(spec, data, data[:60], data[:3_000], "many")
    found = METRIC.compute(make_context(dataset=dataset, samples=None, n=1_000, anchor=NoiseCodes(spec)))
    assert seen == [(5_000, 3_000)] * 40
    assert len(classes_of(found)) == 20
    assert {"c0", "c29"} < found.parts.keys()


def test_one_class_is_a_dash(make_context, toys):
    spec = replace(toys.spec, classes=("only",))
    data = Data(spec, toys.toy_images(200, 0).images, torch.zeros(200, dtype=torch.int64))
    with pytest.raises(NotMeasured, match="expected at least 2 classes, one of them to hold out, got 1"):
        METRIC.compute(make_context(dataset=Dataset(spec, data, data, data, "only"), anchor=NoiseCodes(spec)))


def test_codes_that_are_all_the_same_are_a_dash(measure):
    with pytest.raises(NotMeasured, match="expected codes that vary, got the same codes for all 300 training images"):
        measure(lambda classes, noise: torch.full_like(noise, 0.1))


def test_a_class_without_test_images_is_a_dash(measure, toys):
    data = striped(toys)
    lacking = replace(data, test=data.test[data.test.labels != 1])
    with pytest.raises(NotMeasured, match="class 'middle': expected test images, got none of 150"):
        measure(far, lacking)


def test_too_few_training_images_of_the_other_classes_are_a_dash(measure, toys):
    data = striped(toys)
    order = data.train.labels.argsort(descending=True, stable=True)
    lacking = replace(data, train=data.train[torch.cat([order[:20], order[-4:]])])
    with pytest.raises(NotMeasured, match="class 'right': expected at least 5 training images of other classes, got 4"):
        measure(far, lacking, reference=20)


def test_a_class_that_training_lacks_is_measured_like_the_others(measure, toys):
    data = striped(toys)
    found = measure(far, replace(data, train=data.train[data.train.labels != 1]))
    assert classes_of(found)["middle"] == 1
    assert math.isfinite(found.value)
