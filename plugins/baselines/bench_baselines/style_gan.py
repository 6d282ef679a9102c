"""A style-based GAN with codes that nothing asks it to use (arXiv 1812.04948): `mi-control` without its bound."""

from typing import ClassVar

from bench import Data, Run
from bench.parts.style_model import RandomCodes, StyleConfig, StyleModel


class StyleGan(StyleModel):
    """G(z, c) against D: the networks, the codes and the training of `mi-control`."""

    Config: ClassVar[type] = StyleConfig
    source = "arXiv 1812.04948"

    def fit(self, data: Data, run: Run) -> None:
        """Both players for the whole budget."""
        self.train_with(RandomCodes(self), data, run)
