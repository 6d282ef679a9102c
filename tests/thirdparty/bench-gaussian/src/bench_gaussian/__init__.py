"""Gaussians over principal components, one per class: a plugin for bench."""

from bench import hookimpl
from bench_gaussian.blobs import Blobs
from bench_gaussian.gaussian import Gaussian
from bench_gaussian.perceptron import Perceptron


@hookimpl
def bench_generators() -> dict[str, type[Gaussian]]:
    return {"gaussian": Gaussian}


@hookimpl
def bench_classifiers() -> dict[str, type[Perceptron]]:
    return {"perceptron": Perceptron}


@hookimpl
def bench_datasets() -> dict[str, type[Blobs]]:
    return {"blobs": Blobs}
