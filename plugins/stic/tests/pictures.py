"""Draw pictures of the README from a finished run: `python plugins/stic/tests/pictures.py WHAT RUN_FOLDER OUT.png`.

RUN_FOLDER is one of `runs/<dataset>/stic/`. WHAT is `drawn` (a column is a chain of one class, from its blank canvas
down) or `textures` (a row of drawings for each weight of the Gram term, same chains and seed, real validation images
below; printed beside it: R, and the weight by the rule).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.utils import make_grid, save_image

from bench import Data, to_float
from bench.config import build
from bench.data import load
from bench_stic import Stic, SticConfig

STEPS = (0, 5, 10, 20, 40, 80, 120, 160, 200)
GAMMAS = (0.0, 0.1, 0.3, 1.0)
EACH = 20  # drawings of each class behind the printed figures


def main(what: str, run: Path, out: Path) -> None:
    parts: dict[str, Callable[[Stic, Data], list[Tensor]]] = {"drawn": drawn, "textures": textures}
    job = json.loads((run / "job.json").read_text())["job"]
    data = load(job["dataset"])
    model = Stic(build(SticConfig, dict(job["settings"]), "stic"), data.spec)
    model.load_state_dict(load_file(run / "model.safetensors"))
    save(out, parts[what](model.eval(), data.validation))


def drawn(model: Stic, held_out: Data) -> list[Tensor]:
    """A row for each number of steps."""
    labels = torch.arange(model.classes)
    return [model.synthesize(labels, steps=steps).images for steps in STEPS]


def textures(model: Stic, held_out: Data) -> list[Tensor]:
    """A row for each weight, two drawings of each class, and one of real images."""
    labels = torch.arange(model.classes).repeat_interleave(EACH)
    pairs = torch.cat([(labels == label).nonzero()[:2, 0] for label in range(model.classes)])
    rows = []
    for gamma in GAMMAS:
        drawing = model.synthesize(labels, gamma=gamma)
        distance = model.class_distance((drawing.canvas + 1) / 2, labels)
        print(f"gamma {gamma}: R {distance:.3f}, acceptance {drawing.acceptance.nanmean():.3f}", flush=True)
        rows.append(drawing.images[pairs])
    some = held_out[torch.cat([(held_out.labels == label).nonzero()[:EACH, 0] for label in range(model.classes)])]
    print(f"real validation images: R {model.class_distance(to_float(some.images), some.labels):.3f}")
    print(f"gamma by the rule: {model.calibrate(some):.3f}")
    return [*rows, to_float(some.images)[pairs]]


def save(path: Path, rows: list[Tensor]) -> None:
    """A picture with a row for each batch of images, each twice as large as it is."""
    grid = make_grid(torch.cat(rows), nrow=len(rows[0]), padding=1, pad_value=1.0)
    save_image(grid.repeat_interleave(2, 1).repeat_interleave(2, 2), path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
