"""What the host provides while a model trains: batches, device, randomness, precision, logging, checkpoints."""

import hashlib
import io
import math
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from bench.api import Classifier, Data, Images, Labels, to_float
from bench.errors import BenchError, Diverged
from bench.util.atomic import read_checksummed, read_or_quarantine, write_checksummed
from bench.util.denormals import flushed_denormals

Precision = Literal["float32", "bfloat16"]
CHECK_EVERY = 20  # batches between two checks of the scalars, which wait for the device


@runtime_checkable
class Stateful(Protocol):
    """An optimizer, a schedule or an average of weights: anything with state outside the model."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


@runtime_checkable
class Progress(Protocol):
    """Receives the progress of a training: progress bars, TensorBoard."""

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None: ...


def silent(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
    """Ignore the progress."""


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from any printable parts, the same on every machine."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def generator(device: torch.device | str, *parts: object) -> torch.Generator:
    """A new random generator on `device`, seeded from `parts`."""
    return torch.Generator(device).manual_seed(derive_seed(*parts))


class Run:
    """What the host provides while `model` trains.

    A phase is one loop over `batches`. The host can save a checkpoint between any two batches. An interrupted training
    skips the finished phases (their final states are restored) and resumes the interrupted one exactly. Therefore
    everything that changes during training must be in the model's state dict or in the `keep` of the phase, and code
    between phases must depend on the model's state alone.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        images: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        precision: Precision = "float32",
        guide: Classifier | None = None,
        validation: Data | None = None,
        folder: Path | None = None,
        progress: Progress = silent,
        checkpoint_every: float = 30.0,  # seconds
    ) -> None:
        self.device, self.precision, self.seed = torch.device(device), precision, seed
        self._images_in_all, self._left = images, images
        self.rng = generator(self.device, seed, "fit")
        self.validation = validation
        self.resumed_images = 0  # of the images seen, those before the last resume
        self._started, self._former_seconds = time.monotonic(), 0.0
        self._model, self._guide, self._folder, self._progress = model, guide, folder, progress
        self._checkpoint_every, self._saved_at = checkpoint_every, time.monotonic()
        self._phases: list[str] = []
        self._scalars: dict[str, Tensor | float] = {}
        self._resident: dict[int, tuple[Data, Tensor, Tensor]] = {}

    @property
    def images(self) -> int:
        """The budget, in training images."""
        return self._images_in_all

    @property
    def left(self) -> int:
        """What is left of the budget; negative if the last batch was larger than the rest."""
        return self._left

    @property
    def guide(self) -> Classifier:
        """The frozen classifier that the method may use; never the judge that scores it."""
        if self._guide is None:
            raise BenchError("the method needs a guide, but this run has none, as on images without classes")
        return self._guide

    @property
    def seconds(self) -> float:
        """Seconds of training, including those of interrupted processes up to their last checkpoint."""
        return self._former_seconds + time.monotonic() - self._started

    def share(self, fraction: float) -> int:
        """This fraction of the whole budget, in training images."""
        return round(self.images * fraction)

    @staticmethod
    def steps(images: int, batch_size: int) -> int:
        """The number of batches that `batches` will yield, for learning-rate schedules."""
        return max(1, images // batch_size)

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision if the host uses it. Compute losses outside of it, or in float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def log(self, **scalars: Tensor | float) -> None:
        """Report these values of the current batch. A value that is not finite ends the training as diverged."""
        for name, value in scalars.items():
            self._scalars[name] = value.detach() if isinstance(value, Tensor) else value

    def batches(
        self, data: Data, batch_size: int, images: int, *, phase: str = "train", keep: Iterable[Stateful] = ()
    ) -> Iterator[tuple[Images, Labels]]:
        """Yield shuffled batches (float32 in [0, 1], int64) on the device until `images` images have been seen.

        Until then denormal numbers are taken as 0, because they make a CPU slow. Raises `BenchError` if that exceeds the
        rest of the budget, or if the name of the phase is not new.
        """
        if phase in self._phases:
            raise BenchError(f"duplicate phase {phase!r}; pass a different phase= to each call of batches")
        self._phases.append(phase)
        self._scalars.clear()  # those of the phase before
        steps = self.steps(images, batch_size)
        if steps * batch_size > max(self.left, batch_size):
            raise BenchError(
                f"phase {phase!r} needs {images} training images, but {self.left} of {self.images} are left"
            )
        keep = tuple(keep)
        self._left -= steps * batch_size
        first = self._resume(phase, keep)
        self.resumed_images += first * batch_size
        with flushed_denormals():
            yield from self._train(data, batch_size, range(first, steps), phase, keep)

    def _train(
        self, data: Data, size: int, steps: range, phase: str, keep: tuple[Stateful, ...]
    ) -> Iterator[tuple[Images, Labels]]:
        pixels, labels = self._on_device(data)
        order = _Order(len(data), self.seed, phase)
        for step in steps:
            index = order.take(step * size, size).to(pixels.device)
            yield self._images(pixels[index]), labels[index].to(self.device)
            done = step + 1
            if done % CHECK_EVERY == 0 or done == steps.stop:
                self._look(phase, done * size, steps.stop * size)
            if done < steps.stop and time.monotonic() - self._saved_at > self._checkpoint_every:
                self._save(phase, done, keep)
        if len(steps):
            self._save(phase, steps.stop, keep)

    def _images(self, pixels: Tensor) -> Images:
        return to_float(pixels.to(self.device)).contiguous(memory_format=torch.channels_last)

    def _on_device(self, data: Data) -> tuple[Tensor, Tensor]:
        """The whole split, on the device if it fits into a quarter of the free memory."""
        if id(data) not in self._resident:
            fits = self.device.type != "cuda" or data.images.nbytes < torch.cuda.mem_get_info(self.device)[0] // 4
            home = self.device if fits else torch.device("cpu")
            self._resident[id(data)] = (data, data.images.to(home), data.labels.to(home))
        return self._resident[id(data)][1:]

    def _look(self, phase: str, images: int, of: int) -> None:
        scalars = {name: float(value) for name, value in self._scalars.items()}
        self._progress(phase, images, of, scalars)
        bad = [f"{name} = {value}" for name, value in scalars.items() if not math.isfinite(value)]
        if bad:
            raise Diverged(f"training diverged in phase {phase!r} after {images} images: {', '.join(bad)}")

    # Checkpoints: one per finished phase (its end), and one of the phase in progress.

    def _save(self, phase: str, steps: int, keep: tuple[Stateful, ...]) -> None:
        if self._folder is None:
            return
        state = {
            "phase": phase,
            "steps": steps,
            "model": self._model.state_dict(),
            "keep": [item.state_dict() for item in keep],
            "seconds": self.seconds,
            "rng": self.rng.get_state(),
            "global_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_checksummed(self._path(phase), buffer.getvalue())
        self._saved_at = time.monotonic()

    def _resume(self, phase: str, keep: tuple[Stateful, ...]) -> int:
        """Restore the checkpoint of this phase, if there is one, and return how many steps it had done."""
        path = self._path(phase) if self._folder is not None else None
        state = None if path is None else read_or_quarantine(path, read_checksummed, self._state)
        if state is None:
            return 0  # after a corrupt checkpoint the phase starts again
        self._model.load_state_dict(state["model"])
        for item, saved in zip(keep, state["keep"], strict=True):
            item.load_state_dict(saved)
        self._former_seconds = max(self._former_seconds, state["seconds"])
        self.rng.set_state(state["rng"].cpu())
        torch.set_rng_state(state["global_rng"].cpu())
        if state["cuda_rng"] is not None:
            torch.cuda.set_rng_state(state["cuda_rng"].cpu(), self.device)
        return int(state["steps"])

    def _state(self, payload: bytes) -> dict[str, Any]:
        """What `_save` wrote. Raises any exception for other bytes."""
        state = torch.load(io.BytesIO(payload), map_location=self.device, weights_only=True)
        names = {"phase", "steps", "model", "keep", "seconds", "rng", "global_rng", "cuda_rng"}
        if state.keys() != names or state["phase"] != self._phases[-1]:
            raise ValueError(f"expected a checkpoint of phase {self._phases[-1]!r}")
        return dict(state)

    def _path(self, phase: str) -> Path:
        assert self._folder is not None
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", phase)[:60]  # the number makes the name unique
        return self._folder / f"{len(self._phases) - 1}-{plain}.ckpt"


class _Order:
    """An endless stream of shuffled indices: one permutation after another, each derived from the seed."""

    def __init__(self, n: int, seed: int, phase: str) -> None:
        if n == 0:
            raise BenchError("the training set is empty")
        self._n, self._parts, self._epoch = n, (seed, phase), -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def take(self, start: int, count: int) -> Tensor:
        """Indices start .. start + count of the stream."""
        parts = []
        while count:
            epoch, offset = divmod(start, self._n)
            piece = self._epoch_order(epoch)[offset : offset + count]
            parts.append(piece)
            start, count = start + len(piece), count - len(piece)
        return torch.cat(parts)

    def _epoch_order(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = generator("cpu", *self._parts, epoch)
            self._permutation, self._epoch = torch.randperm(self._n, generator=rng), epoch
        return self._permutation
