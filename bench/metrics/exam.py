"""Everything a metric may look at for one trained entry: computed when first asked for, once, and shared."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from bench.api import Classifier, Data, Dataset, Logits, Model, Pixels, SelfClassifying, to_float
from bench.errors import BenchError
from bench.metrics.cache import Array, Cache, content_digest
from bench.metrics.exact import exactly
from bench.metrics.sampling import CHUNK, checked
from bench.metrics.spaces import BATCH, Features, FeatureSpace, JudgeSpace, load_space
from bench.metrics.subsets import stratified

T = TypeVar("T")


class Exam:
    """One trained entry (or anchor, without a model), its samples, the real images, and the examiners.

    `n` samples are compared with `reference` training images and, one by one, with `n` test images: fixed stratified
    subsets. Raises `BenchError` where there are fewer of any than asked for.
    """

    def __init__(
        self,
        *,
        model: Model | None,
        dataset: Dataset,
        samples: Data | None,  # None where none could be drawn: metrics that need them must not be asked
        conditional: bool,  # whether the samples' labels were asked for
        judge: Classifier,
        judge_digest: str,
        guide: Classifier,
        device: torch.device,
        n: int,
        reference: int,
        seed: int,
        costs: Mapping[str, float] = {},
        cache: Path | None = None,
    ) -> None:
        self.model, self.dataset, self.spec, self.conditional = model, dataset, dataset.spec, conditional
        self.judge, self.guide, self.device = judge.eval(), guide.eval(), torch.device(device)
        self.n, self.reference, self.seed, self.costs = n, reference, seed, costs
        self._samples, self._judge_digest, self._cache = samples, judge_digest, Cache(cache)
        self._spaces: dict[str, FeatureSpace] = {}
        self._memo: dict[str, Any] = {}
        self.real = stratified(dataset.train, reference, "reference")
        self.test = stratified(dataset.test, n, "n")
        if samples is not None and len(samples) != n:
            raise BenchError(f"the exam wants n={n} samples, got {len(samples)}: draw as many, or set n to that")
        if model is not None:
            model.eval()

    @property
    def samples(self) -> Data:
        if self._samples is None:
            raise BenchError("no samples were drawn, but the metric looks at them")
        return self._samples

    # Features, once for each space

    def space(self, name: str) -> FeatureSpace:
        if name not in self._spaces:
            self._spaces[name] = JudgeSpace(self.judge, self._judge_digest) if name == "judge" else load_space(name)
        return self._spaces[name]

    def features(self, space: str) -> Features:
        """Of the samples, (n, d)."""
        return self.once(f"samples-{space}", lambda: self.embed(space, self.samples.images))

    def real_features(self, space: str) -> Features:
        """Of the reference, (reference, d)."""
        make = lambda: self.embed(space, self.real.images)  # noqa: E731
        name = f"reference-{space}"
        return self.once(name, lambda: self.kept(name, space, (self.real_digest,), make))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives the first time it is asked for under this name."""
        if name not in self._memo:
            self._memo[name] = make()
        return self._memo[name]

    def embed(self, space: str, pixels: Pixels) -> Features:
        return self.space(space)(pixels, self.device)

    def kept(self, name: str, space: str, parts: tuple[str, ...], make: Callable[[], Array]) -> Array:
        """An array that follows from real images and a feature space alone: from the cache on disk, or made."""
        digest = self.space(space).digest if space else ""
        return self._cache.get(name.replace(":", "-"), (digest, self.device.type, *parts), make)

    @cached_property
    def real_digest(self) -> str:
        return content_digest(self.real.images, self.real.labels.tolist())

    # What classifiers say

    def judged(self, pixels: Pixels) -> Logits:
        """The judge's logits (n, k), on the CPU."""
        size, parts = BATCH.get(self.device.type, 500), []
        with exactly(self.device):
            for batch in pixels.split(size):
                parts.append(self.judge.logits(to_float(batch.to(self.device))).float().cpu())  # noqa: PERF401
        return torch.cat(parts)

    @cached_property
    def sample_logits(self) -> Logits:
        """The judge's, of the samples."""
        return self.judged(self.samples.images)

    def own_logits(self, pixels: Pixels) -> Logits:
        """The model's own (n, k), on the CPU. Raises `BenchError` where they are not."""
        assert isinstance(self.model, SelfClassifying)
        parts = []
        with exactly(self.device):
            for batch in pixels.split(CHUNK):
                logits = self.model.logits(to_float(batch.to(self.device)))
                if tuple(logits.shape) != (len(batch), len(self.spec.classes)):
                    wanted = (len(batch), len(self.spec.classes))
                    raise BenchError(f"logits: got shape {tuple(logits.shape)}, wanted {wanted}")
                if not logits.isfinite().all():
                    raise BenchError("logits: got values that are not finite")
                parts.append(logits.float().cpu())
        return torch.cat(parts)

    @cached_property
    def own_test_logits(self) -> Logits:
        """The model's own, of the test images."""
        return self.own_logits(self.test.images)

    # What the model makes of real images

    @cached_property
    def reconstructions(self) -> Pixels:
        """Of the test images, as bytes; never under `no_grad`: a model may reconstruct by gradients."""
        pixels = torch.empty_like(self.test.images)
        for start in range(0, self.n, CHUNK):
            batch = to_float(self.test.images[start : start + CHUNK].to(self.device))
            shape = tuple(batch.shape)
            images = self.model.reconstruct(batch)  # type: ignore[union-attr, operator]
            pixels[start : start + CHUNK] = checked(images, shape, self.device, "reconstructions")
        return pixels


def right(logits: Logits, labels: torch.Tensor) -> float:
    """The fraction of images whose highest logit is that of their label."""
    return float(np.mean((logits.argmax(1) == labels.cpu()).numpy()))
