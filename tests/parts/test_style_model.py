"""The style-based GAN: its codes, its nuisance, growth while training, and settings that are refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import BenchError, Data, Run, Spec
from bench.parts.scale_codes import draw_codes, parse_codes
from bench.parts.style_model import RandomCodes, StyleConfig, StyleModel, default_codes, first_gains, stage_of
from bench.testing.fixtures import DIGITS, digits

TINY = StyleConfig(width=4, z_dim=5, mapping_width=8, mapping_depth=2, batch_size=32, r1_every=3)


class Model(StyleModel):
    source = "a test"

    def fit(self, data: Data, run: Run) -> None:
        self.train_with(RandomCodes(self), data, run)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(config: StyleConfig = TINY, spec: Spec = DIGITS) -> Model:
    torch.manual_seed(0)
    return Model(config, spec)


@pytest.mark.parametrize(
    ("scales", "channels", "codes"),
    [
        ([5], 1, "5: 2"),
        ([5], 3, "5: 2"),
        ([4, 8], 1, "4: 2, 8: 1"),
        ([4, 8], 3, "4: 2, 8: 1 + circle"),
        ([7, 14, 28], 1, "7: 2, 14: 1, 28: 1"),
        ([4, 8, 16, 32], 1, "4: 2, 8: 1, 32: 1"),
        ([4, 8, 16, 32], 3, "4: 2, 8: 1, 32: 1 + circle"),
        ([4, 8, 16, 32, 64], 3, "4: 2, 8: 1, 64: 1 + circle"),
    ],
)
def test_images_of_every_size_have_codes_by_default(scales: list[int], channels: int, codes: str) -> None:
    assert default_codes(scales, channels) == codes


def test_before_the_training_codes_of_all_kinds_count_the_same_but_circles_a_tenth() -> None:
    codes = parse_codes("4: 1 + 3-way, 8: circle")
    gains = torch.tensor(first_gains(codes, influence=5.0))
    powers = gains.square() * draw_codes(codes, 50_000, rng()).var(0)
    found = [float(powers[list(code.columns)].sum()) for code in codes]
    assert found == pytest.approx([5.0, 5.0, 0.5], rel=0.02)


@pytest.mark.parametrize("inject", ["per-scale", "global"])
def test_the_codes_are_those_that_the_setting_lists(inject: Any) -> None:
    made = model(replace(TINY, codes="8: circle, 4: 3-way", inject=inject))
    assert [(code.name, code.kind, code.columns) for code in made.code_layout] == [
        ("8a", "circular", (0, 1)),
        ("4a", "categorical", (2, 3, 4)),
    ]
    assert made.draw_codes(7, rng()).shape == (7, 5)
    assert made.decode(made.draw_codes(7, rng()), rng()).shape == (7, 1, 8, 8)


def test_images_are_in_the_unit_interval() -> None:
    images = model().sample(16, rng())
    assert 0 <= images.min() < images.max() <= 1


def stages_while_trained(config: StyleConfig) -> list[float]:
    made, found = model(config), list[float]()
    made.generator.register_forward_pre_hook(lambda network, _: found.append(network.stage))
    made.fit(digits(), Run(made, images=20 * 32))
    found.append(made.generator.stage)
    return found


def test_both_networks_grow_to_the_full_size_and_end_there() -> None:
    config = replace(TINY, grow=0.5)
    spec = Spec("digits", 1, 32, tuple("ab"))
    made, found = model(config, spec), list[float]()
    made.generator.register_forward_pre_hook(lambda network, _: found.append(network.stage))
    data = Data(spec, torch.randint(0, 256, (64, 1, 32, 32), dtype=torch.uint8), torch.zeros(64, dtype=torch.int64))
    made.fit(data, Run(made, images=20 * 32))
    assert found == sorted(found)
    assert found[0] == 1
    assert any(stage % 1 for stage in found)
    assert set(found[20:]) == {3.0}
    assert made.generator.stage == made.discriminator.stage == 3


def test_without_growth_all_images_have_the_full_size() -> None:
    assert set(stages_while_trained(TINY)) == {1.0}


def test_a_scale_is_held_as_long_as_it_is_blended_in() -> None:
    assert [stage_of(done / 8, 1, 3) for done in range(9)] == [1, 1, 1, 1.5, 2, 2, 2, 2.5, 3]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"codes": "4: 1-way"}, "expected at least 2 values of a categorical code, got '1-way'"),
        ({"codes": "four"}, "codes: expected"),
        ({"z_dim": 0}, "z_dim must be at least 1, got 0"),
        ({"style_mixing": 1.5}, "style_mixing must lie in 0 ... 1"),
        ({"grow": -0.1}, "grow must lie in 0 ... 1"),
        ({"mapping_depth": 0}, "mapping_depth must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_an_invalid_setting_is_one_sentence(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StyleConfig(**setting)


@pytest.mark.parametrize(
    ("setting", "size", "message"),
    [
        ({"codes": "16: 1"}, 8, "expected scales among 4, 8, got 16; the nearest is 8"),
        ({"codes": "4: 9"}, 8, "expected at most 8 columns at scale 4"),
        ({}, 36, "got 36; the nearest are 32 and 40"),
    ],
)
def test_codes_and_sizes_that_do_not_fit_are_one_sentence(setting: dict[str, Any], size: int, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        model(replace(TINY, **setting), Spec("sizes", 1, size, ("a", "b")))


def test_a_data_set_of_one_image_is_refused() -> None:
    made = model()
    with pytest.raises(BenchError, match="at least 2 training images, got 1"):
        made.fit(digits()[:1], Run(made, images=64))
