"""The discriminative term (README, section 2): each layer of the guide is one more thing observed of an image."""

from math import log, prod

from jaxtyping import Float
from torch import Tensor, nn

from bench import Classifier, Images
from bench.parts.features import FrozenFeatures, Layers, scales, untrained
from bench.parts.gaussian import LogSigma, PerImage, gaussian_nll
from bench_dr_vae.config import DrVaeConfig

SMALLEST = 1e-3  # scale of a layer: one that is constant over images would have 0


class Term(nn.Module):
    """sum_l N(d_l(x); d_l(m), sigma_l), d_l the layers of a frozen classifier.

    Its state is the sigmas, which have the shapes of the layers: it goes into `keep=`, not into the model.
    """

    def __init__(self, features: FrozenFeatures, config: DrVaeConfig, images: Images) -> None:
        super().__init__()
        self.features = features
        shapes = features.shapes.values()
        units = [log(max(scale, SMALLEST)) for scale in scales(features, images).values()]
        floors = [config.sigma_floor + (unit if config.feature_sigma != "fixed" else 0.0) for unit in units]
        self.log_sigmas = nn.ModuleList(
            LogSigma(shape, config.feature_sigma, floor=floor, start=config.sigma_start)
            for shape, floor in zip(shapes, floors, strict=True)
        )
        self.elements = sum(prod(shape) for shape in shapes)
        pixels = prod(features.classifier.spec.shape)
        self.weight = config.gamma * (pixels / self.elements if config.per_pixel else 1.0)

    def forward(self, target: Layers, mean: Images) -> dict[str, PerImage]:
        """The term of each layer for each image: `target` is `features.target(x)`, `mean` is m. Without weights."""
        return self.of_layers(target, self.features(mean))

    def of_layers(self, target: Layers, layers: Layers) -> dict[str, PerImage]:
        """The same of layers that are there already."""
        return {
            name: gaussian_nll(target[name], layers[name], log_sigma())
            for name, log_sigma in zip(target, self.log_sigmas, strict=True)
        }

    def add(self, plain: Float[Tensor, ""], of_layers: dict[str, PerImage], share: float = 1.0) -> Float[Tensor, ""]:
        """The loss: -ELBO, mean over the batch, plus this share of the weighted term."""
        return plain + share * self.weight * sum(of_layers.values(), start=plain.new_zeros(())).mean()


def term_of(guide: Classifier, config: DrVaeConfig, seed: int, images: Images) -> Term:
    """The term over this guide, or over one of its architecture with random weights; `images` give the scale of layers."""
    classifier = untrained(guide, seed, images) if config.features == "random" else guide
    features = FrozenFeatures(classifier, config.layers, before_activation=config.before_activation)
    device = next((it.device for it in classifier.parameters()), images.device)
    return Term(features, config, images.to(device)).to(device)
