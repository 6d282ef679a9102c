"""The conformance tests of bench for the metric, and its closed forms."""

import math

import pytest
import torch
from bench_spectrum import SpectrumDistance
from bench_spectrum.spectrum import profile

from bench.testing import promises


@pytest.mark.parametrize("promise", promises(SpectrumDistance), ids=str)
def test_it_passes_the_conformance_test(promise):
    promise()


def wave(count: int, size: int = 32, amplitude: float = 100) -> torch.Tensor:
    """One image with so many waves from left to right."""
    line = 127.5 + amplitude * torch.cos(2 * math.pi * count * torch.arange(size) / size)
    return line.expand(1, 1, size, size).round().to(torch.uint8)


@pytest.mark.parametrize("count", [1, 5, 12])
def test_a_wave_has_its_power_at_its_own_frequency(count):
    assert int(profile(wave(count)).argmax()) == count - 1


def test_half_the_amplitude_is_a_quarter_of_the_power():
    quarter = profile(wave(4))[3] - profile(wave(4, amplitude=50))[3]
    assert float(quarter) == pytest.approx(math.log10(4), abs=0.01)


def test_brightness_does_not_count():
    torch.testing.assert_close(profile(wave(3, amplitude=60)), profile(wave(3, amplitude=60) + 20))
