"""What training and sampling cost: measured by the host, passed on."""

from collections.abc import Callable

from bench.errors import BenchError
from bench.metrics.exam import Exam
from bench.metrics.metric import Measured


def cost(name: str) -> Callable[[Exam], Measured]:
    """One figure, of one training or of the drawing of n samples."""

    def compute(exam: Exam) -> Measured:
        if name not in exam.costs:
            raise BenchError(f"{name} was not measured while training or sampling")
        return Measured(float(exam.costs[name]), exam.n if name.startswith("sample-") else 1)

    return compute
