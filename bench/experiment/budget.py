"""How much a run may spend: the same for every method of a board, counted in training images seen."""

from dataclasses import dataclass

from bench.errors import BenchError, nearest

EXAMINER_LEAST = 20_000  # training images: fewer are not enough on any data set


@dataclass(frozen=True)
class Budget:
    """Training images for a method (None: its paper's schedule) and for an examiner, and the size of the exam."""

    name: str
    images: int | None  # training images a method sees, all phases together
    examiner_images: int  # training images the guide and the judge each see at most
    examiner_passes: int  # over the training set, likewise, where that is not too little
    samples: int  # images drawn from a method
    reference: int  # training images they are compared with
    timeout: float | None  # seconds that one job may take

    def images_for_examiner(self, train_size: int) -> int:
        """Training images that the guide and the judge each see: a small or easy data set needs no more passes."""
        return min(self.examiner_images, max(EXAMINER_LEAST, self.examiner_passes * train_size))

    @property
    def trusts_judge(self) -> bool:
        """Whether the judge must reach its floor: at `smoke` nothing is trained enough to be trusted."""
        return self.name != "smoke"


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", 1_280, 2_560, 2, 100, 200, 600),
        Budget("quick", 60_000, 60_000, 2, 2_000, 5_000, 3_600),
        Budget("standard", 3_000_000, 600_000, 40, 10_000, 50_000, 14_400),
        Budget("full", None, 2_000_000, 200, 50_000, 50_000, None),
    )
}


def find_budget(name: str) -> Budget:
    """Raises `BenchError` for an unknown name."""
    if name not in BUDGETS:
        raise BenchError(f"unknown budget {name!r}: {nearest(name, BUDGETS)}")
    return BUDGETS[name]
