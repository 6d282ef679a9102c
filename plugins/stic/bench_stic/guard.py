"""The divergence guard (README, section 6): it keeps the last good state of a training, and goes back to it."""

import copy
import math
from typing import Any

from torch import Tensor

from bench import Diverged

KEEP_EVERY = 100  # steps between two copies of a good state
HISTORY = 500  # steps over which the median of |f| is taken
FEW = 50  # steps before the median is meaningful
TIMES = 50.0  # |f| of fakes over its median, which counts as 1 at least
ABOVE, FOR = 10.0, 500  # energy of fakes over that of real images, for this many steps
MOST = 3  # returns to the last good state before the training counts as diverged


class Guard:
    """Watches a training whose state is that of `parts`, and has a state of its own, for the checkpoints."""

    def __init__(self, **parts: Any) -> None:
        self.parts = parts
        self.step, self.above, self.returns = 0, 0, 0
        self.history: list[float] = []
        self.good = self._copy()

    def watch(self, loss: Tensor, fake: Tensor | None = None, real: Tensor | None = None) -> bool:
        """Check the loss and, if given, the energies (n,) of fakes and real images. Returns True if it restored a state.

        Raises `Diverged` after too many restorations, with the last good state restored.
        """
        self.step += 1
        why = self._complaint(float(loss.detach()), fake, real)
        if why:
            self._go_back(why)
        elif self.step % KEEP_EVERY == 0:
            self.good = self._copy()
        return bool(why)

    def _complaint(self, loss: float, fake: Tensor | None, real: Tensor | None) -> str:
        if not math.isfinite(loss):
            return f"loss = {loss}"
        if fake is None or real is None:
            return ""
        size, gap = float(fake.abs().mean()), float(fake.mean() - real.mean())
        self.history = [*self.history, size][-HISTORY:]
        median = max(1.0, sorted(self.history)[len(self.history) // 2])
        if len(self.history) >= FEW and size > TIMES * median:
            return f"|f| of fakes = {size:.4g}, over {TIMES:g} times its median of {median:.4g}"
        self.above = self.above + 1 if gap > ABOVE else 0
        return f"fakes lie over {ABOVE:g} above real images for {FOR} steps" if self.above >= FOR else ""

    def _go_back(self, why: str) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(copy.deepcopy(self.good[name]))
        self.returns, self.above, self.history = self.returns + 1, 0, []
        if self.returns > MOST:
            raise Diverged(f"training diverged after {self.step} steps, {MOST} returns to a good state included: {why}")

    def _copy(self) -> dict[str, Any]:
        return {name: copy.deepcopy(part.state_dict()) for name, part in self.parts.items()}

    def state_dict(self) -> dict[str, Any]:
        numbers = {"step": self.step, "above": self.above, "returns": self.returns, "history": self.history}
        return {**numbers, "good": self.good}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name in ("step", "above", "returns", "history", "good"):
            setattr(self, name, state_dict[name])
