"""The inputs of the metrics for one trained model, computed on first use and shared by all metrics."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from bench.api import Classifier, Data, Dataset, Logits, Model, Pixels, Rendering, SelfClassifying, to_float
from bench.errors import BenchError
from bench.metrics.cache import Array, Cache
from bench.metrics.control.kinds import OracleKind
from bench.metrics.control.oracle import Oracle
from bench.metrics.features.base import BATCH, Features, FeatureSpace
from bench.metrics.features.judge import JudgeSpace
from bench.metrics.metric import NotMeasured
from bench.metrics.precision import full_precision
from bench.metrics.sampling import CHUNK, checked
from bench.metrics.scale import Scale
from bench.metrics.spaces import load_space
from bench.metrics.subsets import stratified
from bench.util.hashing import tensor_digest

T = TypeVar("T")


class EvaluationContext:
    """A trained model (None for an anchor), its samples, the real images, the guide and the judge.

    `n` samples are compared with `reference` training images and with `n` test images, which are fixed stratified
    subsets. A data set may have no test images. Raises `BenchError` if a split has fewer images otherwise, or if the number
    of samples is not `n`.
    """

    def __init__(
        self,
        *,
        model: Model | None,
        dataset: Dataset,
        samples: Data | None,  # None if none could be drawn: metrics that need samples cannot be computed then
        conditional: bool,  # whether the samples were drawn for their labels
        judge: Classifier,
        judge_digest: str,
        guide: Classifier,
        device: torch.device,
        n: int,
        reference: int,
        seed: int,
        costs: Mapping[str, float] = {},
        cache: Path | None = None,
        anchor: Any = None,  # what stands in for the codes of a model that is None
        find_oracle: Callable[[], Oracle] | None = None,  # what reads attributes off images
        oracle_kind: OracleKind = "morphology",
        renderer: Rendering | None = None,  # draws images of any factor values
        train_classifier: Callable[[Data, int], Classifier] | None = None,  # a new one, on so many images of the data
        sample_again: Callable[[int], "EvaluationContext"] | None = None,  # of another sampling: 1, 2, ...
        find_second_judge: Callable[[], tuple[Classifier, str]] | None = None,  # with the digest of its weights
    ) -> None:
        self.model, self.dataset, self.spec, self.conditional = model, dataset, dataset.spec, conditional
        self.judge, self.guide, self.device = judge.eval(), guide.eval(), torch.device(device)
        self.n, self.reference, self.seed, self.costs = n, reference, seed, costs
        self.scale = Scale(n, reference, len(dataset.train), len(dataset.test), oracle_kind)
        self.anchor, self.renderer, self._find_oracle = anchor, renderer, find_oracle
        self._samples, self._judge_digest, self._cache = samples, judge_digest, Cache(cache)
        self._train_classifier, self.sample_again = train_classifier, sample_again
        self._find_second_judge = find_second_judge
        self._spaces: dict[str, FeatureSpace] = {}
        self._memo: dict[str, Any] = {}
        self.real = stratified(dataset.train, reference, "reference")
        self.test = stratified(dataset.test, n, "n") if len(dataset.test) else dataset.test
        if samples is not None and len(samples) != n:
            raise BenchError(f"expected n={n} samples, got {len(samples)}")
        if model is not None:
            model.eval()

    @property
    def samples(self) -> Data:
        if self._samples is None:
            raise BenchError("the metric needs samples, but none were drawn")
        return self._samples

    @property
    def coder(self) -> Any:
        """What draws and decodes codes: the model, or what stands in for it."""
        return self.anchor if self.model is None else self.model

    @cached_property
    def oracle(self) -> Oracle:
        """What reads attributes off images."""
        if self._find_oracle is None:
            raise BenchError("the metric needs an oracle of attributes, but there is none")
        return self._find_oracle()

    @cached_property
    def second_judge(self) -> tuple[Classifier, str]:
        """A judge of another family, and the digest of its weights. Raises `NotMeasured` if there is none."""
        if self._find_second_judge is None:
            raise NotMeasured("no second judge is available")
        return self._find_second_judge()

    # Features, once for each space

    def space(self, name: str) -> FeatureSpace:
        if name not in self._spaces:
            self._spaces[name] = self._new_space(name)
        return self._spaces[name]

    def _new_space(self, name: str) -> FeatureSpace:
        if name == "judge":
            return JudgeSpace(name, self.judge, self._judge_digest)
        return JudgeSpace(name, *self.second_judge) if name == "judge2" else load_space(name)

    def features(self, space: str) -> Features:
        """Features of the samples, float32 (n, d)."""
        return self.memoize(f"samples-{space}", lambda: self.embed(space, self.samples.images))

    def real_features(self, space: str) -> Features:
        """Features of the reference images, float32 (reference, d)."""
        make = lambda: self.embed(space, self.real.images)  # noqa: E731
        name = f"reference-{space}"
        return self.memoize(name, lambda: self.cached(name, space, (self.real_digest,), make))

    def memoize(self, name: str, make: Callable[[], T]) -> T:
        """The result of the first call of `make` under this name."""
        if name not in self._memo:
            self._memo[name] = make()
        return self._memo[name]

    def known(self, name: str) -> Any:
        """What was memoized under this name; None if nothing was."""
        return self._memo.get(name)

    def embed(self, space: str, pixels: Pixels) -> Features:
        return self.space(space)(pixels, self.device)

    def cached(self, name: str, space: str, parts: tuple[str, ...], make: Callable[[], Array]) -> Array:
        """An array that depends only on real images and a feature space: from the cache on disk, or computed."""
        digest = self.space(space).digest if space else ""
        return self._cache.get(name.replace(":", "-"), (digest, self.device.type, *parts), make)

    @cached_property
    def real_digest(self) -> str:
        return tensor_digest([self.real.images, self.real.labels])

    # Answers of classifiers

    def judge_logits(self, pixels: Pixels) -> Logits:
        """The judge's logits (n, k), on the CPU."""
        return self.logits_of(self.judge, pixels)

    def logits_of(self, classifier: Classifier, pixels: Pixels) -> Logits:
        """The logits (n, k) of a classifier, on the CPU."""
        size, parts = BATCH.get(self.device.type, 500), []
        with full_precision(self.device):
            for batch in pixels.split(size):
                parts.append(classifier.logits(to_float(batch.to(self.device))).float().cpu())  # noqa: PERF401
        return torch.cat(parts)

    def fit_classifier(self, data: Data, images: int) -> Classifier:
        """A new classifier, trained on so many images of `data` alone."""
        if self._train_classifier is None:
            raise BenchError("the metric trains a classifier, but there is none to train")
        return self._train_classifier(data, images).requires_grad_(False)

    @cached_property
    def sample_logits(self) -> Logits:
        """The judge's logits of the samples, (n, k)."""
        return self.judge_logits(self.samples.images)

    def own_logits(self, pixels: Pixels) -> Logits:
        """The logits of the model's own classifier, (n, k), on the CPU. Raises `BenchError` for other shapes or values."""
        assert isinstance(self.model, SelfClassifying)
        parts = []
        with full_precision(self.device):
            for batch in pixels.split(CHUNK):
                logits = self.model.logits(to_float(batch.to(self.device)))
                expected = (len(batch), len(self.spec.classes))
                if tuple(logits.shape) != expected:
                    raise BenchError(f"logits: expected shape {expected}, got {tuple(logits.shape)}")
                if not logits.isfinite().all():
                    raise BenchError("logits: expected finite values, got nan or inf")
                parts.append(logits.float().cpu())
        return torch.cat(parts)

    @cached_property
    def own_test_logits(self) -> Logits:
        """The logits of the model's own classifier for the test images, (n, k)."""
        return self.own_logits(self.test.images)

    @cached_property
    def own_logits_of_all(self) -> Logits:
        """The logits of the model's own classifier for the whole test split, (n, k)."""
        return self.own_logits(self.dataset.test.images)

    # Reconstructions

    @cached_property
    def reconstructions(self) -> Pixels:
        """Reconstructions of the test images, uint8; never under `no_grad`: a model may reconstruct by gradients."""
        return self.reconstruct(self.test.images)

    def reconstruct(self, images: Pixels) -> Pixels:
        """The model's reconstructions of any images, uint8."""
        pixels = torch.empty_like(images)
        for start in range(0, len(images), CHUNK):
            batch = to_float(images[start : start + CHUNK].to(self.device))
            found = self.model.reconstruct(batch)  # type: ignore[union-attr, operator]
            pixels[start : start + CHUNK] = checked(found, tuple(batch.shape), self.device, "reconstructions")
        return pixels


def fraction_correct(logits: Logits, labels: torch.Tensor) -> float:
    """The fraction of images whose highest logit is that of their label. `logits` (n, k), `labels` (n,)."""
    return float(np.mean((logits.argmax(1) == labels.cpu()).numpy()))
