"""What is kept of a diverged training: samples of its last good state, if the method restored one."""

import logging
from contextlib import suppress

import torch

from bench.api import Generator
from bench.errors import BenchError
from bench.metrics import draw_samples
from bench.results.contact_sheet import COLUMNS, save_grid
from bench.results.run_dir import RunDir
from bench.results.samples import pack_samples

NAME = "last-good"  # .npz and .png
logger = logging.getLogger("bench")


def keep_last_good(model: Generator, run_dir: RunDir, device: torch.device) -> bool:
    """Sample a contact sheet from a model whose training diverged and keep it, if these are still images."""
    job, samples, conditional = run_dir.job, None, False
    with suppress(BenchError):
        n = min(job.samples, COLUMNS * len(model.spec.classes))
        samples, conditional = draw_samples(model, n, job.seed, device)
    if samples is None:
        logger.warning("no samples saved for the diverged run: the model no longer produces valid images")
        return False
    run_dir.write_bytes(f"{NAME}.npz", pack_samples(samples, conditional))
    save_grid(samples, run_dir.path / f"{NAME}.png")
    return True
