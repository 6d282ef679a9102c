"""What a diverged training leaves behind."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.api import Generator, Spec
from bench.training.divergence import keep_last_good
from bench.util.atomic import read_checksummed

CPU = torch.device("cpu")


class Flat(Generator):
    """Draws one brightness everywhere: that of its class, plus what it went to."""

    def fit(self, data, run):
        raise NotImplementedError

    def sample(self, n, rng):
        return self.sample_class(torch.zeros(n, dtype=torch.int64), rng)

    def sample_class(self, labels, rng):
        return (self.config + labels / 10).view(-1, 1, 1, 1).expand(-1, *self.spec.shape).clone()


@pytest.fixture
def folder(tmp_path):
    """A run directory of a job with 2,000 samples."""
    from bench.util.atomic import write_checksummed

    return SimpleNamespace(
        path=tmp_path, job=SimpleNamespace(samples=2000, seed=0),
        write_bytes=lambda name, payload: write_checksummed(tmp_path / name, payload),
    )  # fmt: skip


def test_a_model_that_went_back_to_a_good_state_leaves_its_drawings(folder, tmp_path):
    assert keep_last_good(Flat(0.5, Spec("toy", 1, 8, tuple("abc"))), folder, CPU)
    with np.load(io.BytesIO(read_checksummed(tmp_path / "last-good.npz")), allow_pickle=False) as kept:
        assert kept["images"].shape == (24, 1, 8, 8)
        assert kept["labels"].tolist() == list(range(3)) * 8
        assert kept["conditional"]
    assert (tmp_path / "last-good.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("brightness", [float("nan"), 7.0])
def test_a_model_that_draws_no_images_any_more_leaves_none_and_says_so(folder, tmp_path, caplog, brightness):
    assert not keep_last_good(Flat(brightness, Spec("toy", 1, 8, tuple("abc"))), folder, CPU)
    assert not list(tmp_path.iterdir())
    assert "no longer produces valid images" in caplog.text
