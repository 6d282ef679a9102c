"""The dose-response curve of class mixing."""

import pytest
import torch

from bench.metrics import METRICS
from bench.metrics.metric import NotMeasured

METRIC = {metric.name: metric for metric in METRICS}


def context_of(make_context, toys, law):
    """A method whose mixtures show the first third as bright as `law` of its share, for a judge that reads brightness."""

    class Mixer(toys.Plain):
        def sample_mixture(self, weights, rng):
            images = torch.zeros(len(weights), *self.spec.shape)
            shares = law(weights, rng)
            for k in range(3):
                images[..., 5 * k : 5 * k + 5] = shares[:, k, None, None, None]
            return images

    class LogJudge(toys.Thirds):
        def logits(self, images):
            return self.features(images)[-1][:, :3].clamp(min=1e-4).log()  # the softmax gives the shares back

    return make_context(model=Mixer(), samples=None, judge=LogJudge())


def test_shares_that_show_as_asked_have_a_perfect_response_and_calibration(make_context, toys):
    context = context_of(make_context, toys, lambda weights, rng: weights)
    measured = METRIC["mixture-response"].compute(context)
    assert measured.value == pytest.approx(1, abs=1e-3)
    assert [measured.parts[f"{dose / 10:g}"] for dose in range(11)] == pytest.approx(
        [d / 10 for d in range(11)], abs=0.01
    )
    assert METRIC["mixture-calibration"].compute(context).value == pytest.approx(0, abs=0.01)


def test_a_step_at_one_half_keeps_the_order_and_loses_calibration(make_context, toys):
    steep = lambda weights, rng: (weights**8) / (weights**8).sum(1, keepdim=True)  # noqa: E731
    context = context_of(make_context, toys, steep)
    assert METRIC["mixture-response"].compute(context).value > 0.95
    assert METRIC["mixture-calibration"].compute(context).value > 0.1


def test_mixtures_that_jump_are_not_calibrated_even_if_their_mean_is(make_context, toys):
    """Each pair jumps from one class to the other at a share of its own."""
    shares = (torch.arange(50) + 0.5) / 50

    def law(weights, rng):
        first = weights.gather(1, (torch.arange(50) % 3)[:, None])[:, 0] > shares
        hard = torch.zeros_like(weights)
        hard[torch.arange(50), torch.where(first, torch.arange(50) % 3, (torch.arange(50) + 1) % 3)] = 1
        return hard

    assert METRIC["mixture-calibration"].compute(context_of(make_context, toys, law)).value > 0.2


def test_mixtures_that_ignore_the_share_have_no_response(make_context, toys):
    context = context_of(make_context, toys, lambda weights, rng: torch.full_like(weights, 1 / 3))
    assert METRIC["mixture-response"].compute(context).value == 0


def test_the_same_random_state_is_used_for_every_share(make_context, toys):
    seen = []

    def law(weights, rng):
        seen.append(torch.rand(1, generator=rng).item())
        return weights

    METRIC["mixture-response"].compute(context_of(make_context, toys, law))
    assert len(seen) == 11
    assert len(set(seen)) == 1


def test_one_class_cannot_be_mixed(make_context, toys):
    context = context_of(make_context, toys, lambda weights, rng: weights)
    context.spec = type(context.spec)("one", 1, 16, ("only",))
    with pytest.raises(NotMeasured, match="expected at least two classes, got 1"):
        METRIC["mixture-response"].compute(context)
