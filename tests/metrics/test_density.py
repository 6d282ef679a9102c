"""Bits per dimension: closed forms, the tightness of more draws, what is refused, and what it does not depend on."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.api import Data, Generator, Spec, capabilities
from bench.errors import BenchError
from bench.metrics import density
from bench.metrics.density import MOST, bits, bits_per_dimension, dequantized, log_mean_exp
from bench.metrics.metric import NotMeasured
from bench.parts.gaussian import gaussian_nll, log_weight

SPEC = Spec("four", 1, 2, ("a", "b", "c"))
SIDE = 2 * SPEC.size  # pixels of an image


class Linear(Generator):
    """x = W z + 0.5 + 0.1 e, z and e standard normal: p(x) and p(z|x) are known. `shift` makes q(z|x) worse."""

    source = ""

    def __init__(self, shift: float = 0.0, spec: Spec = SPEC) -> None:
        super().__init__(None, spec)
        values = math.prod(spec.shape)
        self.matrix = 0.15 * torch.randn(values, 2, generator=torch.Generator().manual_seed(5))
        self.shift, self.calls = shift, []
        precision = torch.eye(2) + self.matrix.T @ self.matrix / 0.01
        self.covariance = torch.linalg.inv(precision)
        whole = self.matrix.double() @ self.matrix.T.double() + 0.01 * torch.eye(values, dtype=torch.float64)
        self.exact = torch.distributions.MultivariateNormal(torch.full((values,), 0.5, dtype=torch.float64), whole)

    def fit(self, data, run) -> None: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        raise AssertionError("the density needs no samples")

    def log_weights(self, images: Tensor, draws: int, rng: torch.Generator) -> Tensor:
        """q is the diagonal of the true posterior."""
        self.calls.append(len(images))
        x = images.flatten(1)
        mu = (x - 0.5) @ self.matrix @ self.covariance / 0.01 + self.shift
        log_s = (0.5 * self.covariance.diagonal().log()).expand_as(mu)
        rows = []
        for _ in range(draws):
            z = mu + log_s.exp() * torch.randn(mu.shape, generator=rng)
            pixels = gaussian_nll(x, 0.5 + z @ self.matrix.T, torch.full((x.shape[1],), math.log(0.1)))
            rows.append(log_weight(pixels, z, mu, log_s))
        return torch.stack(rows)


class Known(Generator):
    """A model whose log density of every image is known: `log_p` of the images, (n,)."""

    source = ""

    def __init__(self, log_p, spec: Spec = SPEC) -> None:
        super().__init__(None, spec)
        self.log_p = log_p

    def fit(self, data, run) -> None: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        raise AssertionError("the density needs no samples")

    def log_weights(self, images: Tensor, draws: int, rng: torch.Generator) -> Tensor:
        return self.log_p(images).expand(draws, -1)


@pytest.fixture
def four() -> Data:
    """600 images of four pixels, drawn from the linear model and quantized."""
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(600, 2, generator=rng) @ Linear().matrix.T + 0.5 + 0.1 * torch.randn(600, 4, generator=rng)
    pixels = (x.clamp(0, 1) * 255).round().to(torch.uint8).view(600, *SPEC.shape)
    return Data(SPEC, pixels, torch.arange(600) % 3)


@pytest.fixture
def context_of(make_context, dataset, four):
    def make(model, n: int = 600, data: Data = four, **changes):
        whole = replace(dataset, spec=data.spec, train=data, validation=data, test=data)
        return make_context(model=model, dataset=whole, n=n, reference=n, samples=None, **changes)

    return make


def test_a_uniform_density_costs_exactly_8_bits(context_of) -> None:
    found = bits_per_dimension(context_of(Known(lambda x: torch.zeros(len(x)))))
    assert (found.value, found.n, dict(found.parts)) == (8.0, MOST, {"elbo": 8.0, "se": 0.0})


def test_a_density_of_half_the_levels_costs_a_bit_less(context_of, four) -> None:
    """2 per pixel below one half: log2 p is 1 for each of them."""
    dark = replace(four, images=four.images // 2)
    model = Known(lambda x: torch.where((x < 0.5).flatten(1).all(1), SIDE * math.log(2), -1e3))
    assert bits_per_dimension(context_of(model, data=dark)).value == pytest.approx(7, abs=1e-6)


def test_the_true_levels_cost_their_entropy_under_a_density_that_is_flat_within_each(context_of, four) -> None:
    """With p(y) constant within each level the bound is tight: the cross-entropy of levels, in closed form."""
    probability = torch.softmax(-((torch.arange(256) - 128.0) / 50).square(), 0)
    model = Known(lambda x: (256 * probability)[(x * 256).long()].log().flatten(1).sum(1))
    context = context_of(model)
    wanted = -probability[context.test.images[:MOST].long()].log2().mean()
    assert bits_per_dimension(context).value == pytest.approx(float(wanted), abs=1e-5)


def test_a_linear_gaussian_model_costs_what_its_density_says(context_of) -> None:
    context = context_of(Linear())
    y = dequantized(context.test.images[:MOST], 0).double().flatten(1)
    wanted = bits(Linear().exact.log_prob(y), SIDE)
    found = bits_per_dimension(context)
    assert found.value == pytest.approx(float(wanted.mean()), abs=0.01)
    assert found.value < found.parts["elbo"]
    assert found.parts["se"] == pytest.approx(float(wanted.std()) / MOST**0.5, rel=0.1)


def test_more_draws_tighten_the_bound_towards_the_density(context_of, monkeypatch) -> None:
    values = []
    for draws in (1, 10, 100, 1_000):
        monkeypatch.setattr(density, "DRAWS", draws)
        values.append(bits_per_dimension(context_of(Linear(shift=0.4))).value)
    context = context_of(Linear())
    exact = bits(Linear().exact.log_prob(dequantized(context.test.images[:MOST], 0).double().flatten(1)), SIDE).mean()
    assert values == sorted(values, reverse=True)
    assert values[0] > exact + 0.3
    assert values[-1] == pytest.approx(float(exact), abs=0.02)


def test_real_images_cost_less_than_noise(context_of, four) -> None:
    noise = torch.randint(256, four.images.shape, generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    real, other = (
        bits_per_dimension(context_of(Linear(), data=replace(four, images=x))).value for x in (four.images, noise)
    )
    assert real < other - 1


def test_the_noise_stays_within_the_level() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).repeat(500).view(-1, 1, 4, 4)
    images = dequantized(pixels, 3)
    assert torch.equal((images * 256).floor().to(torch.uint8), pixels)
    assert float((images.double() * 256 - pixels).mean()) == pytest.approx(0.5, abs=0.01)
    assert torch.equal(images, dequantized(pixels, 3))
    assert not torch.equal(images, dequantized(pixels, 4))
    assert torch.equal(images[:50], dequantized(pixels[:50], 3))


def test_the_mean_of_weights_does_not_overflow() -> None:
    weights = torch.tensor([[-1e4, 1e4], [-1e4 + math.log(3), 1e4]], dtype=torch.float64)
    assert log_mean_exp(weights).tolist() == pytest.approx([-1e4 + math.log(2), 1e4])


def test_the_value_does_not_depend_on_the_batch_of_the_device_or_the_number_of_threads(context_of, monkeypatch) -> None:
    model = Linear()
    first = bits_per_dimension(context_of(model))
    assert model.calls == [50] * 5
    monkeypatch.setattr("bench.metrics.features.base.BATCH", {"cpu": 7})
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        again = bits_per_dimension(context_of(Linear()))
    finally:
        torch.set_num_threads(threads)
    assert again.value == pytest.approx(first.value, abs=1e-6)
    assert bits_per_dimension(context_of(Linear(), seed=1)).value == pytest.approx(first.value, abs=0.02)
    assert bits_per_dimension(context_of(Linear(), seed=1)).value != first.value


def test_a_model_that_says_that_it_has_no_density_is_not_measured(context_of) -> None:
    model = Known(lambda x: torch.zeros(len(x)))
    model.no_density = "its pixels are Bernoulli"
    with pytest.raises(NotMeasured, match="its pixels are Bernoulli"):
        bits_per_dimension(context_of(model))
    assert "Density" in capabilities(model)


@pytest.mark.parametrize(
    ("log_p", "message"),
    [
        (lambda x: torch.zeros(len(x), 1), r"expected shape \(100, 50\), got \(100, 50, 1\)"),
        (lambda x: torch.full((len(x),), float("nan")), "expected finite values"),
        (lambda x: torch.zeros(len(x), requires_grad=True), "requires_grad=True"),
    ],
)
def test_what_is_not_a_weight_for_each_draw_is_refused(context_of, log_p, message) -> None:
    model = Known(lambda x: torch.zeros(len(x)))
    model.log_weights = lambda images, draws, rng: log_p(images).expand(draws, *log_p(images).shape)
    with pytest.raises(BenchError, match=message):
        bits_per_dimension(context_of(model))
