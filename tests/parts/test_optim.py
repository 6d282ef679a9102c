"""One step of the optimizer and the average of weights."""

import torch
from torch import nn

from bench.parts.optim import MovingAverage, MuonAdamW


def test_faster_parameters_move_faster_and_all_others_do_too() -> None:
    torch.manual_seed(0)
    net, outside = nn.Linear(3, 2), nn.Parameter(torch.zeros(4))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = MuonAdamW(net, 0.1, 10, warmup=0.0, faster=[outside], speed=10)
    optimizer.step(net(torch.ones(1, 3)).sum() + outside.sum())
    assert all(not torch.equal(value, before[name]) for name, value in net.state_dict().items())
    moved = (net.bias - before["bias"]).abs().max().item()
    assert abs(outside.abs().max().item() / moved - 10) < 0.1


def test_it_resumes_exactly_from_its_state() -> None:
    def trained(breaks: int | None) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))
        optimizer = MuonAdamW(net, 0.1, 10, warmup=0.3)
        for step in range(10):
            if step == breaks:
                saved, optimizer = optimizer.state_dict(), MuonAdamW(net, 0.1, 10, warmup=0.3)
                optimizer.load_state_dict(saved)
            optimizer.step(net(torch.ones(4, 3)).square().mean())
        return net[0].weight

    assert torch.equal(trained(None), trained(4))


def test_the_average_starts_at_the_weights_and_follows_them() -> None:
    net = nn.Linear(1, 1)
    with torch.no_grad():
        net.weight.fill_(0)
    average = MovingAverage(net, 0.5)
    with torch.no_grad():
        net.weight.fill_(1)
    for _ in range(10):
        average.update(net)
    assert 0.99 < average.values["weight"].item() < 1


def test_output_layers_are_left_to_adamw() -> None:
    """Muon's step does not depend on the size of the gradient and moves a matrix by its whole spectral norm."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
    hidden, last = net[0].weight, net[2].weight
    muon, adamw = MuonAdamW(net, 0.1, 10, outputs=[last]).optimizers
    held = [{id(it) for group in one.param_groups for it in group["params"]} for one in (muon, adamw)]
    assert held == [{id(hidden)}, {id(it) for it in net.parameters()} - {id(hidden)}]
