"""Draw a picture of the README from finished runs: `python plugins/baselines/tests/pictures.py OUT.png RUN ...`.

Each RUN is a folder `runs/<dataset>/<entry>/...` of one data set. The first row are test images, and every run adds two
rows of the samples that its exam was made on: of each class the first ones, where the method draws for a class.
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.utils import make_grid, save_image

from bench import Pixels
from bench.data import load
from bench.util.atomic import read_checksummed

COLUMNS = 20


def main(out: Path, *runs: Path) -> None:
    test = load(json.loads((runs[0] / "job.json").read_text())["job"]["dataset"]).test
    rows = [by_class(test.images, test.labels, COLUMNS)]
    for run in runs:
        (path,) = run.glob("samples-*.npz")
        with np.load(io.BytesIO(read_checksummed(path))) as kept:
            images, labels = torch.from_numpy(kept["images"]), torch.from_numpy(kept["labels"])
        rows.append(by_class(images, labels, 2 * COLUMNS))
    grid = make_grid(torch.cat(rows).float() / 255, nrow=COLUMNS, padding=1, pad_value=1.0)
    save_image(grid.repeat_interleave(2, 1).repeat_interleave(2, 2), out)


def by_class(images: Pixels, labels: Tensor, n: int) -> Pixels:
    """n of these images, in turn one of each class; a row under another has the same classes."""
    turn = torch.zeros_like(labels)
    for label in labels.unique():
        turn[labels == label] = torch.arange(int((labels == label).sum()))
    order = (turn * (int(labels.max()) + 1) + labels).argsort()
    return images[order[:n]]


if __name__ == "__main__":
    main(*(Path(it) for it in sys.argv[1:]))
