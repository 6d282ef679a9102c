"""The Inception spaces, with random weights in a file of the published form: the same code, other numbers."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import METRICS
from bench.metrics.features import inception
from bench.metrics.inception_score import inception_score
from bench.metrics.spaces import load_space, space_states

extractor = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file as torch-fidelity downloads it, but random."""
    path = tmp_path_factory.mktemp("weights") / inception.FILE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractor, "load_state_dict_from_url", lambda url, progress: {})
        patch.setattr(extractor.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        net = extractor.FeatureExtractorInceptionV3("random", ["2048"], None, verbose=False)
    rng = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):  # so that signals reach the end
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=rng)
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture
def installed(weights, monkeypatch):
    """As if it were the published file."""
    monkeypatch.setenv("BENCH_INCEPTION", str(weights))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, digest=digest))
    return weights


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randint(0, 256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_features_are_those_of_torch_fidelity(installed, pixels):
    net = extractor.FeatureExtractorInceptionV3("direct", ["2048", "logits_unbiased"], str(installed))
    features, logits = net(pixels.repeat(1, 3, 1, 1))
    space = load_space("inception")
    found = space(pixels)
    assert features.mean() > 0.1
    assert np.allclose(found, features.numpy(), rtol=1e-4, atol=1e-4)
    assert np.allclose(space.logits(found), logits.numpy(), rtol=1e-3, atol=1e-4)


def test_clean_differs_in_the_resize_alone(installed):
    large = torch.randint(0, 256, (2, 3, 299, 299), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    plain, clean = load_space("inception"), load_space("clean")
    assert np.allclose(plain(large), clean(large), rtol=1e-3, atol=1e-3)
    small = large[..., :32, :32]
    assert not np.allclose(plain(small), clean(small), rtol=1e-2, atol=1e-2)
    assert plain.digest != clean.digest


def test_metrics_are_measured_if_the_weights_are_installed(installed, make_context, monkeypatch):
    monkeypatch.setattr("bench.metrics.inception_score.SPLITS", 2)
    context = make_context(n=4, reference=4)
    metrics = {metric.name: metric for metric in METRICS if metric.space in ("inception", "clean")}
    assert set(metrics) == {"fid", "kid-inception", "kid-inception-all", "clean-fid", "inception-score"}
    for metric in metrics.values():
        assert metric.absent() == ""
        assert np.isfinite(metric.compute(context).value)
    assert {name: state for name, state, _ in space_states()}["inception"] == "ready"


def test_without_weights_the_reason_of_the_dash_says_how_to_download_them(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "missing.pth"))
    (fid,) = (metric for metric in METRICS if metric.name == "fid")
    reason = fid.absent()
    assert reason.endswith("missing.pth: bench fetch inception")
    with pytest.raises(BenchError, match="inception has no weights"):
        load_space("inception")


def test_without_the_variable_the_file_is_the_one_that_torch_fidelity_downloads(monkeypatch, tmp_path):
    monkeypatch.delenv("BENCH_INCEPTION", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert str(tmp_path / "checkpoints" / inception.FILE) in inception.absent()


def test_a_reason_on_a_board_does_not_reveal_the_home_directory(monkeypatch):
    monkeypatch.delenv("BENCH_INCEPTION", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(Path.home() / "hub"))
    assert f"in ~/hub/checkpoints/{inception.FILE}:" in inception.absent()


def test_other_weights_must_not_be_called_fid(weights, monkeypatch):
    monkeypatch.setenv("BENCH_INCEPTION", str(weights))
    with pytest.raises(BenchError, match=r"holds other weights than .* expected the SHA-256 6726825d"):
        load_space("inception")


def test_inception_score_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_isc").isc_features_to_metric
    logits = np.random.default_rng(0).normal(size=(100, 20)) * 2
    wanted = reference(torch.from_numpy(logits), splits=10, shuffle=False)
    assert inception_score(logits) == pytest.approx(tuple(wanted.values()), rel=1e-9)


def test_inception_score_lies_between_one_and_the_number_of_classes():
    sure = 1e3 * np.eye(5)[np.arange(100) % 5]
    assert inception_score(sure)[0] == pytest.approx(5)
    assert inception_score(np.zeros((100, 5)))[0] == pytest.approx(1)
    assert inception_score(np.repeat(sure[:1], 100, axis=0))[0] == pytest.approx(1)
    with pytest.raises(BenchError, match="expected at least 10 images, got n=9"):
        inception_score(sure[:9])
