"""The probe that reads the factors of a data set off its images: trained once, on the truth, and cached like the judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.api import Dataset
from bench.backbones.factor_probe import FactorProbe
from bench.experiment.budget import Budget
from bench.experiment.device import Device
from bench.freeze import freeze
from bench.metrics.control.kinds import below_floor, describe
from bench.results.run_dir import look
from bench.training.classifier_spec import ClassifierSpec
from bench.training.fit_once import ABOUT, restore_or_fit
from bench.training_run import Progress

NAME = "factor-probe"


@dataclass(frozen=True)
class FittedProbe:
    """A trained, frozen probe and what is known of it."""

    probe: FactorProbe
    digest: str  # SHA-256 of its weights
    scores: Mapping[str, float]  # of each factor, on the test split
    cached: bool

    @property
    def label(self) -> str:
        return f"{NAME}@{self.digest[:12]}"

    @property
    def summary(self) -> str:
        """The factor that it reads worst, and the factors that it does not read reliably."""
        spec = self.probe.spec
        factors = {factor.name: factor for factor in spec.factors}
        worst = min(self.scores, key=lambda name: self.scores[name])
        text = f"worst factor {worst}: {describe(factors[worst], self.scores[worst])}"
        low = below_floor(spec, self.scores)
        return f"{text}; left out: {', '.join(low)}" if low else text


def resolve_probe(dataset: Dataset, budget: Budget, device: Device) -> ClassifierSpec[FactorProbe]:
    """The probe of a data set with known factors."""
    return ClassifierSpec(
        role="probe",
        name=NAME,
        target=FactorProbe,
        config=FactorProbe.Config(),
        dataset=dataset,
        images=budget.images_for_probe(len(dataset.train)),
        device=device,
    )


def load_or_fit_probe(
    spec: ClassifierSpec[FactorProbe], cache: Path, progress: Progress, checkpoint_every: float = 30.0
) -> FittedProbe:
    """The probe of `spec`, from the cache or trained now. A second process that asks for it waits."""
    device = torch.device(spec.device.kind)

    def measure(model: FactorProbe) -> dict[str, float]:
        return model.scores(spec.dataset.test, device)

    model, known, cached = restore_or_fit(spec, cache, progress, measure, checkpoint_every)
    return FittedProbe(freeze(model), known.digest, known.scores, cached)


def cached_probes(cache: Path) -> list[str]:
    """Each probe in the cache: its data set, and its score for each factor."""
    found = []
    for path in sorted(cache.glob(f"classifiers/*/{ABOUT}")):
        known = look(path, lambda about: (str(about["data"]), dict(about["scores"])))
        if known and set(known[1]) - {"accuracy"}:  # guides and judges have one score
            name, scores = known
            found.append(f"{name} ({', '.join(f'{factor} {score:.3f}' for factor, score in scores.items())})")
    return sorted(found)
