"""Trainings on digits: what the bound does to the codes, resuming, encoding, and settings that are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import BenchError, Data, Run, to_float
from bench.testing.fixtures import Interrupt, digits, fitted
from bench_mi_control import MiControl, MiControlConfig, MiControlGlobal, MiControlGlobalConfig

TINY = MiControlConfig(
    codes="4: 1, 8: circle + 3-way", width=4, z_dim=5, mapping_width=8, mapping_depth=2, batch_size=32, r1_every=3,
    posterior_width=16,
)  # fmt: skip


@pytest.fixture
def train() -> Data:
    return digits()[:1297]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def read_back(model: MiControl, n: int = 500) -> float:
    """The correlation of the first code with what is read off its images."""
    codes = model.draw_codes(n, rng(1))
    return float(torch.corrcoef(torch.stack([codes[:, 0], model.encode(model.decode(codes, rng(2)))[:, 0]]))[0, 1])


@pytest.mark.parametrize("cls", [MiControl, MiControlGlobal])
def test_codes_are_read_back_from_the_images_that_they_give(cls: type[MiControl], train: Data) -> None:
    """Also by the average of the generator, with which the posterior was not trained."""
    config = replace(cls.Config(), codes="4: 1, 8: 1", width=8, z_dim=8, batch_size=32, ema=0.99)
    model = fitted(cls, config, train, 32 * 500)
    assert read_back(model) > 0.6


def test_without_a_weight_codes_are_not_read_back(train: Data) -> None:
    """Codes that start strong could be seen by a Q that has learned nothing, so these start weak."""
    config = MiControlConfig(codes="4: 1, 8: 1", width=8, z_dim=8, batch_size=32, w_mi=0.0, code_influence=0.01)
    assert abs(read_back(fitted(MiControl, config, train, 32 * 200))) < 0.3


def test_the_bound_is_logged_while_training(train: Data) -> None:
    found: dict[str, float] = {}
    fitted(MiControl, TINY, train, 640, progress=lambda *report: found.update(report[3]))
    assert {"loss_d", "loss_g", "r1", "nats", "live", "nats_4a", "nats_8a", "nats_8b"} <= found.keys()


@pytest.mark.parametrize("inject", ["per-scale", "global"])
def test_an_interrupted_training_ends_in_the_same_weights(train: Data, tmp_path: Path, inject: Any) -> None:
    """Growing, with styles mixed."""
    config = replace(TINY, inject=inject, grow=0.5, style_mixing=0.5)

    def fit(folder: Path, **options: Any) -> dict[str, Tensor]:
        torch.manual_seed(0)
        model = MiControl(config, train.spec)
        model.fit(train, Run(model, images=1_280, folder=folder, checkpoint_every=0.0, **options))
        return model.state_dict()

    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut", progress=Interrupt(20 * 32))
    resumed = fit(tmp_path / "cut")
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())


def test_codes_of_real_images_have_the_columns_of_the_codes(train: Data) -> None:
    model = MiControl(TINY, train.spec)
    images = to_float(train.images[:9])
    codes = model.encode(images)
    assert codes.shape == model.draw_codes(9, rng()).shape == (9, 6)
    torch.testing.assert_close(model.encode(images[4:5]), codes[4:5], atol=1e-5, rtol=1e-4)


def test_a_wasserstein_training_works_too(train: Data) -> None:
    found: dict[str, float] = {}
    config = replace(TINY, loss="wasserstein")
    fitted(MiControl, config, train, 640, progress=lambda *report: found.update(report[3]))
    assert "penalty" in found


def test_the_global_entry_differs_in_where_codes_enter_alone() -> None:
    assert replace(MiControlConfig(), inject="global") == MiControlConfig(**vars(MiControlGlobalConfig()))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"w_mi": -1.0}, "w_mi must be at least 0, got -1"),
        ({"fixed_std": 0.0}, "fixed_std must lie in 0.01 ... 10"),
        ({"posterior_width": 0}, "posterior_width must be at least 1, got 0"),
        ({"codes": "4: 1-way"}, "at least 2 values of a categorical code"),
    ],
)
def test_an_invalid_setting_is_one_sentence(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MiControlConfig(**setting)


def test_a_scale_beyond_the_images_is_one_sentence(train: Data) -> None:
    with pytest.raises(BenchError, match="expected scales among 4, 8, got 32; the nearest is 8"):
        MiControl(MiControlConfig(codes="32: 1"), train.spec)
