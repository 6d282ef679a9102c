"""Public functions that take arrays refuse what they would misread."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import bench
from bench.errors import BenchError
from bench.metrics import functions
from bench.metrics.calibration import adaptive_calibration_error, brier_score, calibration_error, log_loss
from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments
from bench.metrics.kernel import kernel_distance, kernel_distance_of_all
from bench.metrics.manifold import manifold


@pytest.mark.parametrize("images", [torch.rand(2, 1, 4, 4), torch.ones(2, 1, 4, 4, dtype=torch.bool), np.ones((2, 3))])
def test_only_bytes_become_floats(images: object):
    with pytest.raises(BenchError, match=r"to_float: expected images as uint8, got .*see bench.quantize"):
        bench.to_float(images)  # type: ignore[arg-type]


def test_images_of_numpy_become_floats():
    assert bench.to_float(np.full((1, 1, 2, 2), 255, dtype=np.uint8)).tolist() == [[[[1, 1], [1, 1]]]]  # type: ignore[arg-type]


def test_only_floats_are_quantized():
    with pytest.raises(BenchError, match=r"quantize: expected float images in \[0, 1\], got torch.uint8"):
        bench.quantize(torch.ones(1, 1, 2, 2, dtype=torch.uint8))


@pytest.mark.parametrize("bad", [-np.eye(3), np.diag([1.0, 1.0, -0.5])])
def test_a_covariance_without_a_sign_is_refused(bad: np.ndarray):
    for first, second in ((bad, np.eye(3)), (np.eye(3), bad)):
        with pytest.raises(BenchError, match="without negative eigenvalues"):
            frechet_distance(np.zeros(3), first, np.zeros(3), second)


def test_a_covariance_that_is_not_symmetric_is_refused():
    with pytest.raises(BenchError, match="expected sigma2 to be symmetric"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), np.array([[1.0, 0.5], [0.0, 1.0]]))


def test_covariances_of_any_rank_are_accepted():
    rows = np.random.default_rng(0).normal(size=(5, 20)).astype(np.float32)
    assert frechet_distance(*moments(rows), *moments(rows)) < 1e-9
    assert frechet_distance(np.zeros(2), np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2))) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_features_with_gradients_and_of_any_precision_are_accepted(dtype: torch.dtype):
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    expected = frechet_from_features(x.double().numpy(), x.double().numpy() + 1)
    assert frechet_from_features(x.clone().requires_grad_(), (x.double() + 1).requires_grad_()) == expected


@pytest.mark.parametrize(
    "features", [np.array(["a", "b"]), np.ones((4, 2), dtype=bool), np.ones((4, 2), dtype=complex)]
)
def test_features_that_are_no_numbers_are_refused(features: np.ndarray):
    with pytest.raises(BenchError, match="expected an array of real numbers"):
        frechet_from_features(features, features)


DISTANCES = {
    "kernel_distance": lambda x, y: kernel_distance(x, y, 3, 8),
    "kernel_distance_of_all": kernel_distance_of_all,
    "manifold": lambda x, y: manifold(x, y, torch.device("cpu")).precision,
}
X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)


@pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)
@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (X[0], r"expected numbers of shape \(n, d\), got float32 of shape \(4,\)"),
        (X > 0, "got bool"),
        (X.astype(object), "got object"),
        (np.where(X > 1, np.nan, X), "finite"),
        (X[:, :3], r"got \(\d+, \d\) and \(\d+, \d\)"),
        ([[1.0], [1.0, 2.0]], r"expected features of shape \(n, d\)"),
    ],
)
def test_what_is_no_features_is_refused_by_every_distance(distance, bad, sentence):
    for pair in ((bad, X), (X, bad)):
        with pytest.raises(bench.BenchError, match=sentence):
            distance(*pair)


@pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)
def test_tensors_with_gradients_and_of_any_float_are_features(distance):
    wanted = distance(X, X[::-1].copy() + 1)
    tensor = torch.from_numpy(X).requires_grad_()
    assert distance(tensor, X[::-1].copy() + 1) == wanted
    coarse = tensor.to(torch.bfloat16)
    assert distance(coarse, X + 1) == distance(coarse.detach().float().numpy(), X + 1)


@pytest.mark.parametrize("score", [log_loss, brier_score, calibration_error, adaptive_calibration_error])
@pytest.mark.parametrize(
    ("logits", "labels", "says"),
    [
        (np.zeros(3), [0, 1, 2], r"expected float logits of shape \(n, k\)"),
        (np.zeros((3, 2), dtype=int), [0, 1, 0], "got torch.int64 of shape"),
        (np.zeros((3, 2)), [0, 1], r"and shape \(2,\)"),
        (np.zeros((0, 2)), [], "expected float logits"),
        (np.zeros((3, 2)), [0, 1, 2], "whole numbers from 0 to 1, got others"),
        (np.zeros((3, 2)), [0, 1, -1], "whole numbers from 0 to 1, got others"),
        (np.zeros((3, 2)), [0.0, 1.0, 0.0], "whole numbers from 0 to 1, got others"),
    ],
)
def test_scores_of_probabilities_refuse_what_is_not_logits_and_labels(score, logits, labels, says):
    with pytest.raises(BenchError, match=says):
        score(logits, labels)


def test_every_documented_measure_is_public_and_documented():
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert names == {*functions.__all__} - {"Manifold"}
    assert all(getattr(functions, name).__doc__ for name in names)
