"""A classifier trained on samples: always the same network, from the same seed."""

import torch

from bench.api import Classifier, Data
from bench.backbones.presets import ResNetTiny, ResNetTinyConfig
from bench.training.context import JobContext
from bench.training.fit_once import seeded
from bench.training_run import Run, derive_seed


def train_classifier(context: JobContext, data: Data, count: int) -> Classifier:
    """The preset `resnet-xs`, trained on `count` images of `data`."""
    device, seed = context.device, derive_seed("accuracy score")

    def progress(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        context.progress("measuring cas", images, of, scalars)

    with seeded(device, seed):
        model = ResNetTiny(ResNetTinyConfig(), data.spec).to(device).to(memory_format=torch.channels_last)
        run = Run(model, images=count, seed=seed, device=device, precision=context.precision, progress=progress)
        model.fit(data, run)
    return model.eval()
