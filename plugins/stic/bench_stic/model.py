"""STIC (arXiv 2103.14212): a classifier that draws, trained on real images, on mixup, and on its own drawings."""

from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from bench import BenchError, Data, Generator, Images, Labels, Logits, Run, Spec, to_float
from bench_stic.augment import shift_and_flip
from bench_stic.config import SticConfig
from bench_stic.energy import Density, Weights
from bench_stic.gram import ClassMeans, Exemplars, Gram, Reference, calibrate, grams
from bench_stic.grmala import Chains, run_chains, temperature
from bench_stic.guard import Guard
from bench_stic.losses import Side, contrast, join, k_plus_1, logit_size, margin
from bench_stic.mixing import draw_pairs, mixup, pair_weights
from bench_stic.networks import Answer, make_network
from bench_stic.optim import make_optimizer
from bench_stic.store import Canvas, Store, Taken, blank

CHUNK = 250  # chains at a time where many are drawn
FADE = 0.98  # of the counts behind the acceptance that is logged
TOO_FEW, ENOUGH = 0.01, 2_000  # accepted fraction, and tested steps, from which the step sizes count as wrong
KEPT_PASSES = 3  # of refresh=pass: how many passes a fake stays in the store


@dataclass(frozen=True)
class Drawing:
    """What `synthesize` gives."""

    images: Images
    acceptance: Float[Tensor, "n"]  # of each chain, nan if no step was tested
    log_pi: Float[Tensor, "n"]  # at its end
    canvas: Canvas  # the same images on [-1, 1] before they were clamped


@dataclass(frozen=True)
class Batch:
    """The images of one step of the optimizer, real, mixed, and fakes of one and of two classes: four of each.

    Fake j of one class is held against real image rows[0][j], of two classes against mixed image rows[1][j].
    """

    images: tuple[Canvas, ...]
    weights: tuple[Weights, ...]
    rows: tuple[Int[Tensor, "hard"], Int[Tensor, "soft"]]


class Stic(Generator):
    """The classifier, the store of its fakes, and what its Gram term refers to. No layer of it changes by mode."""

    Config = SticConfig
    source = "arXiv 2103.14212"
    attention = False  # whether the classifier has an attention block

    class_share: Tensor  # (k,), of the training set
    tested: Tensor  # (k,), steps of fading memory, by class
    accepted: Tensor
    passes_drawn: Tensor  # (), of refresh=pass

    def __init__(self, config: SticConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.classes = len(spec.classes)
        outputs = self.classes + (config.fake_loss == "k_plus_1")
        self.net = make_network(config.backbone, config.norm, config.width, spec, outputs, self.attention)
        self.store = Store(config.store_size, config.soft_share, self.classes, spec.shape)
        with torch.no_grad():
            channels = [it.shape[1] for it in self.net(torch.zeros(1, *spec.shape)).maps]
        exemplars = config.reference == "exemplar"
        self.means = ClassMeans(channels, self.classes, config.mean_decay)
        self.exemplars = Exemplars(spec.shape, self.classes, config.exemplars) if exemplars else None
        self.register_buffer("class_share", torch.full((self.classes,), 1 / self.classes))
        self.register_buffer("tested", torch.zeros(self.classes))
        self.register_buffer("accepted", torch.zeros(self.classes))
        self.register_buffer("passes_drawn", torch.zeros((), dtype=torch.int64))
        self.eval()

    # Training

    def fit(self, data: Data, run: Run) -> None:
        """Recurrent self-analysis. Raises `BenchError` if no step of the sampler is accepted, and `Diverged` if training diverges repeatedly."""
        self.class_share.copy_(torch.bincount(data.labels, minlength=self.classes) / len(data))
        self._restart(torch.arange(len(self.store.images), device=run.device), run.rng)
        config, phases = self.config, self._phases(run)
        steps = sum(run.steps(n, config.batch_size) for n in phases.values())
        optimizer = make_optimizer(self.net, config, steps)
        guard = Guard(model=self, optimizer=optimizer)
        for number, (phase, images) in enumerate(phases.items()):
            keep = (optimizer, guard)
            for x, y in run.batches(data, config.batch_size, images, phase=phase, keep=keep):
                self._draw_pass(number, run)
                batch = self._batch(x, y, run)
                sides, maps = self._answers(batch, run)
                terms = self._terms(sides, batch)
                optimizer.step(terms["loss"])
                went_back = self._watch(guard, terms["loss"], sides)
                self._after_step(x, y, sides[0], maps)
                self._log(run, terms, guard, went_back)

    def _phases(self, run: Run) -> dict[str, int]:
        """Training images of each phase: one for refresh=step, one for each pass otherwise."""
        if self.config.refresh == "step":
            return {"train": run.left}
        return {f"pass-{tau + 1}": run.left // self.config.passes for tau in range(self.config.passes)}

    def _batch(self, x: Images, y: Labels, run: Run) -> Batch:
        """Real images with noise, mixed ones, and fakes: those of this step's weights before it changes them.

        A fake has the class weights of the image that it is held against. Without a weight of the fakes, none are drawn.
        """
        config, rng, other = self.config, run.rng, self._partners(y, run.rng)
        real = shift_and_flip(x, config.shift, config.flip, rng) * 2 - 1
        real = real + config.input_noise * torch.randn(real.shape, generator=rng, device=rng.device)
        mixed, mixed_weights = mixup(real, y, self.classes, config.mixup_alpha, rng, other)
        of_real = one_hot(y, self.classes).float()
        rows = hard, soft = self._rows(y, other)
        if not config.fake_weight:
            return Batch((real, mixed, real[:0], real[:0]), (of_real, mixed_weights, of_real[:0], of_real[:0]), rows)
        fakes = self._fakes(y[hard], mixed_weights[soft], run)
        images = (real, mixed, *fakes.images.tensor_split([len(hard)]))
        weights = (of_real, mixed_weights, *fakes.weights.tensor_split([len(hard)]))
        return Batch(images, weights, rows)

    def _rows(self, y: Labels, other: Int[Tensor, "n"]) -> tuple[Int[Tensor, "hard"], Int[Tensor, "soft"]]:
        """Which real images hard fakes are held against, and which mixed ones soft fakes: those of two classes."""
        soft = round(self.config.fake_batch * self.config.soft_share)
        hard = torch.arange(self.config.fake_batch - soft, device=y.device) % len(y)
        of_two = (y != y[other]).nonzero()[:, 0]
        turn = torch.arange(min(soft, self.store.soft) if len(of_two) else 0, device=y.device)
        return hard, of_two[turn % max(1, len(of_two))]

    def _fakes(self, labels: Labels, mixtures: Weights, run: Run) -> Taken:
        """An entry of the store for each label, then one for each mixture.

        With refresh=step, entries of mixtures take over these class weights, some entries begin again, and all are
        advanced by a few steps. With refresh=pass they stay as they are, so mixtures have these weights about.
        """
        config = self.config
        hard, soft = self.store.pick_hard(labels, run.rng), self.store.pick_soft(mixtures)
        index = torch.cat([hard, soft])
        if config.refresh == "pass":
            return self.store.take(index)
        self.store.aim(soft, mixtures)
        again = torch.rand(len(index), generator=run.rng, device=run.rng.device) < config.restart
        self.store.restart(index[again], run.rng)
        return self._advance(self.store.take(index), config.steps, run)

    def _advance(self, taken: Taken, steps: int, run: Run) -> Taken:
        """Advance entries of the store and write them back. Autocast only without the accept test, whose detailed balance needs float32."""
        config = self.config
        with nullcontext() if config.mh else run.autocast():
            chains = self._walk(
                self._density(taken.weights, taken.slots, config.gamma), taken.images, steps, run.rng, mh=config.mh,
                warmup=(config.warmup - taken.ages).clamp(min=0), ages=taken.ages, passes=1,
            )  # fmt: skip
        self.store.put(taken, chains.x, steps)
        self.tested += taken.weights.T @ chains.tested
        self.accepted += taken.weights.T @ chains.accepted
        return replace(taken, images=chains.x)

    def _draw_pass(self, number: int, run: Run) -> None:
        """At the first step of a pass of refresh=pass: draw a part of the store anew (in the first pass, all of it)."""
        if self.config.refresh == "step" or not self.config.fake_weight or int(self.passes_drawn) > number:
            return
        everything = torch.arange(len(self.store.images), device=run.device)
        part = everything if number == 0 else everything[everything % KEPT_PASSES == number % KEPT_PASSES]
        self._redraw(part, run)
        self.passes_drawn.fill_(number + 1)

    def _redraw(self, index: Int[Tensor, "n"], run: Run) -> None:
        """Draw these entries of the store anew from blank canvases, under the weights of now."""
        self.tested.zero_()
        self.accepted.zero_()
        for some in index.split(CHUNK):
            self._restart(some, run.rng)
            self._advance(self.store.take(some), self.config.blank_steps, run)

    def _restart(self, index: Int[Tensor, "n"], rng: torch.Generator) -> None:
        """Begin these entries of the store again, mixtures with random class weights."""
        self.store.aim(index, pair_weights(*draw_pairs(len(index), self.classes, rng), self.classes, rng))
        self.store.restart(index, rng)

    def _partners(self, y: Labels, rng: torch.Generator) -> Int[Tensor, "n"]:
        """Which image of the batch each is mixed with."""
        return torch.randperm(len(y), generator=rng, device=rng.device)

    def _answers(self, batch: Batch, run: Run) -> tuple[list[Side], list[Tensor]]:
        """The logits of all images of a step, in one pass, and the maps of the real ones."""
        images = torch.cat(batch.images).contiguous(memory_format=torch.channels_last)
        with run.autocast():
            logits, maps = self.net(images)
        parts = logits.float().split([len(it) for it in batch.images])
        sides = [Side(ours, weights) for ours, weights in zip(parts, batch.weights, strict=True)]
        return sides, [it[: len(batch.images[0])].detach() for it in maps]

    def _terms(self, sides: list[Side], batch: Batch) -> dict[str, Tensor]:
        """L0, and the terms that it is made of; with fake_weight = 0 none of them looks at a fake."""
        config, (real, mixed, hard, soft) = self.config, sides
        terms = {"real": real.cross_entropy(), "mixup": mixed.cross_entropy()}
        loss = terms["real"] + config.mixup_weight * terms["mixup"]  # L_real + w_m L_mix
        if config.fake_weight:
            for name, fake, against, rows in zip(
                ("hard", "soft"), (hard, soft), (real, mixed), batch.rows, strict=True
            ):
                if len(fake.logits):
                    terms[name] = self._fake_term(fake, against.at(rows))
                    loss = loss + config.fake_weight * terms[name]  # w_f (L_hard + L_soft)
            terms["size"] = logit_size(join(hard, soft), real)
            loss = loss + config.logit_weight * terms["size"]  # w_r L_reg
        return {"loss": loss, **terms}

    def _fake_term(self, fake: Side, real: Side) -> Tensor:
        """One of the three readings of how fakes enter the loss."""
        if self.config.fake_loss == "k_plus_1":
            return k_plus_1(fake)
        if self.config.fake_loss == "margin":
            return margin(fake, real, self.config.margin)
        return contrast(fake, real)

    def _watch(self, guard: Guard, loss: Tensor, sides: list[Side]) -> bool:
        if not self.config.fake_weight or self.config.fake_loss == "k_plus_1":
            return guard.watch(loss)
        return guard.watch(loss, join(*sides[2:]).energy().detach(), sides[0].energy().detach())

    @torch.no_grad()
    def _after_step(self, x: Images, y: Labels, real: Side, maps: list[Tensor]) -> None:
        """Keep what the Gram term refers to, and let old counts fade."""
        self.means.update(grams(maps), y)
        if self.exemplars is not None:
            self.exemplars.update(x, y)
        self.tested *= FADE
        self.accepted *= FADE

    def _log(self, run: Run, terms: dict[str, Tensor], guard: Guard, went_back: bool) -> None:
        """Raises `BenchError` if almost no step is accepted."""
        if went_back:  # reported by `returns`; with nan, the host would end the training
            terms = {name: torch.nan_to_num(value, 0, 0, 0) for name, value in terms.items()}
        tested, accepted = float(self.tested.sum()), float(self.accepted.sum())
        if tested > ENOUGH and accepted < TOO_FEW * tested:
            raise BenchError(
                f"GRMALA accepted {accepted / tested:.4f} of its last steps at sigma = {self.config.sigma:g}, "
                f"eps = {self.config.eps:g}, expected 0.5 or more; lower sigma, and eps with its square"
            )
        shares = {"acceptance": accepted / tested} if tested else {}
        if tested and self.classes <= 20:
            each = (self.accepted / self.tested.clamp(min=1.0)).tolist()
            shares |= {f"acceptance_{label}": share for label, share in enumerate(each)}
        run.log(**terms, **shares, returns=float(guard.returns))

    # The density, and chains under it

    def _density(self, weights: Weights, slots: Int[Tensor, "n"], gamma: float) -> Density:
        """E3 for chains of these class weights, with a reference that is fixed from here on."""
        config = self.config
        padded = torch.cat([weights, weights.new_zeros(len(weights), int(config.fake_loss == "k_plus_1"))], 1)
        return Density(
            self.net, padded, temperature(config.sigma, config.eps), gamma,
            self._reference(weights, slots) if gamma else None, config.kappa, config.energy == "logprob",
        )  # fmt: skip

    @torch.no_grad()
    def _reference(self, weights: Weights, slots: Int[Tensor, "n"]) -> Reference:
        own = self.exemplars.reference(weights, slots, self._grams) if self.exemplars is not None else None
        return self.means.reference(weights, own)

    @torch.no_grad()
    def _grams(self, images: Images) -> list[Gram]:
        """Of images in [0, 1], under the weights of now."""
        return grams(self.net(images * 2 - 1).maps)

    def _walk(
        self, density: Density, x: Canvas, steps: int, rng: torch.Generator, *, mh: bool, warmup: Int[Tensor, "n"],
        ages: Int[Tensor, "n"], passes: int,
    ) -> Chains:  # fmt: skip
        """Chains of `steps` steps under this density. `ages` and `passes` are used by subclasses with attention."""
        x = x.contiguous(memory_format=torch.channels_last)
        return run_chains(density, x, steps, self.config.sigma, rng, mh=mh, warmup=warmup)

    # Drawing

    def synthesize(
        self,
        wanted: Labels | Weights,
        n: int = 1,
        *,
        steps: int | None = None,
        passes: int = 1,
        mh: bool | None = None,
        gamma: float | None = None,
        seed: int = 0,
    ) -> Drawing:
        """Draw n images for each of these classes (m,) or rows of class weights (m, k), each from a blank canvas.

        `steps`, `mh` and `gamma` default to the settings. Equal seeds draw equal images.
        """
        device = self.class_share.device
        weights = one_hot(wanted, self.classes) if wanted.ndim == 1 else wanted
        rng = torch.Generator(device).manual_seed(seed)
        return self._draw(weights.to(self.class_share).repeat_interleave(n, 0), rng, steps, passes, mh, gamma)

    def _draw(
        self, weights: Weights, rng: torch.Generator, steps: int | None = None, passes: int = 1,
        mh: bool | None = None, gamma: float | None = None,
    ) -> Drawing:  # fmt: skip
        """A chain for each row of weights, from a blank canvas of its own."""
        config, device = self.config, weights.device
        x = blank((len(weights), *self.spec.shape), rng).to(device)
        slots = torch.randint(2**31, (len(x),), generator=rng, device=rng.device).to(device)
        none = torch.zeros(len(x), dtype=torch.int64, device=device)
        chains = self._walk(
            self._density(weights, slots, config.gamma if gamma is None else gamma), x,
            config.blank_steps if steps is None else steps, rng, mh=config.mh if mh is None else mh,
            warmup=none + config.warmup, ages=none, passes=passes,
        )  # fmt: skip
        return Drawing(((chains.x + 1) / 2).clamp(0, 1).contiguous(), chains.acceptance, chains.log_pi, chains.x)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Classes are drawn as often as they are in the training set."""
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self.sample_class(labels, rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """An image of each class."""
        weights = one_hot(labels.to(self.class_share.device), self.classes).to(self.class_share)
        return self._draw(weights, rng, passes=self._draw_passes).images

    def sample_mixture(self, weights: Weights, rng: torch.Generator) -> Images:
        """An image of each soft class."""
        return self._draw(weights.to(self.class_share), rng, passes=self._draw_passes).images

    @property
    def _draw_passes(self) -> int:
        return 1

    @torch.no_grad()
    def logits(self, images: Images) -> Logits:
        """f(x), without the logit of fakes, if it has one."""
        answer: Answer = self.net(images * 2 - 1)
        return answer.logits[:, : self.classes]

    # The rule for the weight of the Gram term

    def class_distance(self, images: Images, labels: Labels) -> float:
        """Mean R of images in [0, 1] to the mean Gram matrices of their classes."""
        reference = self.means.reference(one_hot(labels, self.classes).to(self.class_share))
        with torch.no_grad():
            return float(reference.distance(self.net(images * 2 - 1).maps).mean())

    def calibrate(self, held_out: Data, n: int = 20, seed: int = 0) -> float:
        """The gamma at which drawings, n of each class, are as far from their class mean as held-out images are."""
        labels = torch.arange(self.classes, device=self.class_share.device).repeat_interleave(n)
        real = self.class_distance(to_float(held_out.images).to(self.class_share), held_out.labels.to(labels.device))

        def distance(gamma: float) -> float:
            return self.class_distance((self.synthesize(labels, gamma=gamma, seed=seed).canvas + 1) / 2, labels)

        return calibrate(distance, real)
