"""Print the figures of claims.toml of trained models: `python plugins/mi_control/tests/measure.py FOLDER ...`.

Each FOLDER is that of a finished job of mi-control, mi-control-global or style-gan in the run directory, for example of
`bench run --plugins mi-control,mi-control-global,style-gan --dataset sprites:simple --budget medium`. Attributes are
read by closed-form morphology. A posterior is fitted to the images of style-gan, which has none.
"""

import json
import sys
from pathlib import Path

from mi_control_figures import Figures, Reader, figures, fitted_reader
from safetensors.torch import load_file

from bench import Data, Dataset
from bench.config import build
from bench.experiment.request import DatasetRef
from bench.parts.style_model import StyleModel
from bench.registry.plugins import Plugins
from bench_mi_control import MiControl

POST_HOC = 30_000  # images to which a posterior of style-gan is fitted


def main(*folders: str) -> None:
    for folder in map(Path, folders):
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))["job"]
        data = dataset(job["dataset"])
        model = trained(folder, job, data)
        print(f"{job['entry']}, {job['dataset']}, seed {job['seed']}: {measured(model, data.test)}", flush=True)


def dataset(name: str) -> Dataset:
    ref = DatasetRef.parse(name)
    return Plugins().find("datasets", ref.base).target(ref.argument).load()


def trained(folder: Path, job: dict, data: Dataset) -> StyleModel:
    """The model of a finished job."""
    cls = Plugins().find("generators", job["entry"]).target
    model: StyleModel = cls(build(cls.Config, dict(job["settings"]), job["entry"]), data.spec)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def measured(model: StyleModel, real: Data) -> Figures:
    own = isinstance(model, MiControl)
    reader = Reader(model.discriminator, model.posterior) if own else fitted_reader(model, POST_HOC)
    return figures(model, reader, real.images)


if __name__ == "__main__":
    main(*sys.argv[1:])
