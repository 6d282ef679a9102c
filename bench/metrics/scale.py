"""How many images an evaluation uses: what the protocols of its metrics state."""

from dataclasses import dataclass

from bench.metrics.control.kinds import OracleKind

FULL = 1000  # samples from which the control metrics use their full numbers
SMALL = 200  # samples: a run with fewer shows that everything works, and nothing about quality


@dataclass(frozen=True)
class Scale:
    """The numbers of images of one evaluation, and the oracle that reads their attributes."""

    n: int  # samples, and real test images that they are compared with
    reference: int  # training images that they are compared with
    train: int = 0  # images of the whole split
    test: int = 0
    oracle: OracleKind = "morphology"

    @property
    def contexts(self) -> int:
        """Contexts in which each code is changed."""
        return (256, 64, 8)[self._step]

    @property
    def values(self) -> int:
        """Values that a continuous code takes in each context."""
        return (11, 7, 5)[self._step]

    @property
    def spread(self) -> int:
        """Images of independent codes whose variance the effects of codes are shares of."""
        return (4_000, 1_000, 300)[self._step]

    @property
    def pairs(self) -> int:
        """Pairs of codes whose paths are measured."""
        return (500, 500, 50)[self._step]

    @property
    def draws(self) -> tuple[int, int]:
        """Images drawn from codes for measures of whole representations: to fit and to test."""
        return ((10_000, 5_000), (1_000, 500), (300, 150))[self._step]

    @property
    def encoded(self) -> tuple[int, int]:
        """Real images encoded for such measures: training images to fit, and test images."""
        fit, test = self.draws
        return min(fit, self.train), min(test, self.test)

    @property
    def _step(self) -> int:
        """0 for full numbers, 1 for those of fewer samples than FULL, 2 for fewer than SMALL."""
        return (self.n < FULL) + (self.n < SMALL)
