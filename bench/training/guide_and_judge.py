"""The guide that methods may use and the judge that scores them: trained once for a data set, cached by content key."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.api import Classifier, Data, to_float
from bench.config import to_dict
from bench.errors import BenchError, Diverged
from bench.freeze import freeze
from bench.results.weights import load_weights, save_weights
from bench.run import Progress, Run
from bench.training.classifier_spec import ClassifierSpec, Role
from bench.util.atomic import quarantine, read_json, read_or_quarantine, remove_stale, write_json

CHUNK = 500  # images evaluated at a time
WEIGHTS, ABOUT, CHECKPOINTS = "model.safetensors", "about.json", "checkpoints"


@dataclass(frozen=True)
class FittedClassifier:
    """A trained, frozen classifier and what is known of it."""

    role: Role
    name: str
    classifier: Classifier
    digest: str  # SHA-256 of its weights
    accuracy: float  # on the test split
    cached: bool

    @property
    def label(self) -> str:
        return f"{self.name}@{self.digest[:12]}"


def load_or_fit(
    spec: ClassifierSpec, cache: Path, progress: Progress, checkpoint_every: float = 30.0
) -> FittedClassifier:
    """The classifier of `spec`, from the cache or trained now. A second process that asks for it waits."""
    device, folder = torch.device(spec.device.kind), cache / "classifiers" / spec.key
    with _seeded(device, spec.seed("init")):
        model = spec.target(spec.config, spec.dataset.spec)
        model = model.to(device).to(memory_format=torch.channels_last)
    with _locked(folder):
        known = _read(folder, model)
        cached = known is not None
        if known is None:
            with _cache_errors(folder):  # checkpoints are written here too
                _fit(spec, model, progress, folder / CHECKPOINTS, checkpoint_every)
            known = _write(folder, model, accuracy_of(model, spec.dataset.test, device))
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return FittedClassifier(spec.role, spec.name, freeze(model), *known, cached=cached)


def below_floor(role: Role, accuracy: float, floor: float | None, classes: int) -> str:
    """Why a classifier of this test accuracy is not reliable, or "". The default minimum is twice chance."""
    floor = min(0.99, 2 / classes) if floor is None else floor
    if accuracy >= floor:
        return ""
    what = "its scores are not reliable" if role == "judge" else "its guidance is close to random"
    return (
        f"the {role}'s test accuracy ({accuracy:.4f}) is below the required {floor:.4f}, so {what}; "
        f"use a larger --budget or another --{role}"
    )


@torch.inference_mode()
def accuracy_of(classifier: Classifier, data: Data, device: torch.device) -> float:
    """The fraction of `data` that the classifier labels correctly."""
    right = 0
    for start in range(0, len(data), CHUNK):
        images = to_float(data.images[start : start + CHUNK].to(device)).contiguous(memory_format=torch.channels_last)
        right += int((classifier.logits(images).argmax(1).cpu() == data.labels[start : start + CHUNK]).sum())
    return right / len(data)


def _fit(
    spec: ClassifierSpec, model: Classifier, progress: Progress, checkpoints: Path, checkpoint_every: float
) -> None:
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
    with _seeded(device, seed):
        try:
            model.fit(spec.dataset.train, run)
        except Diverged as error:
            raise Diverged(f"{error}; try another --{spec.role}") from error
    model.eval()


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
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


def _write(folder: Path, model: Classifier, accuracy: float) -> tuple[str, float]:
    """Save the weights, then what is known of them: an entry is valid only with both. Returns digest and accuracy."""
    with _cache_errors(folder):
        digest = save_weights(folder / WEIGHTS, model)
        about = {"digest": digest, "accuracy": accuracy, "config": to_dict(model.config), "data": model.spec.name}
        write_json(folder / ABOUT, about)
    return digest, accuracy


def _read(folder: Path, model: Classifier) -> tuple[str, float] | None:
    """Restore a trained classifier; an incomplete entry is quarantined. Returns digest and accuracy."""
    weights, about = folder / WEIGHTS, folder / ABOUT
    if not (weights.exists() and about.exists()):
        return None
    known = read_or_quarantine(about, read_json, parse_about)
    if known is None:
        quarantine(weights, f"{weights} has no description")
        return None
    with _cache_errors(folder):
        restored = load_weights(weights, model, known[0])
    if not restored:
        quarantine(about, f"{about} describes weights that are missing or corrupt")
        return None
    model.eval()
    return known


def parse_about(about: Any) -> tuple[str, float]:
    """Digest and accuracy. Raises anything for other values."""
    return str(about["digest"]), float(about["accuracy"])
