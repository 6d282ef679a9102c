"""The guide that is lent to methods and the judge that scores them: fitted once for a data set, cached by content key."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import torch

from bench.api import Classifier, Data, Dataset, to_float
from bench.config import build, to_dict
from bench.errors import BenchError
from bench.experiment.budget import Budget
from bench.experiment.keys import TRAINING_VERSION, content_key
from bench.freeze import freeze
from bench.registry.plugins import source_digest, source_modules
from bench.run import Precision, Progress, Run, derive_seed
from bench.util.atomic import quarantine, read_or_quarantine, remove_stale, write_atomic, write_checksummed

Role = Literal["guide", "judge"]
CHUNK = 500  # images evaluated at a time
WEIGHTS, ABOUT, CHECKPOINTS = "model.safetensors", "examiner.json", "checkpoints"


@dataclass(frozen=True)
class FittedClassifier:
    """A fitted, frozen classifier and what is known of it."""

    role: Role
    name: str
    classifier: Classifier
    digest: str  # SHA-256 of its weights, 16 hex digits
    accuracy: float  # on the test split
    cached: bool

    @property
    def label(self) -> str:
        return f"{self.name}@{self.digest[:12]}"


def examiner_key(
    role: Role,
    target: type[Classifier],
    settings: Mapping[str, str],
    dataset: Dataset,
    *,
    budget: Budget,
    device: torch.device,
    threads: int,
    precision: Precision,
) -> str:
    """The content key of an examiner: known before it is fitted."""
    return content_key(
        {
            "role": role,
            "source": [source_digest(module) for module in source_modules(target)],
            "class": target.__qualname__,
            "config": to_dict(build(target.Config, settings, role)),
            "data": dataset.digest,
            "images": budget.images_for_examiner(len(dataset.train)),
            "device": device.type,
            "threads": threads if device.type == "cpu" else 0,
            "precision": precision,
            "torch": torch.__version__,
            "timm": version("timm"),
            "training": TRAINING_VERSION,
        }
    )


def examiner(
    role: Role,
    target: type[Classifier],
    name: str,
    settings: Mapping[str, str],
    dataset: Dataset,
    *,
    budget: Budget,
    device: torch.device,
    threads: int,
    precision: Precision,
    cache: Path,
    progress: Progress,
    checkpoint_every: float = 30.0,
) -> FittedClassifier:
    """The examiner of that role, fitted now or before. A second process that asks meanwhile waits and reads."""
    key = examiner_key(
        role, target, settings, dataset, budget=budget, device=device, threads=threads, precision=precision
    )
    folder = cache / "examiners" / key
    with _seeded(device, derive_seed(role, "init")):
        model = target(build(target.Config, settings, name), dataset.spec)
        model = model.to(device).to(memory_format=torch.channels_last)
    with _locked(folder):
        known = _read(folder, model)
        cached = known is not None
        if known is None:
            with _explained(folder):  # which also keeps checkpoints
                _fit(role, model, dataset, budget, precision, progress, folder / CHECKPOINTS, checkpoint_every)
            known = _write(folder, model, accuracy_of(model, dataset.test, device))
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return FittedClassifier(role, name, freeze(model), *known, cached=cached)


def below_floor(accuracy: float, floor: float | None, classes: int) -> str:
    """Why a judge of this test accuracy is not to be trusted, or "". Without a floor it is twice chance."""
    floor = min(0.99, 2 / classes) if floor is None else floor
    if accuracy >= floor:
        return ""
    return (
        f"the judge reaches a test accuracy of {accuracy:.4f}, below its floor of {floor:.4f} on this data set, so "
        "nothing it says can be trusted: use a larger --budget, or another --judge"
    )


@torch.inference_mode()
def accuracy_of(classifier: Classifier, data: Data, device: torch.device) -> float:
    """The share of `data` that the classifier labels as it is labelled."""
    right = 0
    for start in range(0, len(data), CHUNK):
        images = to_float(data.images[start : start + CHUNK].to(device)).contiguous(memory_format=torch.channels_last)
        right += int((classifier.logits(images).argmax(1).cpu() == data.labels[start : start + CHUNK]).sum())
    return right / len(data)


def _fit(
    role: Role,
    model: Classifier,
    dataset: Dataset,
    budget: Budget,
    precision: Precision,
    progress: Progress,
    checkpoints: Path,
    checkpoint_every: float,
) -> None:
    device, seed = next(model.parameters()).device, derive_seed(role, "train")
    images = budget.images_for_examiner(len(dataset.train))
    run = Run(model, images=images, seed=seed, device=device, precision=precision,
              validation=dataset.validation, progress=progress,
              folder=checkpoints, checkpoint_every=checkpoint_every)  # fmt: skip
    with _seeded(device, seed):
        model.fit(dataset.train, run)
    model.eval()


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed the global generators, and put them back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a cache entry. The system frees that of a process that was killed."""
    from filelock import FileLock

    lock = FileLock(folder / ".lock")
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        remove_stale(folder)
        remove_stale(folder / CHECKPOINTS)
        yield
    finally:
        lock.release()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """What the user can do about a cache that cannot be used."""
    try:
        yield
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder):
            raise
        raise BenchError(f"cannot use the cache {folder}: {error.strerror or error}; set BENCH_CACHE") from error


def _write(folder: Path, model: Classifier, accuracy: float) -> tuple[str, float]:
    """Keep the weights, then what is known of them: an entry without the latter is none. Returns digest, accuracy."""
    from safetensors.torch import save

    state = model.state_dict()
    payload = save({name: tensor.cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()})
    digest = hashlib.sha256(payload).hexdigest()[:16]
    about = {"digest": digest, "accuracy": accuracy, "config": to_dict(model.config), "data": model.spec.name}
    with _explained(folder):
        write_atomic(folder / WEIGHTS, payload)
        write_checksummed(folder / ABOUT, json.dumps(about).encode())
    return digest, accuracy


def _read(folder: Path, model: Classifier) -> tuple[str, float] | None:
    """Restore a fitted examiner; one that is not whole is set aside, to be fitted again. Returns digest, accuracy."""
    from safetensors.torch import load

    weights, about = folder / WEIGHTS, folder / ABOUT
    if not (weights.exists() and about.exists()):
        return None
    known = read_or_quarantine(about, _known)
    if known is None:
        quarantine(weights, f"nothing is known of {weights} any more")
        return None
    with _explained(folder):
        payload = weights.read_bytes()
    if hashlib.sha256(payload).hexdigest()[:16] != known[0]:
        quarantine(about, f"{weights} is corrupt: its content does not match its digest")
        quarantine(weights, f"{weights} is corrupt: its content does not match its digest")
        return None
    model.load_state_dict(load(payload))
    model.eval()
    return known


def _known(payload: bytes) -> tuple[str, float]:
    """Digest and accuracy. Raises anything for other bytes."""
    about = json.loads(payload)
    return str(about["digest"]), float(about["accuracy"])
