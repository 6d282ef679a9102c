"""The command that measures the throughput of trainings counts what it says."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from bench.experiment.device import Device

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
throughput = pytest.importorskip("throughput")

CPU = Device("cpu", 1, "float32", "cpu")


def test_operations_are_those_of_the_formula() -> None:
    layer, x = nn.Conv2d(3, 8, 3, padding=1, bias=False), torch.rand(5, 3, 16, 16)
    forward = 2 * 5 * 8 * 16 * 16 * 3 * 9
    assert throughput.operations_of(lambda: layer(x)) == forward
    assert throughput.operations_of(lambda: layer(x).sum().backward()) == 2 * forward  # no gradient of the images
    assert throughput.operations_of(lambda: layer(x.clone().requires_grad_()).sum().backward()) == 3 * forward


def test_the_networks_that_a_training_calls_are_those_that_are_compiled() -> None:
    data = throughput.random_data(16)
    model = throughput.new_model("vae", data, CPU)
    names = throughput.called_from_outside(model, throughput.prepared(model, data, CPU, 64))
    assert names
    assert all(isinstance(model.get_submodule(name), nn.Module) for name in names)
    nested = [(a, b) for a in names for b in names if b.startswith(f"{a}.")]
    assert not nested, "a module inside another one was called from outside of it"


def test_shares_are_between_nothing_and_all_of_the_device() -> None:
    data = throughput.random_data(16)
    measured = throughput.measure("vae", data, CPU, 256)
    assert measured.images_per_second > 0
    assert measured.operations_per_image > 1e6
    assert 0 < measured.utilisation < 1.2  # of a product of matrices on a machine that may be busy
    assert 0 < measured.in_operators <= 1.05
    assert "vae" in str(measured)
