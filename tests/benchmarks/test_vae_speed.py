"""What training a VAE costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time.

pythae is no dependency: its rows are there where it is installed (`pip install pythae`).
"""

import time
from collections.abc import Callable
from statistics import median

import pytest
import torch
from torch import Tensor, nn

from bench.api import Data, Spec, to_float
from bench.experiment.device import find_device
from bench.parts.gaussian import gaussian_nll, kl_to_standard
from bench.parts.vae import Vae, conv_vae
from bench.training_run import Run
from bench_baselines import PlainVae, VaeConfig

SPEC = Spec("speed", 3, 32, tuple("abcdefgh"))
CONFIG = VaeConfig()
BATCH, IMAGES, ROUNDS = CONFIG.batch_size, 960, 3


@pytest.fixture(scope="module")
def data() -> Data:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, *SPEC.shape), generator=rng, dtype=torch.uint8)
    return Data(SPEC, images, torch.zeros(IMAGES, dtype=torch.int64))


def cpu_seconds(work: Callable[[Data], None], data: Data) -> float:
    torch.manual_seed(0)
    started = time.process_time()
    work(data)
    return time.process_time() - started


def ours(data: Data) -> None:
    model = PlainVae(CONFIG, SPEC).to(memory_format=torch.channels_last)
    model.fit(data, Run(model, images=IMAGES))


def as_a_job(data: Data) -> None:
    """`vae` in the precision that the host trains in on this machine: bfloat16 where it is quick."""
    model = PlainVae(CONFIG, SPEC).to(memory_format=torch.channels_last)
    model.fit(data, Run(model, images=IMAGES, precision=find_device("cpu", 1).precision))


def ours_by_adam(data: Data) -> None:
    """The network and the likelihood of `vae` under the optimizer that the others have, on batches of the run."""
    model = PlainVae(CONFIG, SPEC).to(memory_format=torch.channels_last)
    run = Run(model, images=IMAGES)
    adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    model.train()
    for x, _ in run.batches(data, BATCH, IMAGES, keep=[adam]):
        loss = model.vae(x, run.rng).loss
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        run.log(loss=loss)


def plain_loop(data: Data) -> None:
    """The plainest loop over the same network: a loader, the formulas as written, Adam as it comes."""
    vae = _network()
    adam = torch.optim.Adam(vae.parameters(), 1e-3)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(to_float(data.images)), batch_size=BATCH, shuffle=True
    )
    vae.train()
    for (x,) in loader:
        mu, log_s = vae.encode(x)
        z = mu + log_s.exp() * torch.randn_like(mu)
        loss = (gaussian_nll(x, vae.decode(z), vae.log_sigma()) + kl_to_standard(mu, log_s)).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()


def _network() -> Vae:
    return conv_vae(SPEC.shape, width=CONFIG.width, latent_dim=CONFIG.latent_dim, sigma_floor=CONFIG.sigma_floor)


def test_vae_training(benchmark, data):
    """Targets: `of_plain_loop` at least 1 by the same optimizer (CPU seconds, interleaved, medians); `muon`: as it is."""
    works = ours_by_adam, plain_loop, ours
    for work in works:
        cpu_seconds(work, data)
    rows = [[cpu_seconds(work, data) for work in works] for _ in range(ROUNDS)]
    mine, plain, muon = (median(column) for column in zip(*rows, strict=True))
    benchmark.extra_info["images_per_cpu_second"] = IMAGES / muon
    benchmark.extra_info["of_plain_loop"] = plain / mine
    benchmark.extra_info["of_plain_loop_with_muon"] = plain / muon
    benchmark.pedantic(cpu_seconds, (ours, data), rounds=1)


def test_vae_training_beside_pythae(benchmark, data, tmp_path):
    """Target: `of_pythae` at least 1.5, `vae` as a job runs it; the others are in float32, as pythae is."""
    pytest.importorskip("pythae", reason="pythae is not installed: pip install pythae")
    theirs = _pythae(tmp_path)
    works = as_a_job, theirs, ours_by_adam, ours
    for work in works:
        cpu_seconds(work, data)
    rows = [[cpu_seconds(work, data) for work in works] for _ in range(ROUNDS)]
    job, other, adam, muon = (median(column) for column in zip(*rows, strict=True))
    benchmark.extra_info["of_pythae"] = other / job
    benchmark.extra_info["of_pythae_in_float32_by_adam"] = other / adam
    benchmark.extra_info["of_pythae_in_float32_by_muon"] = other / muon
    benchmark.pedantic(cpu_seconds, (theirs, data), rounds=1)


def _pythae(folder) -> Callable[[Data], None]:
    """One epoch of pythae's trainer, its own loss over our encoder and decoder."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self, vae: Vae) -> None:
            super().__init__()
            self.body, self.posterior = vae.encoder, vae.posterior

        def forward(self, x: Tensor) -> ModelOutput:
            mu, log_s = self.posterior(self.body(x)).chunk(2, 1)
            return ModelOutput(embedding=mu, log_covariance=2 * log_s)

    class Decoder(BaseDecoder):
        def __init__(self, vae: Vae) -> None:
            super().__init__()
            self.net: nn.Module = vae.decoder

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.net(z))

    def train(data: Data) -> None:
        vae = _network()
        config = VAEConfig(input_dim=SPEC.shape, latent_dim=CONFIG.latent_dim)
        model = VAE(config, encoder=Encoder(vae), decoder=Decoder(vae))
        settings = BaseTrainerConfig(
            output_dir=str(folder), num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-3, no_cuda=True,
        )  # fmt: skip
        images = to_float(data.images)
        BaseTrainer(model, BaseDataset(images, data.labels), training_config=settings).train()

    return train
