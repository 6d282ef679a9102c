"""The named configurations build, and take steps with finite losses (mi_control.md, 2.2 and 2.3)."""

import math
from dataclasses import replace

import pytest
import torch

from bench import Data, Run, Spec
from bench_mi_control import MiControl
from bench_mi_control.recipes import RECIPES


def spec_of(name: str) -> Spec:
    return Spec(name, 3, int(name.removeprefix("style-")), ("a", "b"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_512_channels_at_small_scales_a_deep_mapping_for_each_scale_and_ten_codes(name: str) -> None:
    with torch.device("meta"):
        model = MiControl(RECIPES[name], spec_of(name))
    weights = model.generator.state_dict()
    assert weights["constant"].shape == (1, 512, 4, 4)
    assert [weights[f"mappings.{it}.layers.7.weight"].shape for it in range(model.generator.scales)] == [
        (512, 512)
    ] * model.generator.scales
    assert len(model.codes) == 10


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_takes_steps_with_finite_losses(name: str) -> None:
    """A step on two images, with a mapping of two layers."""
    found: dict[str, float] = {}
    spec = spec_of(name)
    images = torch.randint(0, 256, (2, *spec.shape), dtype=torch.uint8)
    model = MiControl(replace(RECIPES[name], batch_size=2, mapping_depth=2), spec)
    run = Run(model, images=2, progress=lambda *report: found.update(report[3]))
    model.fit(Data(spec, images, torch.tensor([0, 1])), run)
    assert {"loss_d", "loss_g", "r1", "nats"} <= found.keys()
    assert all(math.isfinite(it) for it in found.values())
