"""Networks of the host that are trained once for a data set and cached by content key: guide, judge and probe."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bench.api import Model
from bench.config import to_dict
from bench.errors import BenchError, Diverged
from bench.results.weights import load_weights, save_weights
from bench.training.classifier_spec import ClassifierSpec, M
from bench.training_run import Progress, Run
from bench.util.atomic import quarantine, read_json, read_or_quarantine, remove_stale, write_json

WEIGHTS, ABOUT, CHECKPOINTS = "model.safetensors", "about.json", "checkpoints"


class Known(NamedTuple):
    """What is known of trained weights."""

    digest: str  # SHA-256
    scores: Mapping[str, float]  # on the test split; of a guide or judge its accuracy


def restore_or_fit(
    spec: ClassifierSpec[M],
    cache: Path,
    progress: Progress,
    measure: Callable[[M], Mapping[str, float]],
    checkpoint_every: float = 30.0,
) -> tuple[M, Known, bool]:
    """The network of `spec`, what is known of it, and whether it was in the cache; else it is trained and measured now.

    A second process that asks for it waits.
    """
    folder, model = cache / "classifiers" / spec.key, new_network(spec)
    with _locked(folder):
        known = _read(folder, model)
        cached = known is not None
        if known is None and spec.fitted_elsewhere:
            raise BenchError(f"the {spec.role} is not in the cache {cache}: expected it at {folder.name}")
        if known is None:
            with _cache_errors(folder):  # checkpoints are written here too
                _fit(spec, model, progress, folder / CHECKPOINTS, checkpoint_every)
            known = _write(folder, model, measure(model))
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return model, known, cached


def new_network(spec: ClassifierSpec[M]) -> M:
    """The network of `spec` with its initial weights, on its device."""
    device = torch.device(spec.device.kind)
    with seeded(device, spec.seed("init")):
        return spec.target(spec.config, spec.dataset.spec).to(device).to(memory_format=torch.channels_last)


def _fit(spec: ClassifierSpec[M], model: M, progress: Progress, checkpoints: Path, checkpoint_every: float) -> None:
    device, seed = torch.device(spec.device.kind), spec.seed("train")
    run = Run(
        model,
        images=spec.images,
        seed=seed,
        device=device,
        precision=spec.device.precision,
        validation=spec.dataset.validation,
        progress=progress,
        folder=checkpoints,
        checkpoint_every=checkpoint_every,
    )
    with seeded(device, seed):
        try:
            model.fit(spec.dataset.train, run)
        except Diverged as error:
            raise Diverged(f"{error}; try another --{spec.role}" if spec.role != "probe" else str(error)) from error
    model.eval()


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed the global generators, and restore them afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a cache entry. The system releases the lock of a killed process."""
    from filelock import FileLock

    lock = FileLock(folder / ".lock")
    with _cache_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        remove_stale(folder)
        remove_stale(folder / CHECKPOINTS)
        yield
    finally:
        lock.release()


@contextmanager
def _cache_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the cache into a sentence that says what the user can do."""
    try:
        yield
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder):
            raise
        raise BenchError(f"cannot use the cache {folder}: {error.strerror or error}; set BENCH_CACHE") from error


def _write(folder: Path, model: Model, scores: Mapping[str, float]) -> Known:
    """Save the weights, then what is known of them: an entry is valid only with both."""
    with _cache_errors(folder):
        digest = save_weights(folder / WEIGHTS, model)
        about = {"digest": digest, "scores": dict(scores), "config": to_dict(model.config), "data": model.spec.name}
        write_json(folder / ABOUT, about)
    return Known(digest, scores)


def _read(folder: Path, model: Model) -> Known | None:
    """Restore a trained network; an incomplete entry is quarantined."""
    weights, about = folder / WEIGHTS, folder / ABOUT
    if not (weights.exists() and about.exists()):
        return None
    known = read_or_quarantine(about, read_json, parse_about)
    if known is None:
        quarantine(weights, f"{weights} has no description")
        return None
    with _cache_errors(folder):
        restored = load_weights(weights, model, known.digest)
    if not restored:
        quarantine(about, f"{about} describes weights that are missing or corrupt")
        return None
    model.eval()
    return known


def parse_about(about: Any) -> Known:
    """What is known of an entry; earlier versions wrote the accuracy alone. Raises anything for other values."""
    scores = about["scores"] if "scores" in about else {"accuracy": about["accuracy"]}
    return Known(str(about["digest"]), {str(name): float(score) for name, score in scores.items()})
