"""Anomaly detection with the codes of real images: does a class that the detector has not seen stand out?

Each class is held out in turn. A detector is fitted to training images of the other classes and scores test images of
all classes. The method is not trained again: its encoder has seen images of the class that is held out, unlabelled or
labelled, unless the training set lacks them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from bench.api import Code, Codes
from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.control.codes import MOST_VALUES
from bench.metrics.disentanglement.measures import encoder_layout, encodings
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.nearest_images import thumbnails
from bench.training_run import generator

CLASSES = 20  # held out, at most: evenly spread if there are more
FIT = 5_000  # training images that a detector is fitted to, at most
NEIGHBOURS = 5
RIDGE = 1e-8  # of the variance of a code: keeps codes that are constant or linearly dependent
SIDE = 32  # pixels: larger images are averaged to this side for the comparison
COMPONENTS = 32  # principal components of pixels

Table = NDArray[np.floating]
Detector = Callable[[Table, Table], NDArray[np.floating]]  # images to fit (m, d), images (n, d): scores (n,)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One class: the training images of other classes, as rows (m,), and which test images are of the class, (n,)."""

    fit: NDArray[np.int64]
    positive: NDArray[np.bool_]


def anomaly_auroc(context: EvaluationContext) -> Measured:
    """Area under the ROC curve of the held-out class, mean over classes and one part for each.

    The score of an image is the mean distance of its whitened codes to the 5 nearest of the other classes. Part
    `pixels-pca`: the same of its distance, in pixels, to 32 principal components of the same images. Raises
    `NotMeasured` if there is one class only, if a class has no test image or the others too few training images, and if
    all training images have the same codes.
    """
    codes, (fit, test) = _codes(context), context.scale.encoded
    if not np.ptp(codes[:fit], axis=0).any():
        raise NotMeasured(f"expected codes that vary, got the same codes for all {fit:,} training images")
    chosen = _chosen(context)
    rounds = [_held_out(context, label) for label in chosen]
    found = auroc(rounds, codes[:fit], codes[fit:], neighbour_distances)
    names = class_names(context.spec.classes)
    parts = {names[label]: float(value) for label, value in zip(chosen, found, strict=True)}
    return Measured(float(found.mean()), test, parts | {"pixels-pca": _pixels(context, rounds)})


def auroc(rounds: Sequence[HeldOut], train: Table, test: Table, detector: Detector) -> NDArray[np.float64]:
    """The area of each round, from what is known of training images (m, d) and of test images (n, d)."""
    from sklearn.metrics import roc_auc_score

    return np.array([roc_auc_score(it.positive, detector(train[it.fit], test)) for it in rounds])


def neighbour_distances(fit: Table, test: Table) -> NDArray[np.floating]:
    """Mean distance of codes (n, d) to the 5 nearest of (m, d), with the covariance of the latter as unit, (n,).

    It does not depend on the units of codes, nor on any invertible affine map of them, up to the ridge. A code that is
    constant in `fit` counts as soon as it differs from that constant.
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(fit)
    fit, test = scaler.transform(fit), scaler.transform(test)
    root = np.linalg.cholesky(fit.T @ fit / len(fit) + RIDGE * np.eye(fit.shape[1]))
    white = [np.linalg.solve(root, codes.T).T for codes in (fit, test)]
    index = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(white[0])
    return index.kneighbors(white[1])[0].mean(axis=1)


def reconstruction_errors(fit: Table, test: Table) -> NDArray[np.floating]:
    """Distance of images (n, d) to the leading principal components of (m, d), at most half of all, (n,)."""
    from sklearn.decomposition import PCA

    count = min(COMPONENTS, min(fit.shape) // 2)
    model = PCA(count, svd_solver="randomized", random_state=0).fit(fit)
    return np.linalg.norm(test - model.inverse_transform(model.transform(test)), axis=1)


def _codes(context: EvaluationContext) -> NDArray[np.float64]:
    """The codes of training images, then those of test images: the ones that other metrics of an encoder measure."""
    codes = encodings(context).double()
    return torch.cat([_columns(code, codes) for code in encoder_layout(context)], dim=1).numpy()


def _columns(code: Code, codes: Codes) -> Codes:
    """The columns of one code. A few values in a single one are no distances, so they become one column each."""
    columns = codes[:, list(code.columns)]
    if code.kind != "categorical" or len(code.columns) > 1:
        return columns
    values, places = columns[:, 0].unique(return_inverse=True)
    return F.one_hot(places).double() if len(values) <= MOST_VALUES else columns


def _chosen(context: EvaluationContext) -> list[int]:
    """The classes that are held out."""
    k = len(context.spec.classes)
    if k < 2:
        raise NotMeasured(f"expected at least 2 classes, one of them to hold out, got {k}")
    return np.unique(np.linspace(0, k - 1, min(k, CLASSES)).round().astype(int)).tolist()


def _held_out(context: EvaluationContext, label: int) -> HeldOut:
    """The images of one round. They depend on the data set alone, not on the method or the seed."""
    fit, test = context.scale.encoded
    train = context.dataset.train.labels[:fit]
    order = torch.randperm(fit, generator=generator("cpu", "anomaly"))
    others = order[train[order] != label][:FIT]
    positive = context.dataset.test.labels[:test] == label
    name = context.spec.classes[label]
    if not positive.any():
        raise NotMeasured(f"class {name!r}: expected test images, got none of {test:,}")
    if len(others) < NEIGHBOURS:
        raise NotMeasured(
            f"class {name!r}: expected at least {NEIGHBOURS} training images of other classes, got {len(others)}"
        )
    return HeldOut(others.numpy(), positive.numpy())


def _pixels(context: EvaluationContext, rounds: Sequence[HeldOut]) -> float:
    """The mean area that pixels alone have: the same for all methods."""
    protocol = (*context.scale.encoded, CLASSES, FIT, SIDE, COMPONENTS)
    make = lambda: _pixel_areas(context, rounds)  # noqa: E731
    return float(context.cached("anomaly-pixels", "", (context.dataset.digest, repr(protocol)), make).mean())


def _pixel_areas(context: EvaluationContext, rounds: Sequence[HeldOut]) -> NDArray[np.float64]:
    fit, test = context.scale.encoded
    train, unseen = (
        thumbnails(images, SIDE).astype(np.float32)
        for images in (context.dataset.train.images[:fit], context.dataset.test.images[:test])
    )
    return auroc(rounds, train, unseen, reconstruction_errors)
