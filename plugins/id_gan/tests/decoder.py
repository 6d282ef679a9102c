"""Compare G with the decoder of its own stage 1: `python plugins/id_gan/tests/decoder.py FOLDER`, the folder of a run.

Prints fd-lite0 of 5,000 images of each, drawn from the same codes, to 20,000 training images of the data set.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from bench import Dataset, Images
from bench.api import quantize
from bench.config import build
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.spaces import load_space
from bench.registry.plugins import Plugins
from bench_id_gan import IdGan

CHUNK = 500


def main(folder: str) -> None:
    job = json.loads((Path(folder) / "job.json").read_text(encoding="utf-8"))["job"]
    plugins = Plugins()
    data: Dataset = plugins.find("datasets", job["dataset"]).target().load()
    model = plugins.find("generators", job["entry"]).target
    it: IdGan = model(build(model.Config, dict(job["settings"]), job["entry"]), data.spec)
    it.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    it.eval()
    codes = it.draw_codes(5_000, torch.Generator().manual_seed(0))
    space, rng = load_space("lite0"), torch.Generator().manual_seed(1)
    real = space(data.train.images[:20_000])

    def distance(images: list[Images]) -> float:
        return frechet_from_features(space(quantize(torch.cat(images))), real)

    print(f"G: fd-lite0 {distance([it.decode(part, rng) for part in codes.split(CHUNK)]):,.0f}")
    print(f"decoder of stage 1: fd-lite0 {distance([it.decode_vae(part) for part in codes.split(CHUNK)]):,.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
