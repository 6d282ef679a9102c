"""What reading attributes costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time."""

import time

import numpy as np
import pytest
import torch

from bench.data import sprites
from bench.metrics.control.morphology import Morphology
from bench.metrics.control.strokes import skeleton_length

pytestmark = pytest.mark.benchmark(timer=time.process_time)  # CPU seconds: the machine may be busy
IMAGES = 5_000


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.from_numpy(sprites.render(sprites.draw_factors(IMAGES, 0), 32))


@pytest.mark.parametrize("channels", [1, 3])
def test_morphology(benchmark, pixels, channels):
    """Target: 45,000 images in 10 seconds of one core apart from the skeleton; `extra_info.seconds_per_45000`."""
    benchmark.pedantic(Morphology(channels).read, (pixels[:, :channels],), rounds=3, warmup_rounds=1)
    benchmark.extra_info["seconds_per_45000"] = benchmark.stats.stats.median * 45_000 / IMAGES


def test_skeletons(benchmark, pixels):
    """The part of it that thins the shapes."""
    inside = np.ascontiguousarray(pixels[:, 0].numpy() > 127)
    benchmark.pedantic(skeleton_length, (inside,), rounds=3, warmup_rounds=1)
    benchmark.extra_info["seconds_per_45000"] = benchmark.stats.stats.median * 45_000 / IMAGES
