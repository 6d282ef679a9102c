"""A VAE whose reconstructions must also agree with the image in hidden layers of a classifier (arXiv 1602.03220)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench import Data, Images, Run, Spec, to_float
from bench.parts.disentangling import risen
from bench.parts.gaussian import LogSigma, draw
from bench.parts.optim import MovingAverage, StepCount
from bench.parts.vae import Vae
from bench.parts.vae_generator import VaeGenerator
from bench_dr_vae.config import DrVaeConfig, DrVaeLogitsConfig
from bench_dr_vae.networks import MOMENTUM, build_vae
from bench_dr_vae.optim import steps_of
from bench_dr_vae.term import Term, term_of

SOME = 640  # images that give the scale of layers


class DrVae(VaeGenerator):
    """lamb2016: the plain VAE is what is left of it without layers or at gamma = 0.

    All parts are in eval mode but those that `fit` is training, so no image depends on the others of its batch.
    """

    Config: ClassVar[type] = DrVaeConfig
    source = "arXiv 1602.03220"
    paper_epochs = 76  # 75 of stage 3, 1 of stage 4
    needs_classes = True  # those of the guide
    config: DrVaeConfig
    vae: Vae

    def __init__(self, config: DrVaeConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.vae = build_vae(config, spec)
        self.eval()

    # Training. Stage 1, the classifier, and stage 2, freezing it, are done by the host, which provides the guide.

    def fit(self, data: Data, run: Run) -> None:
        """Stages 3 and 4. Raises `BenchError` for a layer that the guide does not have."""
        term = term_of(run.guide, self.config, run.seed, some_of(data, run)) if self.config.term else None
        self.fit_vae(data, run, run.share(1 - self.config.adjust_share), term)
        if self.config.adjust_share:
            self.adjust(data, run, run.left)

    def fit_vae(self, data: Data, run: Run, images: int, term: Term | None) -> None:
        """Stage 3: the VAE and all sigmas; None is the plain VAE."""
        config, trained = self.config, nn.ModuleList([self.vae, *([term] if term else [])])
        steps = run.steps(images, config.batch_size)
        sigmas = [it.value for it in trained.modules() if isinstance(it, LogSigma) and it.value.requires_grad]
        optimizer = steps_of(config, trained, config.lr, steps, run.precision, self.vae.outputs, sigmas)
        average, count = MovingAverage(self.vae, config.ema), StepCount()
        trained.train()
        for x, _ in run.batches(
            data, config.batch_size, images, phase="vae", keep=[optimizer, average, count, *([term] if term else [])]
        ):
            loss, shown = self.loss(x, run, term, risen(count.done, steps, config.term_warmup))
            optimizer.step(loss)
            count.done += 1
            average.update(self.vae)
            run.log(loss=loss, **shown)
        self.vae.load_state_dict(average.values)
        trained.eval()

    def loss(
        self, x: Images, run: Run, term: Term | None, share: float = 1.0
    ) -> tuple[Float[Tensor, ""], dict[str, Tensor]]:
        """KL + N(x; m, sigma_0) + gamma sum_l N(d_l(x); d_l(m), sigma_l), mean over the batch, and its parts.

        share: of the weight of the term.
        """
        with run.autocast():
            terms = self.vae(x, run.rng)
        shown = {"pixels": terms.pixels.mean(), "kl": terms.kl.mean()}
        if term is None:
            return terms.loss, shown
        with run.autocast():
            of_layers = term(term.features.target(x), terms.mean)
        shown |= {name.replace(".", "_"): it.mean() for name, it in of_layers.items()}
        return term.add(terms.loss, of_layers, share), shown

    def adjust(self, data: Data, run: Run, images: int) -> None:
        """Stage 4: the decoder's batch norms learn the statistics of draws from the prior, the encoder follows.

        Weights of the decoder and sigma_0 stay; the encoder goes down the plain -ELBO, without the term.
        """
        config, vae = self.config, self.vae
        encoder = nn.ModuleList([vae.encoder, vae.posterior])
        steps = run.steps(images, config.batch_size)
        optimizer = steps_of(config, encoder, config.adjust_lr * config.lr, steps, run.precision, vae.outputs)
        encoder.train()
        with frozen(vae.decoder, vae.log_sigma):
            for x, _ in run.batches(data, config.batch_size, images, phase="adjust", keep=[optimizer]):
                self._look_at_prior(run)
                loss, shown = self.loss(x, run, None)
                optimizer.step(loss)
                run.log(loss=loss, **shown)
        encoder.eval()

    @torch.no_grad()
    def _look_at_prior(self, run: Run) -> None:
        """Running statistics take in a batch of m(z), z ~ N(0, I)."""
        codes = torch.randn(self.config.prior_batch, self.config.latent_dim, generator=run.rng, device=run.device)
        self.vae.decoder.train()
        with run.autocast(), momentum(self.vae.decoder, MOMENTUM):
            self.vae.decode(codes)
        self.vae.decoder.eval()

    # Capabilities besides

    @torch.no_grad()
    def redraw(self, images: Images, rng: torch.Generator) -> Images:
        """m at a draw from q(z|x), as the paper shows reconstructions."""
        return self.vae.decode(draw(*self.vae.encode(images), rng))

    @torch.no_grad()
    def interpolate(self, first: Images, second: Images, steps: int = 7) -> Float[Tensor, "n steps c h w"]:
        """m along the straight line between the means of pairs of images, both ends included."""
        ends = self.encode(first), self.encode(second)
        shares = torch.linspace(0, 1, steps, device=ends[0].device)
        codes = torch.stack([torch.lerp(*ends, share) for share in shares], 1)
        return self.vae.decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])


class DrVaeLogits(DrVae):
    """miller2019: the same with the classifier's logits for the only layer, at a fixed scale."""

    Config = DrVaeLogitsConfig
    source = "Miller et al., Discriminative Regularization for Latent Variable Models, ICML 2019"


def some_of(data: Data, run: Run) -> Images:
    """Training images, by which layers are scaled: the same ones for a seed."""
    rng = torch.Generator().manual_seed(run.seed % 2**63)
    chosen = torch.randperm(len(data), generator=rng)[:SOME]
    return to_float(data.images[chosen.to(data.images.device)].to(run.device))


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """No gradient to the parameters of these modules in here."""
    parameters = [it for module in modules for it in module.parameters() if it.requires_grad]
    for it in parameters:
        it.requires_grad_(False)
    try:
        yield
    finally:
        for it in parameters:
            it.requires_grad_(True)


@contextmanager
def momentum(module: nn.Module, share: float) -> Iterator[None]:
    """Running statistics take in this share of a new batch in here."""
    norms = [it for it in module.modules() if isinstance(it, nn.modules.batchnorm._BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = share
    try:
        yield
    finally:
        for norm, value in zip(norms, before, strict=True):
            norm.momentum = value
