"""ReGene (arXiv 2004.07543): a classifier, a decoder of its latents, and new images from mixed latents of a class."""

import warnings
from copy import deepcopy
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import BenchError, Codes, Data, Images, Labels, Logits, Run, Spec
from bench.parts.conv import Decoder, folded
from bench.parts.mixing import Mixer
from bench.parts.optim import MovingAverage, MuonAdamW
from bench_regene.config import ReGeneConfig
from bench_regene.losses import CentreLoss, Variances, feature_loss
from bench_regene.networks import Encoder

CHUNK = 250  # images encoded at once for the bank
KEPT_IN = {"map": torch.float16, "dense": torch.float32}  # a map has ten times as many values


class ReGene(Mixer):
    """A classifier E, H and a decoder D; a new image is D of a convex combination of latents of its class.

    All parts are in eval mode but those that `fit` is training, so no image depends on the others of its batch.
    """

    Config = ReGeneConfig
    source = "arXiv 2004.07543"

    feature_variance: Tensor  # (layers of E,)

    def __init__(self, config: ReGeneConfig, spec: Spec) -> None:
        encoder = Encoder(config, spec)
        super().__init__(config, spec, encoder.dim, KEPT_IN[config.latent])
        k, d = len(spec.classes), encoder.dim
        self.encoder = encoder
        self.head = nn.Linear(d, k)  # H: one affine map and nothing else, or the theorem does not hold
        self.decoder = self._new_decoder()
        self.centre_loss = CentreLoss(k, d) if config.centre_weight else None
        self.register_buffer("feature_variance", torch.ones(self.encoder.layers))
        self.eval()

    def _new_decoder(self) -> Decoder:
        """D, which begins at z itself if that is a map as it has one, and at an affine layer of z otherwise."""
        config, spec = self.config, self.spec
        new = partial(Decoder, spec.channels, spec.size, width=config.width, convs=config.decoder_convs,
                      upsampling=config.upsampling)  # fmt: skip
        fits = config.latent == "map" and self.encoder.shape == new(latent_dim=None).shape
        return new(latent_dim=None if fits else self.encoder.dim)

    # Training

    def fit(self, data: Data, run: Run) -> None:
        """Two stages, or both at once. Raises `BenchError` if a class has fewer than n training images."""
        self.check_counts(data)
        if self.config.training == "joint":
            self.fit_jointly(data, run)
            self.fill_bank(data, run)
        else:
            self.fit_classifier(data, run, run.share(self.config.classifier_share))
            self.fill_bank(data, run)
            self.fit_decoder(data, run, run.left)

    def fit_classifier(self, data: Data, run: Run, images: int) -> None:
        """Stage 1: E and H by cross-entropy."""
        config = self.config
        parts = nn.ModuleList(part for part in (self.encoder, self.head, self.centre_loss) if part is not None)
        steps = run.steps(images, config.batch_size)
        optimizer = MuonAdamW(
            parts, config.classifier_lr, steps, precision=run.precision, warmup=config.warmup,
            weight_decay=config.weight_decay,
        )  # fmt: skip
        parts.train()
        for x, y in run.batches(data, config.batch_size, images, phase="classifier", keep=[optimizer]):
            with run.autocast():
                z, _ = self.encoder(x)
            loss, accuracy = self._classifier_loss(z.float(), y)
            optimizer.step(loss)
            run.log(loss=loss, accuracy=accuracy)
        parts.eval()

    def fit_decoder(self, data: Data, run: Run, images: int) -> None:
        """Stage 2: D alone. E and H are copied in eval mode, which take no gradient but pass it on."""
        config = self.config
        encoder, head = folded(self.encoder).requires_grad_(False), deepcopy(self.head).requires_grad_(False)
        steps = run.steps(images, config.batch_size)
        optimizer = MuonAdamW(self.decoder, config.lr, steps, precision=run.precision, warmup=config.warmup)
        average = MovingAverage(self.decoder, config.ema)
        self.decoder.train()
        for x, y in run.batches(data, config.batch_size, images, phase="decoder", keep=(optimizer, average)):
            terms = self._decoder_terms(x, y, encoder, head, run)
            loss = sum(getattr(config, f"{name}_weight") * term for name, term in terms.items())
            optimizer.step(loss)
            average.update(self.decoder)
            run.log(loss=loss, **terms)
        self.decoder.load_state_dict(average.values)
        self.decoder.eval()

    def fit_jointly(self, data: Data, run: Run) -> None:
        """The ablation: E, H and D at once by w * reconstruction + (1 - w) * cross-entropy, pixels only."""
        config, w = self.config, self.config.joint_weight
        steps = run.steps(run.left, config.batch_size)
        optimizer = MuonAdamW(self, config.lr, steps, precision=run.precision, warmup=config.warmup)
        average = MovingAverage(self.decoder, config.ema)
        self.train()
        for x, y in run.batches(data, config.batch_size, run.left, phase="joint", keep=(optimizer, average)):
            with run.autocast():
                z, _ = self.encoder(x)
                image = self.decoder(z)
            pixels = config.pixel_weight * F.l1_loss(image, x) + config.mse_weight * F.mse_loss(image, x)
            classes, accuracy = self._classifier_loss(z.float(), y)
            loss = w * pixels + (1 - w) * classes
            optimizer.step(loss)
            average.update(self.decoder)
            run.log(loss=loss, pixel=pixels, accuracy=accuracy)
        self.decoder.load_state_dict(average.values)
        self.eval()

    def _classifier_loss(self, z: Codes, y: Labels) -> tuple[Tensor, Tensor]:
        """Cross-entropy with its optional terms, and the accuracy on this batch."""
        logits = self.head(z)
        loss = F.cross_entropy(logits, y, label_smoothing=self.config.label_smoothing)
        if self.centre_loss is not None:
            loss = loss + self.config.centre_weight * self.centre_loss(z, y)
        return loss, (logits.detach().argmax(1) == y).float().mean()

    def _decoder_terms(self, x: Images, y: Labels, encoder: Encoder, head: nn.Linear, run: Run) -> dict[str, Tensor]:
        """The terms of the decoder's loss that have a weight, without it."""
        config = self.config
        with run.autocast(), torch.no_grad():
            z, maps = encoder(x)
        with run.autocast():
            image = self.decoder(z)
        terms = {"pixel": F.l1_loss(image, x)}
        if config.mse_weight:
            terms["mse"] = F.mse_loss(image, x)
        if config.feature_weight or config.class_weight:
            with run.autocast():
                z_again, maps_again = encoder(image)
            terms["feature"] = feature_loss([*maps_again, z_again], [*maps, z], self.feature_variance)
            terms["class"] = F.cross_entropy(head(z_again.float()), y)
        if config.cycle_weight:
            terms["cycle"] = self._cycle_term(y, encoder, run)
        return terms

    def _cycle_term(self, y: Labels, encoder: Encoder, run: Run) -> Tensor:
        """L_cyc = mean (E(D(z*)) - z*)^2: the only term that shows a mixed latent to D."""
        mixed = self.bank.draw(y, self.config, run.rng)
        with run.autocast():
            z, _ = encoder(self.decoder(mixed))
        return F.mse_loss(z.float(), mixed)

    # The bank

    @torch.no_grad()
    def fill_bank(self, data: Data, run: Run) -> None:
        """Encode members of each class drawn at random, in float32, and measure the variance of each layer of E."""
        variances, short = Variances(), []
        for label, members in enumerate(self.draw_members(data, run.rng)):
            latents = torch.cat([self._encode_chunk(data, chunk, variances) for chunk in members.split(CHUNK)])
            latents = latents.to(self.bank.latents.dtype).float()  # as they are kept: the theorem is about these
            if self.bank.fill_classified(label, latents, self.head(latents), self.config.most) < self.config.most:
                short.append(self.spec.classes[label])
        self.feature_variance.copy_(variances.result())
        if short:
            self._complain(short)

    def _encode_chunk(self, data: Data, members: Tensor, variances: Variances) -> Codes:
        latents, maps = self.encoder(self.load(data, members))
        variances.add([*maps, latents])
        return latents

    def _complain(self, short: list[str]) -> None:
        message = (
            f"fewer than {self.config.most} training images are classified correctly in {len(short)} of "
            f"{len(self.spec.classes)} classes ({', '.join(short[:5])}{', ...' if len(short) > 5 else ''})"
        )
        if self.config.strict_pool:
            raise BenchError(f"{message}; train longer, lower n, or set strict_pool=false")
        warnings.warn(f"{message}; the nearest ones are mixed instead, without any guarantee", stacklevel=2)

    # Capabilities

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """z = E(x), non-negative."""
        return self.encoder(images)[0]

    @torch.no_grad()
    def logits(self, images: Images) -> Logits:
        """H(E(x))."""
        return self.head(self.encode(images))
