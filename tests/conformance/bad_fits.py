"""Generators that keep every promise but one about how a model is built, fitted and saved."""

import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from bad import bad_ones, breaks
from torch import Tensor, nn
from toys import Plain, Toy, ToyConfig

from bench import BenchError, Data, Images, Labels, Run, Spec

SETTINGS = "settings_have_defaults_and_are_read_from_text"


@dataclass
class LooseConfig:
    lr: float = 0.1


@breaks(SETTINGS, "is not frozen")
class SettingsCanBeChanged(Plain):
    Config = LooseConfig


@dataclass(frozen=True)
class GreedyConfig:
    path: str


@breaks(SETTINGS, "missing 1 required positional argument")
class SettingWithoutDefault(Plain):
    Config = GreedyConfig


@dataclass(frozen=True)
class ListConfig:
    widths: list[int] = field(default_factory=lambda: [1, 2])


@breaks(SETTINGS, "has the type list")
class SettingThatNoTextCanGive(Plain):
    Config = ListConfig


@dataclass(frozen=True)
class RoundingConfig:
    lr: float = 0.126

    def __post_init__(self) -> None:
        object.__setattr__(self, "lr", round(self.lr / 2, 2))


@breaks(SETTINGS, "when read from text, got")
class SettingThatChangesEachTime(Plain):
    Config = RoundingConfig


@breaks("is_built_from_config_and_spec_alone", "wants colour")
class WantsColour(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if spec.channels != 3:
            raise ValueError("wants colour")


@breaks("is_built_from_config_and_spec_alone", "power of two")
class WantsPowersOfTwo(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if spec.size & (spec.size - 1):
            raise BenchError("the size must be a power of two")


@breaks("fit_trains_on_batches_of_the_run", "expected at least one batch from run.batches, got none")
class HelpsItselfToTheData(Plain):
    def fit(self, data: Data, run: Run) -> None:
        self.mean.data = data.images.float().mean(0) / 255
        run.log(loss=0.0)


@breaks("fit_trains_on_batches_of_the_run", "ZeroDivisionError: division by zero (bad_fits.py:")
class FailsToFit(Plain):
    def fit(self, data: Data, run: Run) -> None:
        run.log(loss=1 / 0)


@breaks("fit_trains_on_batches_of_the_run", "SystemExit")
class EndsTheProcess(Plain):
    def fit(self, data: Data, run: Run) -> None:
        raise SystemExit("bye")


@breaks("fit_stays_within_its_budget", "expected at most 768 training images, got 3200")
class TakesOneMoreBatchAgainAndAgain(Plain):
    def fit(self, data: Data, run: Run) -> None:
        for phase in range(50):
            for images, _ in run.batches(data, 64, 64, phase=f"phase {phase}"):
                self.mean.data = images.mean(0)
                run.log(loss=0.0)


@breaks("fit_logs_a_loss", "expected a scalar in run.log, got none")
class TrainsInSilence(Toy):
    def log(self, run: Run, loss: Tensor) -> None:
        pass


@breaks("fit_works_on_grayscale_images", "expected shape (2, 1, 28, 28)")
class PaintsGreyInColour(Plain):
    def sample(self, n: int, rng: torch.Generator) -> Images:
        return super().sample(n, rng).expand(-1, 3, -1, -1)


@breaks("fit_works_on_grayscale_images", "IndexError")
class CountsOnManyImages(Plain):
    def fit(self, data: Data, run: Run) -> None:
        data.images[90]
        super().fit(data, run)


@breaks("fit_works_without_classes", "needs a guide, but this run has none")
class AsksForAGuide(Plain):
    def fit(self, data: Data, run: Run) -> None:
        assert run.guide
        super().fit(data, run)


@breaks("fit_works_without_classes", "set needs_classes = True")
class ComparesTwoClasses(Plain):
    def fit(self, data: Data, run: Run) -> None:
        assert (data.labels == 1).any()
        super().fit(data, run)


@breaks("fit_works_in_mixed_precision", "BFloat16")
class MixesPrecisionsBadly(Toy):
    def log(self, run: Run, loss: Tensor) -> None:
        with run.autocast():
            half = self.head(self.means)
        torch.zeros(len(half), half.shape[1]).index_add_(0, torch.arange(len(half)), half)
        run.log(loss=loss)


@breaks("fit_works_in_mixed_precision", "expected float32")
class StaysInHalfPrecision(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        if run.precision == "bfloat16":
            self.bfloat16()


@breaks("fit_leaves_its_data_unchanged", "fit changed the images")
class ErasesItsData(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        data.images[:10] = 0


@breaks("fit_leaves_the_process_unchanged", "numpy's global random state")
class SeedsNumpy(Plain):
    def fit(self, data: Data, run: Run) -> None:
        np.random.seed(0)
        super().fit(data, run)


@breaks("fit_leaves_the_process_unchanged", "python's global random state")
class ThrowsPythonsDice(Plain):
    def fit(self, data: Data, run: Run) -> None:
        random.random()
        super().fit(data, run)


@breaks("fit_leaves_the_process_unchanged", "torch's default dtype")
class ComputesInDouble(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        torch.set_default_dtype(torch.float64)


@breaks("fit_leaves_the_process_unchanged", "torch's number of threads")
class TakesMoreThreads(Plain):
    def fit(self, data: Data, run: Run) -> None:
        torch.set_num_threads(torch.get_num_threads() + 1)
        super().fit(data, run)


@breaks("fit_leaves_the_process_unchanged", "torch's grad mode")
class SwitchesGradientsOff(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        torch.set_grad_enabled(False)


@breaks("fit_leaves_the_process_unchanged", "the working directory")
class Wanders(Plain):
    def fit(self, data: Data, run: Run) -> None:
        os.chdir("/")
        super().fit(data, run)


@breaks("fit_writes_no_files", "weights.pt")
class SavesItself(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        torch.save(self.state_dict(), Path("weights.pt"))


@breaks("fit_leaves_nothing_running", "thread straggler")
class LeavesAThread(Plain):
    def fit(self, data: Data, run: Run) -> None:
        straggler = threading.Timer(3, lambda: None)
        straggler.name, straggler.daemon = "straggler", True
        straggler.start()
        super().fit(data, run)


@breaks("fit_leaves_nothing_running", "process ")
class LeavesAProcess(Plain):
    def fit(self, data: Data, run: Run) -> None:
        subprocess.Popen(["sleep", "3"])
        super().fit(data, run)


@breaks("state_dict_holds_tensors_only", "expected tensors only")
class SavesItsHistory(Plain):
    def get_extra_state(self) -> dict[str, list[float]]:
        return {"losses": [1.0]}

    def set_extra_state(self, state: dict[str, list[float]]) -> None:
        pass


@breaks("shapes_follow_from_config_and_spec", "expected shape (0, 3, 32, 32) as before fit, got (97, 3, 32, 32)")
class BanksWhatThereIs(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("bank", torch.zeros(0, *spec.shape, dtype=torch.uint8))

    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        self.bank = data.images.clone()


@breaks("shapes_follow_from_config_and_spec", "expected the same names before and after fit")
class GrowsALayer(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        self.late = nn.Linear(1, 1)


@breaks("state_dict_is_the_whole_model", "after saving and loading the state dict: sample")
class HidesItsBrightness(Plain):
    brightness = 0.0

    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        self.brightness = 0.1

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return (super().sample(n, rng) + self.brightness).clamp(0, 1)


@breaks("state_dict_is_the_whole_model", "after saving and loading")
class ProjectsAtRandom(Toy):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("turn", torch.randn(config.codes, config.codes), persistent=False)

    def sample_mixture(self, weights: Tensor, rng: torch.Generator) -> Images:
        return self.decode(weights @ self.means @ self.turn, rng)


@breaks("same_seed_gives_same_weights", "two fits with one seed: mean differs")
class StartsAnywhere(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        self.mean.data += 1e-3 * np.random.default_rng().random()


@breaks("limits_leave_images_to_train_on", "expected '' for some images, got 'not today' for all formats")
class IsForNothing(Plain):
    @classmethod
    def not_for(cls, config: ToyConfig, spec: Spec) -> str:
        return "not today"


@breaks("limits_leave_images_to_train_on", "again, got another reason")
class ChangesItsMind(Plain):
    asked = 0

    @classmethod
    def not_for(cls, config: ToyConfig, spec: Spec) -> str:
        cls.asked += 1
        return f"reason {cls.asked}" if cls.asked > 1 else ""


@breaks("another_process_gives_the_same_model", "in another process: the state dict, sample differ")
class StartsFromAHash(Plain):
    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.mean.data.fill_(hash("grey") % 1000003 / 1000003)


@breaks("another_process_gives_the_same_model", "in another process: ")
class WorksInOneProcessOnly(Plain):
    def fit(self, data: Data, run: Run) -> None:
        assert "pytest" in sys.modules
        super().fit(data, run)


@breaks("an_interrupted_fit_resumes_exactly", "differ; add `keep=[optimizer]`")
class ForgetsItsOptimizer(Toy):
    def kept(self, optimizer: torch.optim.Optimizer) -> list[torch.optim.Optimizer]:
        return []


@breaks("an_interrupted_fit_resumes_exactly", "interrupted twice and resumed: means")
class RemembersOutsideItsState(Toy):
    def remember(self, codes: Tensor, labels: Labels) -> None:
        self.total = getattr(self, "total", 0) + codes.mean(0)
        self.means.copy_(self.total.expand_as(self.means))


@breaks("an_interrupted_fit_resumes_exactly", "fit continued after the run was interrupted")
class SwallowsEverything(Plain):
    def fit(self, data: Data, run: Run) -> None:
        try:
            super().fit(data, run)
        except Exception:
            return


@breaks("fit_leaves_the_guide_unchanged", "fit changed the guide")
class TrainsTheGuide(Plain):
    def fit(self, data: Data, run: Run) -> None:
        super().fit(data, run)
        with torch.no_grad():
            next(run.guide.parameters()).mul_(1.01)


@breaks("fit_leaves_the_guide_unchanged", "fit changed the guide")
class ThawsTheGuide(Plain):
    def fit(self, data: Data, run: Run) -> None:
        run.guide.train().requires_grad_(True)
        super().fit(data, run)


BAD = bad_ones(globals())
