"""What the control metrics of one job cost: run with `pytest tests/benchmarks --benchmark-only`."""

import resource
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.api import Classifier, Code, Data, Generator
from bench.backbones import ResNetTiny
from bench.data.sprites import Sprites
from bench.evaluation.anchor_codes import TrueFactors
from bench.metrics import METRICS, EvaluationContext
from bench.metrics.control.factors import FactorOracle
from bench.metrics.metric import NotMeasured

pytestmark = pytest.mark.benchmark(timer=time.process_time)  # CPU seconds: the machine may be busy


class Renderer(Generator):
    """Sprites drawn from their factors, with ten codes; counts the seconds that drawing takes."""

    Config, source = object, ""

    def __init__(self, data: Data) -> None:
        super().__init__(None, data.spec)
        self.renderer, self.seconds = Sprites(), 0.0
        noise = (Code(f"noise {column}", "continuous", (column,)) for column in range(7, 10))
        self.code_layout = (*TrueFactors(self.renderer, data).code_layout, *noise)

    def fit(self, data: Any, run: Any) -> None: ...

    def draw_codes(self, n: int, rng: torch.Generator) -> torch.Tensor:
        return torch.cat([self.renderer.draw_factors(n, rng), torch.randn((n, 3), generator=rng)], dim=1)

    def decode(self, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        started = time.process_time()
        images = self.renderer.render(codes[:, : len(self.spec.factors)], self.spec.size).float() / 255
        self.seconds += time.process_time() - started
        return images

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)).repeat(1, 4)[:, :10] + images[:, :1, 0, :10].mean(1)

    def sample(self, n: int, rng: torch.Generator) -> torch.Tensor:
        return self.decode(self.draw_codes(n, rng), rng)


def test_all_control_metrics_of_a_job(benchmark, tmp_path: Path):
    """Target: under 60 CPU-seconds at `quick` beyond drawing, and under 2 GB (`extra_info.peak_mb`)."""
    from bench.backbones.factor_probe import FactorProbe

    torch.set_num_threads(1)
    dataset = Sprites().load()
    spec, model = dataset.spec, Renderer(dataset.test)
    probe = FactorProbe(FactorProbe.Config(), spec).eval()
    judge: Classifier = ResNetTiny(ResNetTiny.Config(), spec).eval()
    scores = {factor.name: 1.0 for factor in spec.factors}
    context = EvaluationContext(
        model=model, dataset=dataset, samples=None, conditional=False, judge=judge, judge_digest="judge", guide=judge,
        device=torch.device("cpu"), n=2000, reference=5000, seed=0, cache=tmp_path, oracle_kind="factors",
        find_oracle=lambda: FactorOracle(probe, spec, scores, "untrained"), renderer=Sprites(),
    )  # fmt: skip
    seconds: dict[str, float] = {}

    def measure() -> None:
        for metric in METRICS:
            if metric.control and not metric.missing(model, False):
                started = time.process_time()
                try:
                    metric.compute(context)
                except NotMeasured as reason:
                    print(f"{metric.name}: {reason}")
                seconds[metric.name] = round(time.process_time() - started, 2)

    benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["seconds"] = seconds
    benchmark.extra_info["drawing_seconds"] = model.seconds
    benchmark.extra_info["seconds_beyond_drawing"] = sum(seconds.values()) - model.seconds
    benchmark.extra_info["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(benchmark.extra_info)
