"""Print the figures of claims.toml that are more than a test's yes: `python plugins/mi_control/tests/measure.py`.

`measure.py [IMAGES] [SEEDS] [ENTRY ...]`, by default 150,000 training images, seed 0, and all of mi-control,
mi-control-global and style-gan, on sprites:simple at 32 pixels, with the closed-form morphology as the oracle. About
10 minutes of one core for each training of 150,000 images.
"""

import sys
from pathlib import Path

import torch
from mi_control_figures import Figures, Reader, figures, fitted_reader

from bench import Data, Generator
from bench.data.sprites import Sprites
from bench.experiment.device import find_device
from bench.parts.style_model import StyleModel
from bench.run import Run
from bench_baselines import bench_generators as baselines
from bench_mi_control import MiControl, bench_generators

ENTRIES = {**bench_generators(), "style-gan": baselines()["style-gan"]}
POST_HOC = 30_000  # images to which a posterior of the twin is fitted


def main(*arguments: str) -> None:
    numbers = [int(it.replace("_", "")) for it in arguments if it.replace("_", "").isdecimal()]
    images, seeds = [*numbers, *(150_000, 1)[len(numbers) :]]
    data = Sprites("simple").load(32)
    for entry in [it for it in arguments if it in ENTRIES] or ENTRIES:
        for seed in range(seeds):
            model = trained(ENTRIES[entry], data.train, images, seed)
            print(f"{entry}, {images} images, seed {seed}: {measured(model, data.validation)}", flush=True)


def trained(cls: type[Generator], data: Data, images: int, seed: int) -> StyleModel:
    torch.manual_seed(seed)
    model = cls(cls.Config(), data.spec).to(memory_format=torch.channels_last)
    model.fit(data, Run(model, images=images, seed=seed, precision=find_device("cpu", 1).precision, progress=_report))
    assert isinstance(model, StyleModel)
    return model


def measured(model: StyleModel, real: Data) -> Figures:
    own = isinstance(model, MiControl)
    reader = Reader(model.discriminator, model.posterior) if own else fitted_reader(model, POST_HOC)
    return figures(model, reader, real.images)


def _report(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
    if images // 30_000 > (images - 1_280) // 30_000:
        print(f"  {images:,} images", {name: round(value, 2) for name, value in scalars.items()}, file=sys.stderr)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(*sys.argv[1:])
