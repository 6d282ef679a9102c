"""Draw the pictures of the README from two finished runs: `python plugins/dr_vae/tests/pictures.py WITH WITHOUT OUT.png`.

WITH and WITHOUT are folders `runs/<dataset>/dr-vae/...` of one data set, the second trained with `--set dr-vae.gamma=0`
(or the folder of another generator that reconstructs, such as `vae`). Rows from above: test images, their
reconstructions with the term and without, and four rows of samples of each; column by column from the same codes where
both have them.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.utils import make_grid, save_image

from bench import Data, Generator, to_float
from bench.config import build
from bench.data import load
from bench.registry.plugins import Plugins

COLUMNS, ROWS = 16, 4


def main(with_term: Path, without: Path, out: Path) -> None:
    models, tests = zip(*(read(it) for it in (with_term, without)), strict=True)
    images = to_float(tests[0].images[:COLUMNS])
    rows = [images, *(it.reconstruct(images) for it in models)]
    for model in models:
        drawn = model.sample(COLUMNS * ROWS, torch.Generator().manual_seed(0))
        rows += drawn.split(COLUMNS)
    save(out, rows)


def read(folder: Path) -> tuple[Generator, Data]:
    """The model of a run and its test split."""
    job = json.loads((folder / "job.json").read_text())["job"]
    target = Plugins().find("generators", job["entry"]).target
    dataset = load(job["dataset"])
    model: Generator = target(build(target.Config, dict(job["settings"]), job["entry"]), dataset.spec)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval(), dataset.test


def save(path: Path, rows: list[Tensor]) -> None:
    """A picture with a row for each batch of images, each twice as large as it is."""
    grid = make_grid(torch.cat(rows), nrow=len(rows[0]), padding=1, pad_value=1.0)
    save_image(grid.repeat_interleave(2, 1).repeat_interleave(2, 2), path)


if __name__ == "__main__":
    main(*(Path(it) for it in sys.argv[1:]))
