"""What the two stages of ID-GAN cost: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time.

Everything runs on one thread, with the settings of the release for CelebA except the width. The authors' code is no dependency: its
rows are there if IDGAN_REFERENCE names a folder with a checkout of github.com/1Konny/idgan.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.api import Data, Spec, to_float
from bench.experiment.device import find_device
from bench.parts.adversarial import GanConfig, build_discriminator, fit_gan
from bench.parts.disentangling import train_code_vae
from bench.training_run import Precision, Run
from bench_id_gan import IdGan, IdGanConfig
from bench_id_gan.distillation import Distillation
from bench_id_gan.recipes import CELEBA
from bench_id_gan.stage_one import objective

WIDTH = 16  # of G and D; 64 in the release, which takes ten times as long
LAZY = GanConfig().r1_every
BATCH, ROUNDS = CELEBA.batch_size, 3
STEPS_ONE, STEPS_TWO = 8, 2
JOB = find_device("cpu", 1).precision  # bfloat16 where it is quick
WITH_R1 = replace(CELEBA, width=WIDTH)
WITHOUT_R1 = replace(WITH_R1, r1=0.0)
Work = Callable[[], object]


@pytest.fixture(autouse=True)
def _one_thread():
    """As a job has it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def data_of(side: int, steps: int) -> Data:
    spec = Spec("speed", 3, side, tuple("abcdefgh"))
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (steps * BATCH, *spec.shape), generator=rng, dtype=torch.uint8)
    return Data(spec, images, torch.zeros(len(images), dtype=torch.int64))


def medians(*works: Work) -> list[float]:
    """CPU seconds of each, interleaved, after one round that does not count."""
    rows = [[_cpu_seconds(work) for work in works] for _ in range(ROUNDS + 1)]
    return [median(column) for column in zip(*rows[1:], strict=True)]


def _cpu_seconds(work: Work) -> float:
    torch.manual_seed(0)
    started = time.process_time()
    work()
    return time.process_time() - started


def lazy(with_r1: float, without: float) -> float:
    """The mean over steps if only every 16th has R1."""
    return (with_r1 + (LAZY - 1) * without) / LAZY


def model_of(data: Data, config: IdGanConfig) -> IdGan:
    return IdGan(config, data.spec).to(memory_format=torch.channels_last)


def stage_one(data: Data, precision: Precision = "float32") -> None:
    """As `fit_vae` does it, on all images."""
    model = model_of(data, WITH_R1)
    run = Run(model, images=len(data), precision=precision)
    train_code_vae(
        model.vae, data, run, len(data), objective(WITH_R1, run, len(data)), batch_size=BATCH, lr=WITH_R1.vae_lr,
        optimizer="adam",
    )  # fmt: skip


def stage_two(data: Data, config: IdGanConfig, precision: Precision = "float32") -> None:
    """As `IdGan.fit` does it after an untrained stage 1."""
    model = model_of(data, config)
    model.vae.requires_grad_(False)
    condition = Distillation(model.vae, w_info=config.w_info, source=config.code_source, target=config.target)
    run = Run(model, images=len(data), precision=precision)
    discriminator = build_discriminator(config, data.spec, 0)
    fit_gan(model.generator, discriminator, config, data, run, condition, images=len(data))


def loader_of(images: Tensor, *others: Tensor) -> torch.utils.data.DataLoader:
    return torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, *others), batch_size=BATCH, shuffle=True, drop_last=True
    )


def plain_stage_one(data: Data) -> None:
    """The plainest loop over the same network: a loader, the formulas as written, Adam as it comes."""
    vae = IdGan(WITH_R1, data.spec).vae
    adam = torch.optim.Adam(vae.parameters(), WITH_R1.vae_lr)
    for (x,) in loader_of(to_float(data.images)):
        mu, log_s = vae.encode(x)
        c = mu + log_s.exp() * torch.randn_like(mu)
        error = (torch.sigmoid(vae.logits(c)) - x).square().sum((1, 2, 3)).mean()
        kl = (0.5 * ((2 * log_s).exp() + mu**2 - 2 * log_s - 1)).sum(1).mean()
        adam.zero_grad()
        (error + WITH_R1.beta * kl).backward()
        adam.step()


def plain_stage_two(data: Data, config: IdGanConfig) -> None:
    """The same for the GAN: two passes of D, RMSprop and an average of weights parameter by parameter."""
    model = IdGan(config, data.spec)
    encoder, g, d = model.vae, model.generator, build_discriminator(config, data.spec, 0)
    average = [it.detach().clone() for it in g.parameters()]
    of_g, of_d = (torch.optim.RMSprop(it.parameters(), config.lr, alpha=0.99, eps=1e-8) for it in (g, d))
    encoder.requires_grad_(False)
    for (x,) in loader_of(to_float(data.images)):
        x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
        x = x + (torch.rand_like(x) - 0.5) / 256
        mu, log_s = encoder.encode(x)
        c = mu + log_s.exp() * torch.randn_like(mu)
        of_d.zero_grad()
        _plain_loss_of_d(d, 2 * x - 1, _plain_draw(g, c, config).detach(), config.r1).backward()
        of_d.step()
        d.requires_grad_(False)
        fakes = _plain_draw(g, c, config)
        mu, log_s = encoder.encode((fakes + 1) / 2)
        away = (c - mu) ** 2 / ((2 * log_s).exp() + 1e-8)
        l_id = 0.5 * (math.log(2 * math.pi) + 2 * log_s + away).sum(1).mean()
        of_g.zero_grad()
        (F.softplus(-d(fakes)).mean() + config.w_info * l_id).backward()
        of_g.step()
        d.requires_grad_(True)
        with torch.no_grad():
            for mean, value in zip(average, g.parameters(), strict=True):
                mean.copy_(config.ema * mean + (1 - config.ema) * value)


def _plain_draw(g: nn.Module, c: Tensor, config: IdGanConfig) -> Tensor:
    return g(torch.cat([torch.randn(len(c), config.nuisance_dim), c], 1))


def _plain_loss_of_d(d: nn.Module, real: Tensor, fakes: Tensor, r1: float) -> Tensor:
    real.requires_grad_(r1 > 0)
    of_real, of_fakes = d(real), d(fakes)
    loss = F.softplus(-of_real).mean() + F.softplus(of_fakes).mean()
    if r1:
        (gradient,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
        loss = loss + r1 * gradient.square().sum((1, 2, 3)).mean()
    return loss


@pytest.mark.parametrize("side", [32, 64])
def test_stage_one(benchmark, side):
    """Target: `of_plain_loop` at least 0.95, with the same optimizer, both in float32 (CPU seconds, interleaved, medians)."""
    data = data_of(side, STEPS_ONE)
    mine, job, plain = medians(lambda: stage_one(data), lambda: stage_one(data, JOB), lambda: plain_stage_one(data))
    benchmark.extra_info["images_per_cpu_second"] = len(data) / job
    benchmark.extra_info["of_plain_loop"] = plain / mine
    benchmark.extra_info["of_plain_loop_as_a_job"] = plain / job
    benchmark.pedantic(stage_one, (data, JOB), rounds=1)


@pytest.mark.parametrize("side", [32, 64])
def test_stage_two(benchmark, side):
    """Target: `of_plain_loop` at least 0.95, both with R1 in one of 16 steps and in float32; also with R1 in each."""
    data = data_of(side, STEPS_TWO)
    mine, mine_without, plain, plain_without = medians(
        lambda: stage_two(data, WITH_R1), lambda: stage_two(data, WITHOUT_R1),
        lambda: plain_stage_two(data, WITH_R1), lambda: plain_stage_two(data, WITHOUT_R1),
    )  # fmt: skip
    benchmark.extra_info["images_per_cpu_second"] = len(data) / lazy(mine, mine_without)
    benchmark.extra_info["of_plain_loop"] = lazy(plain, plain_without) / lazy(mine, mine_without)
    benchmark.extra_info["of_plain_loop_with_r1_in_each_step"] = plain / mine
    benchmark.pedantic(stage_two, (data, WITHOUT_R1), rounds=1)


@pytest.fixture
def reference(monkeypatch):
    """Puts the authors' checkout on the path."""
    folder = os.environ.get("IDGAN_REFERENCE")
    if folder is None:
        pytest.skip("IDGAN_REFERENCE is not set: it names a folder with a checkout of github.com/1Konny/idgan")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(folder)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("gan_training"):
            del sys.modules[name]


def test_stage_one_beside_the_authors_code(benchmark, reference):
    """Target: `of_reference` at least 1.3, ours as a job runs it; `of_reference_in_float32` is both in float32."""
    data = data_of(64, STEPS_ONE)
    theirs, mine, job = medians(lambda: _their_stage_one(data), lambda: stage_one(data), lambda: stage_one(data, JOB))
    benchmark.extra_info["of_reference"] = theirs / job
    benchmark.extra_info["of_reference_in_float32"] = theirs / mine
    benchmark.pedantic(_their_stage_one, (data,), rounds=1)


def test_stage_two_beside_the_authors_code(benchmark, reference):
    """Target: `of_reference` at least 1.3: theirs has R1 in each step, ours runs as a job with R1 in one of 16.

    The others are ours with R1 in each step, the same work, and ours in float32, as theirs is.
    """
    data = data_of(64, STEPS_TWO)
    theirs, mine, mine_without, job, job_without = medians(
        lambda: _their_stage_two(data),
        lambda: stage_two(data, WITH_R1), lambda: stage_two(data, WITHOUT_R1),
        lambda: stage_two(data, WITH_R1, JOB), lambda: stage_two(data, WITHOUT_R1, JOB),
    )  # fmt: skip
    benchmark.extra_info["of_reference"] = theirs / lazy(job, job_without)
    benchmark.extra_info["of_reference_in_float32"] = theirs / lazy(mine, mine_without)
    benchmark.extra_info["of_reference_with_r1_in_each_step"] = theirs / job
    benchmark.extra_info["of_reference_with_r1_in_each_step_in_float32"] = theirs / mine
    benchmark.pedantic(_their_stage_two, (data,), rounds=1)


def _their_stage_one(data: Data) -> None:
    """The loop of their `Solver`, without its constructor, which wants a folder of images, and without its checkpoint."""
    from gan_training.dvae.dvae import BetaVAE_H
    from gan_training.dvae.solver import Solver

    class InMemory(Solver):
        def __init__(self) -> None:
            self.device, self.global_iter, self.max_iter = "cpu", 0, len(data) // BATCH
            self.log_line_iter = self.log_img_iter = self.ckpt_save_iter = 2 * self.max_iter
            self.beta, self.dec_dist, self.net = WITH_R1.beta, WITH_R1.likelihood, BetaVAE_H(WITH_R1.latent_dim, 3)
            self.optim = torch.optim.Adam(self.net.parameters(), WITH_R1.vae_lr)
            self.data_loader = torch.utils.data.DataLoader(to_float(data.images), batch_size=BATCH, shuffle=True)

        def save_checkpoint(self) -> None:
            pass

    InMemory().train()


def _their_stage_two(data: Data) -> None:
    """A loop around the steps of their `Trainer`: their train.py is a script. It gets images in memory, ready to use,
    and is spared its log, its augmentation and its learning rate schedule, which is constant."""
    from gan_training.distributions import get_zdist
    from gan_training.dvae.dvae import BetaVAE_H
    from gan_training.models import resnet3
    from gan_training.train import Trainer, update_average

    config, side = WITH_R1, data.spec.size
    options = {"size": side, "nfilter": config.width, "nfilter_max": 512}
    vae = BetaVAE_H(config.latent_dim, 3, infodistil_mode=True)
    g, average = (resnet3.Generator(config.nuisance_dim + config.latent_dim, **options) for _ in range(2))
    d = resnet3.Discriminator("resnet3", **options)
    of_g, of_d = (torch.optim.RMSprop(it.parameters(), config.lr, alpha=0.99, eps=1e-8) for it in (g, d))
    trainer, z = Trainer(vae, g, d, of_g, of_d, config.r1, config.w_info), get_zdist("gauss", config.nuisance_dim)
    for x, _ in loader_of(2 * to_float(data.images) - 1, data.labels):
        _, _, codes = trainer.discriminator_trainstep(x, z.sample((BATCH,)))
        trainer.generator_trainstep(z.sample((BATCH,)), codes)
        update_average(average, g, config.ema)
