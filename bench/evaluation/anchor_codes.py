"""What stands in for the codes of an anchor: the true factors for `real`, codes without a meaning for `noise`."""

import torch

from bench.api import Code, Codes, Data, Images, Labels, Rendering, Spec, to_float
from bench.metrics.control.class_leakage import class_factor

KINDS = {"linear": "continuous", "circular": "circular", "categorical": "categorical"}
NOISE_CODES = 10


class TrueFactors:
    """The factors of a data set as codes, and its renderer as decoder: what perfect control scores."""

    def __init__(self, renderer: Rendering, data: Data) -> None:
        self.renderer, self.spec, self.class_column = renderer, data.spec, class_factor(data)
        self.code_layout = tuple(
            Code(factor.name, KINDS[factor.kind], (column,))  # type: ignore[arg-type]
            for column, factor in enumerate(data.spec.factors)
        )

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        return self.renderer.draw_factors(n, _on_cpu(rng)).to(rng.device)

    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """The exact images; nothing is drawn from `rng`."""
        return to_float(self.renderer.render(codes.cpu(), self.spec.size)).to(codes.device)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """Images of these classes, all other factors drawn from `rng`."""
        assert self.class_column is not None  # `class_leakage` checks that
        codes = self.draw_codes(len(labels), rng)
        codes[:, self.class_column] = labels.to(codes)
        return self.decode(codes, rng)

    def codes_of(self, data: Data) -> Codes:
        """The factors of real images, each as a fraction of its range. Raises `AssertionError` if they are unknown."""
        assert data.factors is not None
        low, high = torch.tensor([(factor.low, factor.high) for factor in self.spec.factors]).T
        return (data.factors - low) / (high - low)


class NoiseCodes:
    """Codes that have nothing to do with the images, which are noise."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        return torch.randn((n, NOISE_CODES), generator=rng, device=rng.device)

    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        return torch.rand((len(codes), *self.spec.shape), generator=rng, device=rng.device)

    def codes_of(self, data: Data) -> Codes:
        """As many random codes, the same for the same number of images."""
        return torch.randn((len(data), NOISE_CODES), generator=torch.Generator().manual_seed(len(data)))


def anchor_codes(name: str, data: Data, renderer: Rendering | None) -> TrueFactors | NoiseCodes | None:
    """The codes of an anchor, with `data` of its data set; None if it has none."""
    if name == "noise":
        return NoiseCodes(data.spec)
    return TrueFactors(renderer, data) if name == "real" and renderer is not None else None


def _on_cpu(rng: torch.Generator) -> torch.Generator:
    """A generator on the CPU that follows from the state of `rng`."""
    return torch.Generator().manual_seed(int(torch.randint(2**31, (1,), generator=rng, device=rng.device)))
