"""Measure disentangling VAEs on the validation split of sprites: the figures of the README, section 7.

`python plugins/baselines/tests/measure_encoders.py ENTRY [IMAGES] [SEED] [NAME=VALUE ...]`, with the number of training
images (60,000 by default) and settings of the entry. Prints R and KL in nats, the number of active codes, MIG, DCI
disentanglement and completeness of the means of q(c|x), and seconds of CPU time.
"""

import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray

from bench import Data, Run, Spec, to_float
from bench.config import build
from bench.data.sprites import Sprites
from bench.experiment.device import find_device
from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness
from bench.metrics.disentanglement.mig import mutual_information_gap
from bench.parts.disentangling import ACTIVE, kl_of_codes
from bench_baselines import bench_generators
from bench_baselines.disentangled import DisentangledVae


def main(entry: str, *arguments: str) -> None:
    numbers = [int(it.replace("_", "")) for it in arguments if "=" not in it]
    images, seed = [*numbers, *(60_000, 0)[len(numbers) :]]
    settings = dict(it.split("=", 1) for it in arguments if "=" in it)
    train, validation = splits()
    start = time.process_time()
    model = fitted(entry, settings, train.spec, train, images, seed)
    print(entry, images, seed, settings, report(model, validation), f"{time.process_time() - start:.0f} s", flush=True)


def splits() -> tuple[Data, Data]:
    loaded = Sprites().load(32)
    return loaded.train, loaded.validation


def fitted(entry: str, settings: dict[str, str], spec: Spec, train: Data, images: int, seed: int) -> DisentangledVae:
    target = bench_generators()[entry]
    torch.manual_seed(seed)
    model = target(build(target.Config, settings, entry), spec)
    assert isinstance(model, DisentangledVae)
    model.fit(train, Run(model, images=images, seed=seed, precision=find_device("cpu", 1).precision))
    return model


@torch.no_grad()
def report(model: DisentangledVae, data: Data) -> str:
    """Figures of the encoder: MIG of all of `data`; DCI learns from 70 % of it and predicts the rest."""
    x, kinds = to_float(data.images), [factor.kind for factor in data.spec.factors]
    terms, kl = model.vae(x, torch.Generator().manual_seed(0)), kl_of_codes(model.vae, x)
    factors, codes = turns(data), model.encode(x).double().numpy()
    mig = mutual_information_gap(codes, factors, kinds)
    train = int(0.7 * len(data))
    dci = disentanglement_completeness_informativeness(codes, factors, kinds, train=train, test=len(data) - train)
    each = " ".join(f"{value:.1f}" for value in sorted(kl.tolist(), reverse=True))
    gaps = " ".join(f"{factor.name} {mig.parts.get(i, 0):.2f}" for i, factor in enumerate(data.spec.factors))
    return (
        f"R {terms.pixels.mean():.1f} KL {kl.sum():.2f} ({each}) active {int((kl > ACTIVE).sum())} MIG {mig.value:.3f} "
        f"({gaps}) DCI {dci.disentanglement:.3f} {dci.completeness:.3f} {dci.informativeness:.3f}"
    )


def turns(data: Data) -> NDArray[np.float64]:
    """The factors (n, j), angles in turns, as the metrics take them."""
    assert data.factors is not None
    table = data.factors.double().numpy().copy()
    for column, factor in enumerate(data.spec.factors):
        if factor.kind == "circular":
            table[:, column] = (table[:, column] - factor.low) / (factor.high - factor.low) % 1.0
    return table


if __name__ == "__main__":
    main(*sys.argv[1:])
