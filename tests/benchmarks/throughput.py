"""What training costs on a device: images per second, operations per image, and how much of the device is used.

    python tests/benchmarks/throughput.py vae,dr-vae,gan --device cuda --images 20000 --size 64

Methods have their default settings and train on random pixels, as a job trains: the same precision and memory format, and
images that stay on the device. The columns:

- images per second of `fit`, wall time, after a first `fit` of the same length;
- operations per image (floating-point, 2 per multiplication and addition) of all networks, forward and backward, and of
  the optimizer's matrix products, counted by torch over a short `fit`;
- utilisation: operations per second as a share of those of a product of two matrices in the same precision here;
- in operators: the share of the time that is spent in operators of torch (on a GPU: in its kernels), under the profiler.
  A bare loop around the same operators could save at most the rest;
- compiled, with --compile: how many times as many images a second if torch.compile has compiled every network that the
  method calls, on a GPU as CUDA graphs ("reduce-overhead"). The time to compile is left out.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.api import Data, Model, Spec
from bench.backbones import bench_classifiers
from bench.config import build
from bench.experiment.device import Device, find_device
from bench.registry.plugins import Plugins
from bench.training_run import Run

os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler reports that there is no GPU
CLASSES, HELD, SIDE = 8, 4096, {"cpu": 1024, "cuda": 8192}  # images held; side of the matrices


class Operations(TorchDispatchMode):
    """Counts the operations of convolutions, matrix products and attention by torch's formulas.

    `FlopCounterMode` has hooks for each module, which `torch.autograd.grad` of an input refuses.
    """

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


@dataclass(frozen=True)
class Throughput:
    entry: str
    images_per_second: float
    operations_per_image: float
    utilisation: float
    in_operators: float
    compiled: float | None = None  # images per second over those without

    def __str__(self) -> str:
        return (
            f"{self.entry:<16}{self.images_per_second:>12,.0f}{self.operations_per_image / 1e6:>14,.1f}"
            f"{self.utilisation:>14.1%}{self.in_operators:>14.1%}"
            f"{'' if self.compiled is None else format(self.compiled, '>12.2f')}"
        )


HEAD = f"{'method':<16}{'images/s':>12}{'MFLOP/image':>14}{'utilisation':>14}{'in operators':>14}"


def random_data(size: int) -> Data:
    rng = torch.Generator().manual_seed(0)
    spec = Spec("random", 3, size, tuple(map(str, range(CLASSES))))
    pixels = torch.randint(0, 256, (HELD, *spec.shape), generator=rng, dtype=torch.uint8)
    return Data(spec, pixels, torch.arange(HELD) % CLASSES)


def measure(entry: str, data: Data, device: Device, images: int, compiles: bool = False) -> Throughput:
    def training() -> Callable[[], float]:
        return prepared(new_model(entry, data, device), data, device, images)

    training()()
    seconds = training()()
    operations = operations_of(training()) / images
    busy = time_in_operators(training(), device)
    used = operations * images / seconds / matrix_speed(device)
    ratio = seconds / compiled_seconds(entry, data, device, images) if compiles else None
    return Throughput(entry, images / seconds, operations, used, busy, ratio)


def compiled_seconds(entry: str, data: Data, device: Device, images: int) -> float:
    """Wall seconds of one training with compiled networks, after one that compiles them."""
    model = new_model(entry, data, device)
    names = called_from_outside(model, prepared(model, data, device, images))
    torch.compiler.reset()

    def compiled() -> float:
        model = new_model(entry, data, device)
        for name in names:
            model.get_submodule(name).compile(mode=None if device.kind == "cpu" else "reduce-overhead")
        return prepared(model, data, device, images)()

    compiled()
    return compiled()


def called_from_outside(model: Model, work: Callable[[], object]) -> list[str]:
    """The names of the modules of `model` that `work` calls while no other module is at work."""
    names, found, depth = {id(module): name for name, module in model.named_modules()}, {}, 0

    def before(module, args):
        nonlocal depth
        if depth == 0 and id(module) in names:
            found[names[id(module)]] = None
        depth += 1

    def after(module, args, out):
        nonlocal depth
        depth -= 1

    hooks = [register_module_forward_pre_hook(before), register_module_forward_hook(after)]
    try:
        work()
    finally:
        for hook in hooks:
            hook.remove()
    return list(found)


def new_model(entry: str, data: Data, device: Device) -> Model:
    torch.manual_seed(0)
    target = Plugins().find("generators", entry).target
    model: Model = target(build(target.Config, {}, entry), data.spec)
    return model.to(device.kind).to(memory_format=torch.channels_last)


def prepared(model: Model, data: Data, device: Device, images: int) -> Callable[[], float]:
    """A training of `model`, which returns its wall seconds. Nothing else happens in it, so that it can be profiled."""
    run = Run(model, images=images, device=device.kind, precision=device.precision, guide=_guide(data, device))

    def fit() -> float:
        started = time.perf_counter()
        model.fit(data, run)
        _wait(device)
        return time.perf_counter() - started

    return fit


def operations_of(work: Callable[[], object]) -> int:
    """Floating-point operations of a call, as torch counts them."""
    with Operations() as counted:
        work()
    return counted.total


def time_in_operators(work: Callable[[], float], device: Device) -> float:
    """The share of the wall time of `work`, which it returns, that operators take."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.kind != "cpu":
        activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profiler:
        seconds = work()
    events = profiler.key_averages()
    spent = sum(event.self_cpu_time_total if device.kind == "cpu" else event.self_device_time_total for event in events)
    return float(spent) / 1e6 / seconds


def matrix_speed(device: Device, rounds: int = 5) -> float:
    """Floating-point operations per second of a product of two square matrices, the best of a few rounds."""
    side = SIDE[torch.device(device.kind).type]
    a, b = (torch.randn(side, side, device=device.kind, dtype=getattr(torch, device.precision)) for _ in range(2))
    best = float("inf")
    for _ in range(rounds + 1):  # the first one is slow
        _wait(device)
        started = time.perf_counter()
        a @ b
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return float(2 * side**3 / best)


def _guide(data: Data, device: Device) -> torch.nn.Module:
    target = bench_classifiers()["resnet-xs"]
    network = target(target.Config(), data.spec).to(device.kind).to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


def _wait(device: Device) -> None:
    if device.kind != "cpu":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("entries", help="names of methods, separated by commas")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--images", type=int, default=2560, help="training images of a measurement (default: 2560)")
    parser.add_argument("--compile", action="store_true", help="compare with networks that torch.compile has compiled")
    parser.add_argument("--size", type=int, default=32, help="height and width of the images (default: 32)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device, data = find_device(options.device, 1), random_data(options.size)
    print(f"{device.name}; {matrix_speed(device) / 1e12:.2f} TFLOP/s in a product of matrices in {device.precision}")
    print(HEAD + f"{'compiled':>12}" * options.compile)
    for entry in options.entries.split(","):
        print(measure(entry, data, device, options.images, options.compile), flush=True)


if __name__ == "__main__":
    main()
