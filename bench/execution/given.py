"""External images as a row of a board: put where the samples of a method would be, and scored like them."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.api import Data, Dataset, Labels, Pixels
from bench.comparison.image_sets import ImageSet, Source, in_common_format, read_images
from bench.comparison.labels import LabelSource, read_labels
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS, in_turn
from bench.execution.plan import Plan
from bench.experiment.budget import BUDGETS, find_budget
from bench.experiment.request import Given, RunRequest
from bench.registry.plugins import Plugins
from bench.results.contact_sheet import save_samples
from bench.results.run_dir import RunDir
from bench.results.samples import pack_samples, samples_name
from bench.util.hashing import tensor_digest


@dataclass(frozen=True)
class GivenSamples:
    """Images in the format of a data set, as many as its budget scores, and whether they are of known classes."""

    name: str
    data: Data
    conditional: bool

    @property
    def digest(self) -> str:
        return tensor_digest([self.data.images, self.data.labels, torch.tensor(self.conditional)])

    def requested(self, request: RunRequest) -> RunRequest:
        """The request that scores these images instead of methods."""
        return replace(request, plugins="", given=Given(self.name, self.digest))

    def place(self, plan: Plan, runs: Path) -> None:
        """Write the images, and a picture of them, where the samples of each job would be."""
        for job in (job for job in plan.jobs if job.given):
            run_dir = RunDir(runs, job)
            run_dir.create()
            save_samples(self.data, run_dir.path)
            run_dir.write_bytes(samples_name(job.samples), pack_samples(self.data, self.conditional))


def read_given(
    name: str, samples: Source, labels: LabelSource | None, size: int | None, request: RunRequest
) -> GivenSamples:
    """Choose at random, with a fixed seed, as many images as the budget of `request` scores.

    Raises `BenchError` if the name is taken, or if the images are too few or do not have the size of the data set.
    """
    plugins, budget = Plugins(), find_budget(request.budget)
    _check_name(name, plugins)
    dataset: Dataset = plugins.find("datasets", request.dataset.base).target(request.dataset.argument).load()
    images = read_images(samples, "the samples", size)
    pixels = _in_format_of(dataset, images)
    n = min(budget.samples, len(dataset.test))
    if len(pixels) < n:
        enough = [other.name for other in BUDGETS.values() if min(other.samples, len(dataset.test)) <= len(pixels)]
        raise BenchError(
            f"the budget {budget.name} scores {n:,} images, got {len(pixels):,} in {images.name}"
            + (f"; choose --budget {enough[-1]}" if enough else "")
        )
    known = None if labels is None else read_labels(labels, dataset.spec.classes, len(pixels))
    chosen = _choice(len(pixels), n, known, len(dataset.spec.classes))
    classes = torch.zeros(n, dtype=torch.int64) if known is None else known[chosen]
    return GivenSamples(name, Data(dataset.spec, pixels[chosen], classes), known is not None)


def _check_name(name: str, plugins: Plugins) -> None:
    taken = {*ANCHORS, *(entry.name for entry in plugins.all("generators"))}
    if not name.strip() or name in taken:
        why = f"{name!r} is an installed method or an anchor" if name.strip() else "got an empty one"
        raise BenchError(f"--name: expected a name of your own, {why}")


def _in_format_of(dataset: Dataset, images: ImageSet) -> Pixels:
    pixels, real = in_common_format(images, ImageSet(dataset.spec.name, dataset.train.images[:1]))
    if real.shape[1] != dataset.spec.channels:
        raise BenchError(f"expected gray images like those of {dataset.spec.name}, got colour in {images.name}")
    return pixels


def _choice(available: int, n: int, labels: Labels | None, k: int) -> torch.Tensor:
    """Which images are scored: all classes in turn if they are known, as methods are asked for them; int64 (n,)."""
    order = torch.randperm(available, generator=torch.Generator().manual_seed(0))
    return order[:n] if labels is None else order[in_turn(labels[order], k)[:n]]
