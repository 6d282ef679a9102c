"""The variational autoencoder (arXiv 1312.6114), plain and given the label (Sohn, Lee and Yan, NeurIPS 2015)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from bench import Code, Codes, Data, Images, Labels, Logits, LogWeights, Run, Spec
from bench.parts.conv import Norm
from bench.parts.gaussian import Sharing, gaussian_nll, kl_to_standard
from bench.parts.optim import MovingAverage, MuonAdamW
from bench.parts.vae import Vae, conv_vae
from bench.parts.vae_generator import VaeGenerator


@dataclass(frozen=True)
class VaeConfig:
    """What can be set, and every default: those of `dr-vae`, which is compared with it."""

    width: int = 24  # channels of the first stage, doubled by each
    latent_dim: int = 64
    norm: Norm = "weight"  # of the decoder: with weight, no image depends on the others of its batch
    sigma: Sharing = "layer"  # who shares a learned log sigma of pixels; fixed: exp(sigma_start) for all
    sigma_start: float = 0.0  # log sigma
    sigma_floor: float = -3.0  # log sigma: 0.05
    batch_size: int = 64
    lr: float = 0.02  # of Muon, the peak of a warm-up and a cosine; AdamW has a quarter of it
    warmup: float = 0.1  # share of the steps
    sigma_speed: float = 10.0  # learning rate of log sigma over AdamW's
    ema: float = 0.999  # of all weights; 0 for none

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        for name, least in (("width", 1), ("latent_dim", 1), ("batch_size", 2)):  # batch norm wants two images
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        for name in ("lr", "sigma_speed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected a value of at least 0, got {getattr(self, name)}")
        if not 0 <= self.warmup <= 1:
            raise ValueError(f"warmup: expected a value in [0, 1], got {self.warmup}")


def new_vae(config: VaeConfig, spec: Spec, classes: int = 0) -> Vae:
    """The VAE with these settings; with `classes`, both networks get the label."""
    return conv_vae(
        spec.shape, width=config.width, latent_dim=config.latent_dim, sigma=config.sigma, classes=classes,
        sigma_floor=config.sigma_floor, sigma_start=config.sigma_start, norm=config.norm,
    )  # fmt: skip


def fit_vae(vae: Vae, config: VaeConfig, data: Data, run: Run) -> None:
    """Down the negative bound with one draw of z for each image, for the whole budget."""
    steps = run.steps(run.images, config.batch_size)
    sigmas = [it for it in vae.log_sigma.parameters() if config.sigma != "fixed"]
    optimizer = MuonAdamW(
        vae, config.lr, steps, precision=run.precision, warmup=config.warmup, outputs=vae.outputs, faster=sigmas,
        speed=config.sigma_speed,
    )  # fmt: skip
    average = MovingAverage(vae, config.ema)
    vae.train()
    for x, y in run.batches(data, config.batch_size, run.images, keep=[optimizer, average]):
        with run.autocast():
            terms = vae(x, run.rng, y if vae.classes else None)
        optimizer.step(terms.loss)
        average.update(vae)
        run.log(loss=terms.loss, pixels=terms.pixels.mean(), kl=terms.kl.mean())
    vae.load_state_dict(average.values)
    vae.eval()


class PlainVae(VaeGenerator):
    """q(z|x), p(x|z) = N(m(z), sigma), p(z) = N(0, I): it knows no classes, so its samples have no labels.

    All parts are in eval mode but while `fit` trains them, so no image depends on the others of its batch.
    """

    Config: ClassVar[type] = VaeConfig
    source = "arXiv 1312.6114"
    conditional: ClassVar[bool] = False  # whether both networks are given the label
    config: VaeConfig
    vae: Vae

    def __init__(self, config: VaeConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.vae = new_vae(config, spec, len(spec.classes) if self.conditional else 0)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Down the negative bound, one draw of z for each image."""
        fit_vae(self.vae, self.config, data, run)


class ConditionalVae(PlainVae):
    """q(z|x, y), p(x|z, y), p(z) = N(0, I). Its codes are z and the shares of the classes, (n, latent_dim + k).

    Where an image comes without its label, that of the highest bound is taken: a classifier by Bayes' rule.
    """

    source = "Sohn, Lee and Yan, Learning Structured Output Representation using Deep Conditional (...), NeurIPS 2015"
    conditional = True

    class_share: Tensor  # (k,), of the training set

    def __init__(self, config: VaeConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        k = len(spec.classes)
        self.register_buffer("class_share", torch.full((k,), 1 / k))
        continuous = tuple(Code(f"z{index}", "continuous", (index,)) for index in range(config.latent_dim))
        classes = tuple(range(config.latent_dim, config.latent_dim + k))
        self.code_layout = (*continuous, Code("class", "categorical", classes))

    def fit(self, data: Data, run: Run) -> None:
        """As without labels; also learns how frequent the classes are."""
        self.class_share.copy_(torch.bincount(data.labels, minlength=len(self.spec.classes)) / len(data))
        super().fit(data, run)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """z from the prior, classes as often as they are in the training set."""
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self._codes_of(self._one_hot(labels), rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """m(z, y), z from the prior."""
        return self.decode(self._codes_of(self._one_hot(labels), rng), rng)

    def sample_mixture(self, weights: Float[Tensor, "n k"], rng: torch.Generator) -> Images:
        """m(z, weights): the network is given shares of classes, which it never saw while it was trained."""
        return self.decode(self._codes_of(weights, rng), rng)

    def mean_of(self, codes: Codes) -> Images:
        """m(z, shares)."""
        return self.vae.decode(codes[:, : self.config.latent_dim], codes[:, self.config.latent_dim :])

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """The mean of q(z|x, y) and y, which is the class of the highest bound."""
        features = self.vae.encoder(images)
        labels = self._bounds(images, features).argmax(1)
        return torch.cat([self.vae.infer(features, labels)[0], self._one_hot(labels)], 1)

    @torch.no_grad()
    def logits(self, images: Images) -> Logits:
        """An approximation of the bound on log p(x, y) of each class, at the mean of q (README, equation 3)."""
        return self._bounds(images, self.vae.encoder(images))

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """log(p(x|z, y) p(z) p(y) / q(z|x, y) q(y|x)), y drawn from the softmax of `logits`: log p(x) knows no label."""
        features = self.vae.encoder(images)
        log_q = self._bounds(images, features).log_softmax(1)
        weights = []
        for _ in range(draws):
            labels = torch.multinomial(log_q.exp(), 1, generator=rng)
            of_class = self._log_share()[labels] - log_q.gather(1, labels)
            posterior = self.vae.infer(features, labels[:, 0])
            weights.append(self.vae.log_weight(images, posterior, rng, labels[:, 0]) + of_class[:, 0])
        return torch.stack(weights)

    def _bounds(self, images: Images, features: Tensor) -> Logits:
        columns = []
        for label, log_share in enumerate(self._log_share()):
            labels = torch.full((len(images),), label, device=images.device)
            mu, log_s = self.vae.infer(features, labels)
            pixels = gaussian_nll(images, self.vae.decode(mu, labels), self.vae.log_sigma())
            columns.append(log_share - pixels - kl_to_standard(mu, log_s))
        return torch.stack(columns, 1)

    def _log_share(self) -> Tensor:
        """log p(y), (k,)."""
        return self.class_share.clamp_min(1e-9).log()

    def _codes_of(self, shares: Float[Tensor, "n k"], rng: torch.Generator) -> Codes:
        z = torch.randn(len(shares), self.config.latent_dim, generator=rng, device=rng.device)
        return torch.cat([z, shares.to(z)], 1)

    def _one_hot(self, labels: Labels) -> Float[Tensor, "n k"]:
        return F.one_hot(labels, len(self.spec.classes)).float()
