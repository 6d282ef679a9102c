"""The divergence guard: it goes back to the last good state, and gives up with it restored."""

import copy

import pytest
import torch
from torch import nn

from bench import Diverged
from bench_stic.guard import ABOVE, FEW, FOR, KEEP_EVERY, MOST, TIMES, Guard

ONE = torch.ones(4)
GOOD = torch.tensor(0.5)


@pytest.fixture
def net() -> nn.Module:
    return nn.Linear(2, 1)


def values(net: nn.Module) -> list[float]:
    return [float(value.sum()) for value in net.state_dict().values()]


def test_a_loss_that_is_no_number_goes_back_to_the_start(net: nn.Module) -> None:
    guard, before = Guard(net=net), values(net)
    nn.init.constant_(net.weight, torch.nan)
    assert guard.watch(torch.tensor(torch.nan))
    assert values(net) == before
    assert guard.returns == 1


def test_a_good_state_is_kept_now_and_then(net: nn.Module) -> None:
    guard = Guard(net=net)
    nn.init.constant_(net.weight, 3.0)
    kept = values(net)
    assert not any(guard.watch(GOOD, ONE, ONE) for _ in range(KEEP_EVERY))
    nn.init.constant_(net.weight, 9.0)
    assert guard.watch(torch.tensor(torch.inf), ONE, ONE)
    assert values(net) == kept


def test_energies_far_above_their_median_are_a_divergence(net: nn.Module) -> None:
    guard = Guard(net=net)
    for _ in range(FEW):
        assert not guard.watch(GOOD, 2 * ONE, 2 * ONE)
    assert not guard.watch(GOOD, 0.9 * 2 * TIMES * ONE, 2 * TIMES * ONE)
    assert guard.watch(GOOD, 1.1 * 2 * TIMES * ONE, 2 * TIMES * ONE)


def test_fakes_above_real_images_for_long_are_a_divergence(net: nn.Module) -> None:
    guard = Guard(net=net)
    fakes = (ABOVE + 1.5) * ONE
    assert not any(guard.watch(GOOD, fakes, ONE) for _ in range(FOR - 1))
    assert guard.watch(GOOD, fakes, ONE)
    assert not guard.watch(GOOD, fakes, ONE)  # counted anew


def test_it_gives_up_with_the_last_good_state_restored(net: nn.Module) -> None:
    guard, before = Guard(net=net), values(net)
    for _ in range(MOST):
        assert guard.watch(torch.tensor(torch.nan))
    nn.init.constant_(net.weight, torch.nan)
    with pytest.raises(Diverged, match=rf"{MOST} returns to a good state included: loss = nan"):
        guard.watch(torch.tensor(torch.nan))
    assert values(net) == before


def test_its_state_is_all_it_remembers(net: nn.Module) -> None:
    guard, other = Guard(net=net), Guard(net=nn.Linear(2, 1))
    for _ in range(7):
        guard.watch(GOOD, 2 * ONE, ONE)
    other.load_state_dict(copy.deepcopy(guard.state_dict()))
    assert (other.step, other.history) == (7, [2.0] * 7)
    assert torch.equal(other.good["net"]["weight"], net.state_dict()["weight"])
