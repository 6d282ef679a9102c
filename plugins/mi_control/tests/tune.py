"""Train with some settings and print the figures: `python plugins/mi_control/tests/tune.py DATASET IMAGES KEY=VALUE ...`.

IMAGES is the number of training images seen, in bfloat16. Attributes are read by closed-form morphology, and the variance
of real attributes and the distance are those of validation images. --sheet saves traversals, two rows for each code.
"""

import argparse
import time
from pathlib import Path

import torch
from mi_control_figures import Reader, figures, sweeps
from torchvision.utils import make_grid, save_image

from bench.config import build
from bench.data import load
from bench.testing.fixtures import fitted
from bench_mi_control import MiControl, MiControlGlobal

ENTRIES = {"mi-control": MiControl, "mi-control-global": MiControlGlobal}
ROWS = 2  # of traversals for each code


def main() -> None:
    asked = parsed()
    torch.set_num_threads(1)
    dataset, target = load(asked.dataset), ENTRIES[asked.entry]
    config = build(target.Config, dict(it.split("=", 1) for it in asked.settings), asked.entry)
    for seed in map(int, asked.seeds.split(",")):
        start = time.process_time()
        model = fitted(target, config, dataset.train, asked.images, seed, precision="bfloat16")
        seconds = time.process_time() - start
        name = " ".join([asked.entry, asked.dataset, str(asked.images), *asked.settings, f"seed {seed}"])
        found = figures(model, Reader(model.discriminator, model.posterior), dataset.validation.images)
        print(f"{name}, {seconds:.0f} CPU-s: {found}", flush=True)
        if asked.sheet:
            save_traversals(model, asked.sheet)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("images", type=int)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--entry", choices=list(ENTRIES), default="mi-control")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--sheet", type=Path)
    return parser.parse_args()


def save_traversals(model: MiControl, path: Path) -> None:
    rows = [images[:ROWS] for images in sweeps(model).images]
    values = rows[0].shape[1]
    save_image(make_grid(torch.cat([it.flatten(0, 1) for it in rows]).float() / 255, nrow=values), path)


if __name__ == "__main__":
    main()
