"""How much a run may spend, counted in training images: the same for every method of a board."""

from dataclasses import dataclass

from bench.errors import BenchError, nearest

CLASSIFIER_LEAST = 20_000  # training images: fewer are not enough for any data set


@dataclass(frozen=True)
class Budget:
    """Training images for a method and for the guide and judge, and the number of images in the evaluation."""

    name: str
    images: int | None  # training images of a method over all phases; None: its paper's schedule
    classifier_images: int  # upper limit of training images for the guide and for the judge
    classifier_passes: int  # upper limit of passes over the training set, likewise
    samples: int  # images sampled from a method
    reference: int  # training images that they are compared with
    timeout: float | None  # seconds per job

    def images_for_classifier(self, train_size: int) -> int:
        """Training images for the guide and for the judge."""
        return min(self.classifier_images, max(CLASSIFIER_LEAST, self.classifier_passes * train_size))

    def images_for_probe(self, train_size: int) -> int:
        """Training images for the probe: twice as many passes, since it has every factor to learn."""
        return min(self.classifier_images, max(CLASSIFIER_LEAST, 2 * self.classifier_passes * train_size))

    @property
    def trusts_judge(self) -> bool:
        """Whether the judge must reach its minimum accuracy; at `smoke` nothing is trained long enough."""
        return self.name != "smoke"


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", 1_280, 2_560, 2, 100, 200, 600),
        Budget("quick", 60_000, 60_000, 2, 2_000, 5_000, 3_600),
        Budget("medium", 600_000, 200_000, 10, 5_000, 20_000, 10_800),
        Budget("standard", 3_000_000, 600_000, 40, 10_000, 50_000, 14_400),
        Budget("full", None, 2_000_000, 200, 50_000, 50_000, None),
    )
}


def find_budget(name: str) -> Budget:
    """Raises `BenchError` for an unknown name."""
    if name not in BUDGETS:
        raise BenchError(f"unknown budget {name!r}: {nearest(name, BUDGETS)}")
    return BUDGETS[name]
