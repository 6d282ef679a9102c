"""All settings of both entries. Section numbers are those of the README."""

from dataclasses import dataclass
from typing import Literal

from bench import require_between
from bench.parts.style_model import StyleConfig


@dataclass(frozen=True)
class MiControlConfig(StyleConfig):
    """What can be set, and every default. Those of the GAN alone are defined by `StyleConfig`."""

    w_mi: float = 1.0  # lambda, the weight of the bound in the losses of both players; 0: the codes are ignored
    posterior_std: Literal["fixed", "learned"] = "fixed"  # of Q for continuous and circular codes
    fixed_std: float = 0.7  # of posterior_std=fixed; of a continuous code, a circle has 3 ** 0.5 times as much
    posterior_width: int = 128  # units of Q's hidden layer

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 0, float("inf"), "w_mi")
        require_between(self, 0.01, 10, "fixed_std")
        require_between(self, 1, float("inf"), "posterior_width")


@dataclass(frozen=True)
class MiControlGlobalConfig(MiControlConfig):
    """The same with all codes in the styles of all scales."""

    inject: Literal["per-scale", "global"] = "global"
