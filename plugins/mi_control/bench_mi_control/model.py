"""Attribute control by mutual information (arXiv 2002.11169): a style-based GAN whose codes can be read off its images."""

from typing import ClassVar

import torch

from bench import Codes, Data, Images, Run, Spec
from bench.parts.adversarial import signed
from bench.parts.style_model import StyleModel
from bench_mi_control.config import MiControlConfig, MiControlGlobalConfig
from bench_mi_control.information import Bounds, MutualInformation
from bench_mi_control.posterior import Posterior


class MiControl(StyleModel):
    """G(z, c), D, and Q(c|x) on the features of D. `encode` returns the codes that Q reads off images."""

    Config: ClassVar[type] = MiControlConfig
    source = "arXiv 2002.11169"
    config: MiControlConfig

    def __init__(self, config: MiControlConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.posterior = Posterior(self.codes, config, self.discriminator.dim)
        self.bounds = Bounds(self.codes)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Both players for the whole budget. Warns of dead codes."""
        steps = run.steps(run.images, self.config.batch_size)
        condition = MutualInformation(self, self.posterior, self.bounds, weight=self.config.w_mi, steps=steps)
        self.train_with(condition, data, run, also=self.posterior.parameters())

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """What Q reads off the images, in the columns of the codes. Q was trained with generated images only."""
        means, _ = self.posterior(self.discriminator.features(signed(images)))
        return self.posterior.read(means)


class MiControlGlobal(MiControl):
    """The same with all codes in the styles of all scales."""

    Config = MiControlGlobalConfig
    source = "arXiv 2002.11169"
