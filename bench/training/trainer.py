"""The training of one job: from disk where it was done before, else by the method's own `fit`."""

import hashlib
import random
import resource
import sys

import numpy as np
import torch

from bench.api import Generator, Model
from bench.config import build
from bench.errors import Diverged
from bench.registry.plugins import Plugins
from bench.results.run_dir import RunDir
from bench.run import Run, derive_seed
from bench.training.context import JobContext
from bench.training.divergence import keep_last_good
from bench.util.process_state import random_states


def trained(context: JobContext, plugins: Plugins) -> Model:
    """The trained model: from disk where it is whole, else by `fit`, from its last checkpoint on."""
    folder, job = context.run_dir, context.run_dir.job
    entry = plugins.find("generators", job.entry)
    config = build(entry.target.Config, dict(job.settings), job.entry)
    seed_everything(derive_seed(job.seed, "init"))
    assert context.guard
    model: Model = entry.target(config, context.subset.spec)
    model = model.to(context.device).to(memory_format=torch.channels_last)
    digest = folder.model_digest()
    if not (digest and _load(model, folder, digest)):
        _fit(model, context)
    for path in folder.checkpoints.glob("*.ckpt"):
        path.unlink()
    return model.eval()


def _fit(model: Model, context: JobContext) -> None:
    folder, job = context.run_dir, context.run_dir.job
    from bench.training.tensorboard import Curves

    curves = Curves(folder.path / "tensorboard", context.emit)
    run = Run(
        model,
        images=job.images,
        seed=derive_seed(job.seed, "train"),
        device=context.device,
        precision=context.precision,
        guide=context.guide.classifier,
        validation=context.subset.validation,
        folder=folder.checkpoints,
        progress=curves,
        checkpoint_every=context.checkpoint_every,
    )
    before = random_states()
    try:
        model.fit(context.subset.train, run)
    except Diverged:
        if isinstance(model, Generator):
            keep_last_good(model, folder, context.device)
        raise
    context.guard.check_fit(before)
    curves.close()
    digest = _save(model, folder)
    costs = {
        "train-images": float(job.images - run.left),
        "train-seconds": run.seconds,
        "images-per-second": (job.images - run.left) / max(run.seconds, 1e-9),
        "peak-memory-mb": peak_memory_mb(context.device),
        "parameters": float(sum(parameter.numel() for parameter in model.parameters())),
    }
    folder.write("train.json", {"model": digest, "costs": costs, "resumed_images": run.resumed_images})


def _save(model: Model, folder: RunDir) -> str:
    from safetensors.torch import save

    from bench.util.atomic import write_atomic

    payload = save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})
    write_atomic(folder.model, payload)
    return _digest(payload)


def _load(model: Model, folder: RunDir, digest: str) -> bool:
    """Whether the model could be restored: a missing, corrupt or foreign file means it must be trained again."""
    from safetensors.torch import load

    try:
        payload = folder.model.read_bytes()
    except FileNotFoundError:
        return False
    if _digest(payload) != digest:
        folder.quarantine(folder.model.name, "its content does not match its digest")
        return False
    model.load_state_dict(load(payload))
    return True


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def seed_everything(seed: int) -> None:
    """Seed the global generators that initialisers draw from."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def peak_memory_mb(device: torch.device) -> float:
    """The most memory this process has held: on the device where there is one, else resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
