"""What the discriminative term costs: run with `pytest tests/benchmarks --benchmark-only`. No time is asserted."""

import time
from statistics import median

import pytest
import torch

from bench.api import Data, Spec
from bench.backbones import bench_classifiers
from bench.training_run import Run
from bench_dr_vae import DrVae, DrVaeConfig
from bench_dr_vae.term import Term, term_of

BATCH, ROUNDS = 64, 7
SPEC = Spec("speed", 3, 32, tuple("abcdefgh"))


@pytest.fixture
def parts() -> tuple[DrVae, Run, Term]:
    """The default VAE for colour images of 32 pixels, and the term over all maps of the default guide."""
    torch.manual_seed(0)
    target = bench_classifiers()["resnet-xs"]
    guide = target(target.Config(), SPEC)
    model = DrVae(DrVaeConfig(), SPEC).train()
    data = Data(SPEC, torch.zeros(BATCH, *SPEC.shape, dtype=torch.uint8), torch.zeros(BATCH, dtype=torch.int64))
    assert len(data) == BATCH
    return model, Run(model, images=BATCH), term_of(guide, model.config, 0).train()


def seconds(work, *args) -> float:
    started = time.process_time()
    work(*args)
    return time.process_time() - started


def step(model: DrVae, run: Run, term: Term | None, x: torch.Tensor) -> None:
    """Loss and gradient, without the optimizer."""
    model.zero_grad()
    model.loss(x, run, term)[0].backward()


def passes(term: Term, x: torch.Tensor) -> None:
    """The classifier forward without a graph, forward with one, and back to the image; the likelihoods."""
    with torch.no_grad():
        target = term.features(x)
    mean = x.clone().requires_grad_()
    sum(it.mean() for it in term(target, mean).values()).backward()


def naive(model: DrVae, run: Run, term: Term, x: torch.Tensor) -> None:
    """The step with a graph for the features of the input too, as if they could learn from it."""
    model.zero_grad()
    terms = model.vae(x, run.rng)
    target = term.features(x.clone().requires_grad_())
    term.add(terms.loss, term(target, terms.mean)).backward()


def test_the_term(benchmark, parts):
    """Targets: `extra_info.of_passes`, what the term adds to a step as a share of the classifier's own passes, about 1;
    `extra_info.of_naive` below 1 (CPU seconds, interleaved, medians)."""
    model, run, term = parts
    x = torch.rand(BATCH, *SPEC.shape).contiguous(memory_format=torch.channels_last)
    works = [(step, model, run, None, x), (step, model, run, term, x), (passes, term, x), (naive, model, run, term, x)]
    for work in works:
        seconds(*work)
    rows = [[seconds(*work) for work in works] for _ in range(ROUNDS)]
    plain, ours, own, slow = (median(column) for column in zip(*rows, strict=True))
    benchmark.extra_info["of_passes"] = (ours - plain) / own
    benchmark.extra_info["of_plain"] = ours / plain
    benchmark.extra_info["of_naive"] = ours / slow
    benchmark.pedantic(step, (model, run, term, x), rounds=1)
