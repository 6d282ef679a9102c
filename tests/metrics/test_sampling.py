"""Drawing samples: chunks, seeds, labels, and one sentence for each way of not being images."""

import pytest
import torch

from bench.errors import BenchError
from bench.metrics.sampling import CHUNK, checked, draw_samples


def test_a_conditional_model_draws_balanced_labels(toys):
    samples, conditional = draw_samples(toys.Painter(), 90, 0, "cpu")
    assert conditional
    assert samples.labels.tolist() == [0, 1, 2] * 30
    assert samples.images.shape == (90, 1, 16, 16)
    assert samples.images.dtype == torch.uint8


def test_an_unconditional_model_draws_without_labels(toys):
    samples, conditional = draw_samples(toys.Plain(), 20, 0, "cpu")
    assert not conditional
    assert len(samples) == 20


def test_chunks_are_of_250_and_reported_as_they_come(toys):
    seen, sizes = [], []

    class Counts(toys.Plain):
        def sample(self, n, rng):
            sizes.append(n)
            return super().sample(n, rng)

    draw_samples(Counts(), 600, 0, "cpu", lambda done, total: seen.append((done, total)))
    assert CHUNK == 250
    assert sizes == [250, 250, 100]
    assert seen == [(250, 600), (500, 600), (600, 600)]


def test_each_chunk_has_its_own_generator_so_that_more_samples_begin_the_same(toys):
    few, more, other = (
        draw_samples(toys.Plain(), n, seed, "cpu")[0].images for n, seed in ((250, 7), (500, 7), (250, 8))
    )
    assert torch.equal(few, more[:250])
    assert not torch.equal(more[:250], more[250:])
    assert not torch.equal(few, other)


def test_a_model_that_reuses_its_buffer_loses_no_chunk(toys):
    class Reuses(toys.Plain):
        buffer = torch.empty((250, 1, 16, 16))

        def sample(self, n, rng):
            self.buffer.uniform_(generator=rng)
            return self.buffer[:n]

    assert torch.equal(
        draw_samples(Reuses(), 500, 0, "cpu")[0].images, draw_samples(_Copies(toys), 500, 0, "cpu")[0].images
    )


def _Copies(toys):
    class Copies(toys.Plain):
        def sample(self, n, rng):
            return torch.empty((250, 1, 16, 16)).uniform_(generator=rng)[:n].clone()

    return Copies()


def test_sampling_by_gradients_is_possible(toys):
    class ByGradient(toys.Plain):
        def sample(self, n, rng):
            x = torch.rand((n, 1, 16, 16), generator=rng, requires_grad=True)
            (grad,) = torch.autograd.grad((x**2).sum(), x)
            return (x - 0.1 * grad).detach().clamp(0, 1)

    assert len(draw_samples(ByGradient(), 10, 0, "cpu")[0]) == 10


def test_the_model_samples_in_eval_mode(toys):
    class Looks(toys.Plain):
        def sample(self, n, rng):
            assert not self.training
            return super().sample(n, rng)

    draw_samples(Looks().train(), 5, 0, "cpu")


GOOD = torch.full((4, 1, 8, 8), 0.5)


@pytest.mark.parametrize(
    ("images", "complaint"),
    [
        (GOOD.numpy(), "samples: expected a tensor, got ndarray"),
        (None, "samples: expected a tensor, got NoneType"),
        (GOOD[:3], r"samples: expected shape \(4, 1, 8, 8\), got \(3, 1, 8, 8\)"),
        (GOOD[:, 0], r"samples: expected shape \(4, 1, 8, 8\), got \(4, 8, 8\)"),
        (GOOD.double(), "samples: expected float32, got float64"),
        (GOOD.byte(), "samples: expected float32, got uint8"),
        (GOOD.to("meta"), "samples: expected images on cpu, got meta"),
        (
            GOOD.clone().requires_grad_(),
            r"samples: expected images without grad, got requires_grad=True; use `@torch.no_grad\(\)`",
        ),
        (GOOD * torch.nan, "samples: expected finite values, got 256 of 256 that are nan or inf"),
        (GOOD / 0, "samples: expected finite values, got 256 of 256 that are nan or inf"),
        (GOOD * 3, r"samples: expected values in \[0, 1\], got 1.5 to 1.5; use `.clamp\(0, 1\)`"),
        (GOOD - 0.6, r"samples: expected values in \[0, 1\], got -0.1 to -0.1; use `.clamp\(0, 1\)`"),
    ],
)
def test_invalid_images_are_refused_in_one_sentence(images, complaint):
    with pytest.raises(BenchError, match=f"^{complaint}$"):
        checked(images, (4, 1, 8, 8), torch.device("cpu"), "samples")


def test_images_are_rounded_not_truncated():
    images = torch.tensor([0.0, 1.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255]).reshape(5, 1, 1, 1)
    assert checked(images, (5, 1, 1, 1), torch.device("cpu"), "samples").flatten().tolist() == [0, 255, 0, 1, 255]
