"""The configurations of the release (id_gan.md, 3.2 to 3.5) build, and train with finite losses."""

import math
from dataclasses import replace

import pytest
import torch

from bench import Data, Run, Spec
from bench.data.faces import Faces
from bench_id_gan import IdGan
from bench_id_gan.recipes import RECIPES

SIDES = {"celeba-256": 256, "celeba-hq": 1024}  # pixels; 64 otherwise


def sizes(model: IdGan) -> tuple[int, int]:
    return model.vae.size, model.generator.state_dict()["linear.weight"].shape[1]


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "dsprites"])
def test_a_recipe_has_an_encoder_of_64_pixels_and_a_generator_of_256_and_20_inputs(name: str) -> None:
    with torch.device("meta"):
        model = IdGan(RECIPES[name], Spec(name, 3, SIDES.get(name, 64), ("a", "b")))
    assert sizes(model) == (64, 256 + 20)


def test_the_recipe_for_dsprites_draws_with_the_networks_of_the_vae_and_without_a_nuisance() -> None:
    model = IdGan(RECIPES["dsprites"], Spec("dsprites", 1, 64, ("a", "b")))
    ours, theirs = model.generator.state_dict(), model.vae.decoder.state_dict()
    assert [it.shape for it in ours.values()] == [it.shape for it in theirs.values()]


def losses(name: str, images: int, data: Data) -> dict[str, float]:
    """The last reported values of a training with a recipe, stage 1 on smaller batches."""
    found: dict[str, float] = {}
    model = IdGan(replace(RECIPES[name], vae_batch=2), data.spec)
    model.fit(data, Run(model, images=images, progress=lambda *report: found.update(report[3])))
    return found


def test_the_recipe_for_1024_pixels_takes_steps_with_finite_losses_on_faces() -> None:
    pytest.importorskip("dicebear", reason="faces need dicebear-core: pip install 'classifier-bench[faces]'")
    source = Faces()
    pixels = source.render(source.draw_factors(2, torch.Generator().manual_seed(0)), 1024)
    found = losses("celeba-hq", 5, Data(Spec("large", 3, 1024, ("a", "b")), pixels, torch.tensor([0, 1])))
    assert {"loss_d", "loss_g", "l_id", "r1"} <= found.keys()
    assert all(math.isfinite(it) for it in found.values())
