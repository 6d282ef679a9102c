"""The training of one job: read from disk if it is finished, else done by the method's own `fit`."""

import random
import resource
import sys
from collections.abc import Callable

import numpy as np
import torch

from bench.api import Generator, Model
from bench.config import build
from bench.errors import Diverged
from bench.registry.plugins import Plugins
from bench.results.curves import save_curves
from bench.results.weights import load_weights, save_weights
from bench.training.context import JobContext
from bench.training.divergence import keep_last_good
from bench.training_run import Progress, Run, derive_seed
from bench.util.process_state import random_states


def train_or_load(context: JobContext, plugins: Plugins) -> Model:
    """The trained model: from disk if it is complete, else by `fit`, which resumes from its last checkpoint."""
    run_dir, job = context.run_dir, context.run_dir.job
    entry = plugins.find("generators", job.entry)
    config = build(entry.target.Config, dict(job.settings), job.entry)
    seed_everything(derive_seed(job.seed, "init"))
    assert context.guard  # records the state of the process before the method's code runs
    model: Model = entry.target(config, context.subset.spec)
    model = model.to(context.device).to(memory_format=torch.channels_last)
    digest = run_dir.model_digest()
    if not (digest and load_weights(run_dir.model, model, digest)):
        _fit(model, context)
    for path in run_dir.checkpoints.glob("*.ckpt"):
        path.unlink()
    return model.eval()


def _fit(model: Model, context: JobContext) -> None:
    from bench.training.tensorboard import Curves, read_curves

    run_dir, job = context.run_dir, context.run_dir.job
    curves, before = Curves(run_dir.path / "tensorboard", context.progress), random_states()
    run = Run(
        model,
        images=job.images,
        seed=derive_seed(job.seed, "train"),
        device=context.device,
        precision=context.precision,
        guide=context.guide.classifier if context.subset.spec.has_classes else None,
        validation=context.subset.validation,
        folder=run_dir.checkpoints,
        progress=_checked_early(curves, lambda: context.guard.check_fit(before)),
        checkpoint_every=context.checkpoint_every,
    )
    try:
        model.fit(context.subset.train, run)
    except Diverged:
        if isinstance(model, Generator):
            keep_last_good(model, run_dir, context.device)
        raise
    context.guard.check_fit(before)
    context.guard.restore("fit")
    curves.close()
    save_curves(run_dir.path, read_curves(run_dir.path / "tensorboard"))
    digest = save_weights(run_dir.model, model)
    costs = _costs(model, run, context.device)
    run_dir.write("train.json", {"model": digest, "costs": costs, "resumed_images": run.resumed_images})


def _checked_early(progress: Progress, check: Callable[[], None]) -> Progress:
    """Progress that calls `check` at its first report: a change that costs the model is reported before the budget is spent."""
    waiting = [check]

    def report(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        while waiting:
            waiting.pop()()
        progress(phase, images, of, scalars)

    return report


def _costs(model: Model, run: Run, device: torch.device) -> dict[str, float]:
    images = run.images - run.left
    return {
        "train-images": float(images),
        "train-seconds": run.seconds,
        "images-per-second": images / max(run.seconds, 1e-9),
        "peak-memory-mb": peak_memory_mb(device),
        "parameters": float(sum(parameter.numel() for parameter in model.parameters())),
    }


def seed_everything(seed: int) -> None:
    """Seed the global generators, from which initial weights are drawn."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def peak_memory_mb(device: torch.device) -> float:
    """The peak memory of this process: allocated on a GPU, otherwise resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
