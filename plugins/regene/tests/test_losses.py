"""The terms of the losses, against values known in closed form."""

import pytest
import torch

from bench_regene.losses import CentreLoss, Variances, feature_loss


def test_variances_are_those_of_all_batches_together() -> None:
    """Of 1,000 images in uneven batches: the mean over units of the variance over images."""
    rng = torch.Generator().manual_seed(0)
    maps = 3 + 2 * torch.randn(1_000, 4, 5, 5, generator=rng)
    codes = torch.randn(1_000, 7, generator=rng)
    running = Variances()
    for size in (slice(0, 300), slice(300, 1_000)):
        running.add([maps[size], codes[size]])
    expected = torch.stack([maps.var(0, correction=0).mean(), codes.var(0, correction=0).mean()])
    torch.testing.assert_close(running.result(), expected)


def test_the_feature_loss_of_always_saying_the_mean_is_one_whatever_the_scale_of_a_layer() -> None:
    rng = torch.Generator().manual_seed(0)
    targets = [100 * torch.randn(500, 3, 2, 2, generator=rng), 0.01 * torch.randn(500, 6, generator=rng)]
    running = Variances()
    running.add(targets)
    means = [layer.mean(0, keepdim=True).expand_as(layer) for layer in targets]
    assert float(feature_loss(means, targets, running.result())) == pytest.approx(1, abs=1e-4)
    assert float(feature_loss(targets, targets, running.result())) == 0


def test_the_feature_loss_of_a_layer_that_never_changes_is_finite() -> None:
    assert feature_loss([torch.zeros(2, 3)], [torch.zeros(2, 3)], torch.zeros(1)).isfinite()


def test_the_centre_loss_is_the_squared_distance_to_the_class_centre_and_moves_it() -> None:
    loss = CentreLoss(2, 3)
    loss.centres.data[1] = torch.tensor([1.0, 0.0, 0.0])
    value = loss(torch.tensor([[0.0, 3.0, 4.0], [1.0, 2.0, 0.0]]), torch.tensor([0, 1]))
    assert value.item() == pytest.approx((25 + 4) / 2)
    value.backward()
    assert loss.centres.grad is not None
    assert loss.centres.grad.tolist() == [[0, -3, -4], [0, -2, 0]]
