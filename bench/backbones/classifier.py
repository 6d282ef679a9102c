"""Image classifiers over timm's architectures (R. Wightman, https://github.com/huggingface/pytorch-image-models)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from bench.api import Classifier, Data, Images, Labels, Logits, Spec
from bench.backbones.augment import degrade, shift_and_flip
from bench.backbones.network import NetworkConfig, TimmNetwork
from bench.training_run import Run


@dataclass(frozen=True)
class TimmConfig(NetworkConfig):
    """Which architecture, and how it is trained."""

    label_smoothing: float = 0.05
    shift: float = 0.0625  # maximum shift of an image as a fraction of its side
    flip: bool = False  # mirror half of the images
    blur: float = 0.0  # blur a quarter of the images by up to this deviation, as a fraction of the side
    noise: float = 0.0  # add noise of up to this deviation to another quarter


class TimmClassifier(TimmNetwork, Classifier):
    """Any timm architecture as a classifier."""

    Config: ClassVar[type] = TimmConfig

    def __init__(self, config: TimmConfig, spec: Spec) -> None:
        super().__init__(config, spec, len(spec.classes))

    def logits(self, images: Images) -> Logits:
        return self.net(self.normalised(images))

    def features(self, images: Images) -> list[Tensor]:
        """The maps (n, c, h, w) after each stage, then the pre-logits vector (n, d)."""
        inputs = self.normalised(images)
        if hasattr(self.net, "forward_intermediates"):
            final, maps = self.net.forward_intermediates(inputs)
        else:
            final = self.net.forward_features(inputs)
            maps = [final]
        return [*maps, self.net.forward_head(final, pre_logits=True)]

    def fit(self, data: Data, run: Run) -> None:
        config: TimmConfig = self.config
        reach = round(config.shift * self.spec.size)

        def loss_of(images: Images, labels: Labels) -> Tensor:
            images = shift_and_flip(images, reach, config.flip, run.rng)
            if config.blur or config.noise:
                images = degrade(images, config.blur * self.spec.size, config.noise, run.rng)
            with run.autocast():
                logits = self.logits(images)
            return F.cross_entropy(logits.float(), labels, label_smoothing=config.label_smoothing)

        self.minimise(loss_of, data, run)
