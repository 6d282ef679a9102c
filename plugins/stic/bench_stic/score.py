"""Score-STIC: a classifier for each level of noise, whose logits have the score of noisy images as their gradient.

"A class-conditional score classifier instead of a normal image classifier" is all that STIC (arXiv 2103.14212) says;
the construction is after NCSN (arXiv 1907.05600) and JEM (arXiv 1912.03263). README, section 8.
"""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from bench import Data, Generator, Images, Labels, Logits, Run, Spec
from bench_stic.config import ScoreConfig
from bench_stic.energy import Density, Weights
from bench_stic.gram import ClassMeans, grams
from bench_stic.grmala import Chains, run_chains
from bench_stic.guard import Guard
from bench_stic.losses import Side, contrast
from bench_stic.mixing import mixup
from bench_stic.model import Drawing
from bench_stic.networks import Answer, ConvNet
from bench_stic.optim import adam, descend
from bench_stic.store import Canvas, Store, blank


def score_loss(
    gradient: Float[Tensor, "n c h w"], sigma: Float[Tensor, "n"], noise: Float[Tensor, "n c h w"]
) -> Float[Tensor, ""]:
    """E |sigma_i grad f_y(x + sigma_i n) + n|^2 / 2, summed over pixels: denoising score matching, weighted by sigma^2."""
    return (sigma.view(-1, 1, 1, 1) * gradient + noise).square().flatten(1).sum(1).mean() / 2


class ScoreStic(Generator):
    """The noise-conditional classifier f(x, i), smooth, so that the loss may look at its gradient."""

    Config = ScoreConfig
    source = "arXiv 2103.14212"

    class_share: Tensor  # (k,), of the training set
    sigmas: Tensor  # (L,), from the largest to the smallest

    def __init__(self, config: ScoreConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        k, self.classes = len(spec.classes), len(spec.classes)
        self.net = ConvNet(spec, config.width, k, levels=config.levels)
        self.store = Store(config.store_size, 0.0, k, spec.shape) if config.fake_weight else None
        channels = [config.width, 2 * config.width]
        self.means = ClassMeans(channels, k * config.levels, config.mean_decay) if config.gamma else None
        self.register_buffer("class_share", torch.full((k,), 1 / k))
        ends = torch.tensor([config.sigma_first, config.sigma_last]).log()
        self.register_buffer("sigmas", torch.linspace(float(ends[0]), float(ends[1]), config.levels).exp())
        self.eval()

    # Training

    def fit(self, data: Data, run: Run) -> None:
        """Cross-entropy and score matching at a random level for each image; raises `Diverged` at last."""
        self.class_share.copy_(torch.bincount(data.labels, minlength=self.classes) / len(data))
        if self.store is not None:
            self.store.restart(torch.arange(len(self.store.images), device=run.device), run.rng)
        config = self.config
        optimizer, schedule = adam(self.net.parameters(), config, run.steps(run.left, config.batch_size))
        guard = Guard(model=self, optimizer=optimizer)
        for x, y in run.batches(data, config.batch_size, run.left, keep=(optimizer, schedule, guard)):
            terms = self._terms(x * 2 - 1, y, run)
            descend(terms["loss"], optimizer, schedule)
            if guard.watch(terms["loss"]):  # reported by `returns`; with nan, the host would end the training
                terms = {name: torch.nan_to_num(value, 0, 0, 0) for name, value in terms.items()}
            run.log(**terms, returns=float(guard.returns))

    def _terms(self, x: Canvas, y: Labels, run: Run) -> dict[str, Tensor]:
        """E [CE(f(x~, i), y) + (beta / 2) |sigma_i grad f_y(x~, i) + n|^2] and the terms besides, at random levels i."""
        config, rng = self.config, run.rng
        level = torch.randint(config.levels, (len(y),), generator=rng, device=rng.device)
        sigma, noise = self.sigmas[level], torch.randn(x.shape, generator=rng, device=rng.device)
        noisy = (x + sigma.view(-1, 1, 1, 1) * noise).requires_grad_()
        logits, maps = self.net(noisy, level)
        energy = logits.gather(1, y[:, None]).sum()
        (gradient,) = torch.autograd.grad(energy, noisy, create_graph=True)
        gradient = gradient - self._pull(sigma).view(-1, 1, 1, 1) * noisy
        weights = one_hot(y, self.classes).float()
        terms = {"real": Side(logits, weights).cross_entropy(), "score": score_loss(gradient, sigma, noise)}
        beta = config.score_weight / x[0].numel()
        loss = terms["real"] + beta * terms["score"]
        if config.mixup_weight:
            terms["mixup"] = self._mixup_term(x, y, level, noise, run)
            loss = loss + config.mixup_weight * terms["mixup"]
        if self.store is not None:
            terms["hard"] = self._fake_term(x, y, run)
            loss = loss + config.fake_weight * terms["hard"]
        if self.means is not None:
            self.means.update(grams([it.detach() for it in maps]), self._rows(y, level))
        return {"loss": loss, **terms}

    @staticmethod
    def _pull(sigma: Tensor) -> Tensor:
        """1 / (1 + sigma_i^2): the score of images of unit size under noise, to which the net adds what it knows."""
        return 1 / (1 + sigma.square())

    def _mixup_term(self, x: Canvas, y: Labels, level: Int[Tensor, "n"], noise: Tensor, run: Run) -> Tensor:
        """Cross-entropy of mixed images under the same noise."""
        mixed, weights = mixup(x, y, self.classes, self.config.mixup_alpha, run.rng)
        with run.autocast():
            logits = self.net(mixed + self.sigmas[level].view(-1, 1, 1, 1) * noise, level).logits
        return Side(logits.float(), weights).cross_entropy()

    def _fake_term(self, x: Canvas, y: Labels, run: Run) -> Tensor:
        """The contrast of STIC, at the smallest level only."""
        assert self.store is not None
        labels = y[torch.arange(self.config.fake_batch, device=y.device) % len(y)]
        index = self.store.pick_hard(labels, run.rng)
        again = torch.rand(len(index), generator=run.rng, device=run.rng.device) < self.config.restart
        self.store.restart(index[again], run.rng)
        taken, last = self.store.take(index), self.config.levels - 1
        chains = self._chains(taken.images, taken.weights, last, self.config.steps, 0, run.rng, self.config.mh)
        self.store.put(taken, chains.x, self.config.steps)
        real = x + self.sigmas[last] * torch.randn(x.shape, generator=run.rng, device=run.rng.device)
        fake, against = (Side(self._net_at(last, it).logits, w) for it, w in (
            (chains.x, taken.weights), (real, one_hot(y, self.classes).float())
        ))  # fmt: skip
        return contrast(fake, against)

    # Drawing

    def _net_at(self, level: int, x: Canvas) -> Answer:
        """f(x, i), the same level for all."""
        return self.net(x, torch.full((len(x),), level, device=x.device))

    def _chains(
        self, x: Canvas, weights: Weights, level: int, steps: int, warmup: int, rng: torch.Generator, mh: bool,
        gamma: float | None = None,
    ) -> Chains:  # fmt: skip
        """GRMALA at one level: eps_i = eps_0 (sigma_i / sigma_L)^2, noise sqrt(2 eps_i), which is T = 1."""
        config, sigma = self.config, float(self.sigmas[level])
        eps = config.eps_last * (sigma / float(self.sigmas[-1])) ** 2
        gamma = sigma * (config.gamma if gamma is None else gamma)
        reference = self.means.reference(self._spread(weights, level)) if self.means is not None and gamma else None
        density = Density(
            partial(self._net_at, level),
            weights,
            1.0,
            gamma,
            reference,
            config.kappa,
            pull=float(self._pull(self.sigmas[level])),
        )
        x = x.contiguous(memory_format=torch.channels_last)
        return run_chains(density, x, steps, (2 * eps) ** 0.5, rng, mh=mh, warmup=warmup)

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
        """Annealed: from a blank canvas through all levels. The first half of each takes the canvas over, un-corrected."""
        steps = self.config.level_steps if steps is None else steps
        x = blank((len(weights), *self.spec.shape), rng).to(weights)
        accepted = tested = log_pi = torch.zeros(len(x), device=x.device)
        for level in range(self.config.levels):
            chains = self._chains(x, weights, level, steps, steps // 2, rng, self.config.mh if mh is None else mh)
            x, log_pi = chains.x, chains.log_pi
            accepted, tested = accepted + chains.accepted, tested + chains.tested
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
        """f(x, L), as of the least noise."""
        return self._net_at(self.config.levels - 1, images * 2 - 1).logits
