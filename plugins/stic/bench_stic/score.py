"""Score-STIC: a classifier for each level of noise, whose energies have the score of noisy images as their gradient.

"A class-conditional score classifier instead of a normal image classifier" is all that STIC (arXiv 2103.14212) says;
the construction is after NCSN (arXiv 1907.05600), JEM (arXiv 1912.03263) and EDM (arXiv 2206.00364): README, section 8.
"""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from bench import Data, Generator, Images, Labels, Logits, Run, Spec, to_float
from bench.parts.optim import MovingAverage
from bench_stic.config import ScoreConfig
from bench_stic.denoiser import DenoisingEnergy
from bench_stic.energy import Density, Weights
from bench_stic.gram import ClassMeans, grams
from bench_stic.grmala import Chains, run_chains
from bench_stic.guard import Guard
from bench_stic.losses import Side, contrast
from bench_stic.mixing import mixup
from bench_stic.model import Drawing
from bench_stic.networks import Answer, ConvNet
from bench_stic.optim import StepwiseAdam
from bench_stic.store import Canvas, Store, blank

LOOKED_AT = 2_000  # training images whose size is taken
LONGEST = 1.0  # of a gradient: second derivatives are large now and then


def score_loss(
    gradient: Float[Tensor, "n c h w"],
    sigma: Float[Tensor, "n"],
    noise: Float[Tensor, "n c h w"],
    weight: Float[Tensor, "n"] | float = 1.0,
) -> Float[Tensor, ""]:
    """E weight |sigma_i grad f_y(x + sigma_i n) + n|^2 / 2, summed over pixels: denoising score matching, times sigma^2."""
    return (weight * (sigma.view(-1, 1, 1, 1) * gradient + noise).square().flatten(1).sum(1)).mean() / 2


class ScoreStic(Generator):
    """The noise-conditional classifier: energies f_k(x, i) = log p(k | x, i) + u(x, i), u the same for all classes.

    u leaves the probabilities of the classes as they are. Everything is smooth, so that the loss may look at its gradient.
    """

    Config = ScoreConfig
    source = "arXiv 2103.14212"

    class_share: Tensor  # (k,), of the training set
    sigmas: Tensor  # (L,), from the largest to the smallest

    def __init__(self, config: ScoreConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        k, self.classes, self.last = len(spec.classes), len(spec.classes), config.levels - 1
        self.net = ConvNet(spec, config.width, k, levels=config.levels)
        self.shared = DenoisingEnergy(spec, config.denoiser_width, config.levels)
        self.store = Store(config.store_size, 0.0, k, spec.shape) if config.fake_weight else None
        channels = [config.width, 2 * config.width]
        self.means = ClassMeans(channels, k * config.levels, config.mean_decay) if config.gamma else None
        self.register_buffer("class_share", torch.full((k,), 1 / k))
        ends = torch.tensor([config.sigma_first, config.sigma_last]).log()
        self.register_buffer("sigmas", torch.linspace(float(ends[0]), float(ends[1]), config.levels).exp())
        self.eval()

    def energies(self, x: Canvas, level: Int[Tensor, "n"], guidance: float = 1.0) -> Answer:
        """f(x, i) for images (n, c, h, w) on [-1, 1] with the noise of these levels, and the maps of the classifier.

        With `guidance`, log p(k | x, i) counts so many times.
        """
        logits, maps = self._classify(x, level)
        return Answer(guidance * logits.log_softmax(1) + self.shared(x, level, self.sigmas[level])[:, None], maps)

    def _classify(self, x: Canvas, level: Int[Tensor, "n"]) -> Answer:
        """Logits of the classes, of noisy images scaled to a size of about 1."""
        return self.net(x / self.shared.size(self.sigmas[level]), level)

    # Training

    def fit(self, data: Data, run: Run) -> None:
        """Cross-entropy and score matching at a random level for each image; raises `Diverged` at last."""
        self.class_share.copy_(torch.bincount(data.labels, minlength=self.classes) / len(data))
        self.shared.scale.copy_((to_float(data.images[:LOOKED_AT]) * 2 - 1).square().mean().sqrt())
        if self.store is not None:
            self.store.restart(torch.arange(len(self.store.images), device=run.device), run.rng)
        config, nets = self.config, nn.ModuleList([self.net, self.shared])
        steps = run.steps(run.left, config.batch_size)
        optimizer = StepwiseAdam(nets, config, steps, LONGEST)
        average = MovingAverage(nets, config.ema)
        guard = Guard(model=self, optimizer=optimizer, average=average)
        for x, y in run.batches(data, config.batch_size, run.left, keep=(optimizer, average, guard)):
            terms = self._terms(x * 2 - 1, y, run, denoise=guard.step < config.denoise_share * steps)
            optimizer.step(terms["loss"])
            average.update(nets)
            if guard.watch(terms["loss"]):  # reported by `returns`; with nan, the host would end the training
                terms = {name: torch.nan_to_num(value, 0, 0, 0) for name, value in terms.items()}
            run.log(**terms, returns=float(guard.returns))
        nets.load_state_dict(average.values)

    def _terms(self, x: Canvas, y: Labels, run: Run, *, denoise: bool) -> dict[str, Tensor]:
        """E [CE(f(x~, i), y) + (beta / 2) |sigma_i grad f_y(x~, i) + n|^2] at random levels i, and the terms besides."""
        config = self.config
        terms = self._noisy_terms(x, y, run, denoise=denoise) | self._class_terms(x, y, run)
        loss = terms["noisy"] + terms["real"] + config.mixup_weight * terms["mixup"]
        loss = loss + config.score_weight / x[0].numel() * terms["score"]
        if self.store is not None:
            terms["hard"] = self._fake_term(x, y, run)
            loss = loss + config.fake_weight * terms["hard"]
        return {"loss": loss, **terms}

    def _noisy_terms(self, x: Canvas, y: Labels, run: Run, *, denoise: bool) -> dict[str, Tensor]:
        """Cross-entropy at random levels, and score matching of the energy of the class of each image.

        With `denoise`, that of a plain denoiser, -(x~ - D) / sigma_i^2, stands in for the gradient of u.
        """
        level = torch.randint(self.config.levels, (len(y),), generator=run.rng, device=y.device)
        noisy, noise = self._noisy(x, level, run)
        sigma = self.sigmas[level]
        noisy.requires_grad_()
        energies, maps = self._classify(noisy, level) if denoise else self.energies(noisy, level)
        of_class = energies.log_softmax(1) if denoise else energies
        (gradient,) = torch.autograd.grad(of_class.gather(1, y[:, None]).sum(), noisy, create_graph=True)
        if denoise:
            gradient = gradient - self.shared.residual(noisy.detach(), level, sigma) / sigma.view(-1, 1, 1, 1)
        if self.means is not None:
            self.means.update(grams([it.detach() for it in maps]), self._rows(y, level))
        real = Side(energies, one_hot(y, self.classes).float())
        return {"noisy": real.cross_entropy(), "score": score_loss(gradient, sigma, noise, self.shared.weight(sigma))}

    def _class_terms(self, x: Canvas, y: Labels, run: Run) -> dict[str, Tensor]:
        """Cross-entropy of real and of mixed images at level L, which classifies.

        At the other levels mixed images would make the probabilities of classes, and with them their energies, too even.
        """
        mixed, mixed_weights = mixup(x, y, self.classes, self.config.mixup_alpha, run.rng)
        level = torch.full((2 * len(y),), self.last, device=y.device)
        noisy, _ = self._noisy(torch.cat([x, mixed]), level, run)
        with run.autocast():
            logits = self._classify(noisy, level).logits
        real, other = logits.float().split(len(y))
        weights = one_hot(y, self.classes).float()
        return {"real": Side(real, weights).cross_entropy(), "mixup": Side(other, mixed_weights).cross_entropy()}

    def _noisy(self, x: Canvas, level: Int[Tensor, "n"], run: Run) -> tuple[Canvas, Canvas]:
        """x + sigma_i n, and n."""
        noise = torch.empty_like(x).normal_(generator=run.rng)  # in the memory layout of x
        return x + self.sigmas[level].view(-1, 1, 1, 1) * noise, noise

    def _fake_term(self, x: Canvas, y: Labels, run: Run) -> Tensor:
        """The contrast of STIC, at the smallest level only."""
        assert self.store is not None
        labels = y[torch.arange(self.config.fake_batch, device=y.device) % len(y)]
        index = self.store.pick_hard(labels, run.rng)
        again = torch.rand(len(index), generator=run.rng, device=run.rng.device) < self.config.restart
        self.store.restart(index[again], run.rng)
        taken = self.store.take(index)
        chains = self._chains(taken.images, taken.weights, self.last, self.config.steps, run.rng, self.config.mh)
        self.store.put(taken, chains.x, self.config.steps)
        real = x + self.sigmas[self.last] * torch.randn(x.shape, generator=run.rng, device=run.rng.device)
        fake, against = (Side(self._at(self.last, it).logits, w) for it, w in (
            (chains.x, taken.weights), (real, one_hot(y, self.classes).float())
        ))  # fmt: skip
        return contrast(fake, against)

    # Drawing

    def _at(self, level: int, x: Canvas, guidance: float = 1.0) -> Answer:
        """f(x, i), the same level for all."""
        return self.energies(x, torch.full((len(x),), level, device=x.device), guidance)

    def _chains(
        self, x: Canvas, weights: Weights, level: int, steps: int, rng: torch.Generator, mh: bool,
        gamma: float | None = None,
    ) -> Chains:  # fmt: skip
        """GRMALA at one level: eps_i = eps sigma_i^2, noise sqrt(2 eps_i), which is T = 1."""
        config, sigma = self.config, float(self.sigmas[level])
        gamma = sigma * (config.gamma if gamma is None else gamma)
        reference = self.means.reference(self._spread(weights, level)) if self.means is not None and gamma else None
        density = Density(
            partial(self._at, level, guidance=config.guidance), weights, 1.0, gamma, reference, config.kappa
        )
        x = x.contiguous(memory_format=torch.channels_last)
        return run_chains(density, x, steps, (2 * config.eps) ** 0.5 * sigma, rng, mh=mh)

    def _rows(self, y: Labels, level: Int[Tensor, "n"]) -> Labels:
        """The row of the class means that belongs to a class at a level."""
        return level * self.classes + y

    def _spread(self, weights: Weights, level: int) -> Float[Tensor, "n m"]:
        """Class weights as weights of those rows."""
        wide = weights.new_zeros(len(weights), self.classes * self.config.levels)
        wide[:, level * self.classes : (level + 1) * self.classes] = weights
        return wide

    def synthesize(
        self, wanted: Labels | Weights, n: int = 1, *, steps: int | None = None, mh: bool | None = None, seed: int = 0
    ) -> Drawing:
        """Draw n images for each of these classes (m,) or rows of class weights (m, k), in `steps` steps a level."""
        weights = one_hot(wanted, self.classes) if wanted.ndim == 1 else wanted
        rng = torch.Generator(self.class_share.device).manual_seed(seed)
        return self._draw(weights.to(self.class_share).repeat_interleave(n, 0), rng, steps, mh)

    def _draw(
        self, weights: Weights, rng: torch.Generator, steps: int | None = None, mh: bool | None = None
    ) -> Drawing:
        """Annealed: a blank canvas under the noise of level 1, through all levels, and denoised in the end.

        Each level is some steps of GRMALA. Between two levels, and after the last, x + (sigma_i - sigma_j) sigma_i grad f
        (sigma_j = 0 after the last) takes the canvas to the noise of the next.
        """
        steps = self.config.level_steps if steps is None else steps
        x = blank((len(weights), *self.spec.shape), rng)
        x = (x + float(self.sigmas[0]) * torch.randn(x.shape, generator=rng, device=rng.device)).to(weights)
        accepted = tested = log_pi = torch.zeros(len(x), device=x.device)
        sigmas = [*self.sigmas.tolist(), 0.0]
        for level in range(self.config.levels):
            chains = self._chains(x, weights, level, steps, rng, self.config.mh if mh is None else mh)
            x = chains.x + (sigmas[level] - sigmas[level + 1]) * sigmas[level] * chains.gradient
            log_pi, accepted, tested = chains.log_pi, accepted + chains.accepted, tested + chains.tested
        return Drawing(((x + 1) / 2).clamp(0, 1).contiguous(), accepted / tested, log_pi, x)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Classes are drawn as often as they are in the training set."""
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self.sample_class(labels, rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """An image of each class."""
        return self._draw(one_hot(labels.to(self.class_share.device), self.classes).to(self.class_share), rng).images

    def sample_mixture(self, weights: Weights, rng: torch.Generator) -> Images:
        """An image of each soft class."""
        return self._draw(weights.to(self.class_share), rng).images

    @torch.no_grad()
    def logits(self, images: Images) -> Logits:
        """Those of level L, as of the least noise, without u, which is the same for all classes."""
        return self._classify(images * 2 - 1, torch.full((len(images),), self.last, device=images.device)).logits
