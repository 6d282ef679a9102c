"""The conformance tests of bench for everything that this plugin provides, and tests of the method itself."""

import pytest
import torch
from bench_gaussian import Blobs, Gaussian, Perceptron

from bench import Run
from bench.testing import promises, tiny_dataset


@pytest.mark.parametrize("promise", promises(Gaussian) + promises(Perceptron) + promises(Blobs), ids=str)
def test_it_passes_the_conformance_test(promise):
    promise()


@pytest.fixture(scope="module")
def fitted():
    """A model that has seen each of the 96 images once per phase, in four batches."""
    data = tiny_dataset(channels=1, size=28, train=96).train
    model = Gaussian(Gaussian.Config(components=96, batch_size=24, shrinkage=1e-9), data.spec)
    model.fit(data, Run(model, images=192))
    return data, model


def test_the_stream_finds_the_components_of_all_images(fitted):
    data, model = fitted
    rows = data.images.flatten(1) / 255
    torch.testing.assert_close(model.mean, rows.mean(0), atol=1e-5, rtol=0)
    singular = torch.linalg.svdvals(rows - rows.mean(0))
    torch.testing.assert_close(model.singular[:50], singular[:50], atol=0, rtol=1e-3)


def test_a_class_is_a_gaussian_with_the_moments_of_its_codes(fitted):
    data, model = fitted
    codes = model.encode(data.images / 255).double()
    means, roots = model._moments()
    for k in range(3):
        own = codes[data.labels == k]
        torch.testing.assert_close(means[k], own.mean(0), atol=1e-5, rtol=0)
        torch.testing.assert_close(roots[k] @ roots[k].T, own.T.cov(correction=0), atol=1e-4, rtol=0)
