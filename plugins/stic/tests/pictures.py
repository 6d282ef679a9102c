"""Draw the strip of the README from a finished run: `python plugins/stic/tests/pictures.py RUN_FOLDER drawn.png`.

RUN_FOLDER is one of `runs/<dataset>/stic/`. A column is a chain of one class, from its blank canvas down.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.utils import make_grid, save_image

from bench.config import build
from bench.data import load
from bench_stic import Stic, SticConfig

STEPS = (0, 5, 10, 20, 40, 80, 120, 160, 200)


def main(run: Path, out: Path) -> None:
    job = json.loads((run / "job.json").read_text())["job"]
    model = Stic(build(SticConfig, dict(job["settings"]), "stic"), load(job["dataset"]).spec)
    model.load_state_dict(load_file(run / "model.safetensors"))
    model.eval()
    labels = torch.arange(model.classes)
    save(out, [model.synthesize(labels, steps=steps).images for steps in STEPS])


def save(path: Path, rows: list[Tensor]) -> None:
    """A picture with a row for each batch of images, each twice as large as it is."""
    grid = make_grid(torch.cat(rows), nrow=len(rows[0]), padding=1, pad_value=1.0)
    save_image(grid.repeat_interleave(2, 1).repeat_interleave(2, 2), path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
