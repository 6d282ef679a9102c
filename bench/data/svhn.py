"""Street View House Numbers, format 2 (cropped digits), from the published MATLAB files."""

from pathlib import Path

import numpy as np

from bench.api import Spec
from bench.data.builder import Arrays, DatasetBuilder, from_arrays
from bench.data.files import Published, parsing
from bench.data.source import FileSource
from bench.errors import BenchError

URL = "http://ufldl.stanford.edu/housenumbers"
LIMIT = 1_000_000  # images of one file; the largest published one has 531,131
INTEGERS_OR_DOUBLES = frozenset(
    ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "single", "double")
)


def read_mat(path: Path) -> Arrays:
    """Images and labels from X, uint8 (32, 32, 3, n), and y, (n, 1), in which 10 stands for the digit 0.

    Raises `BenchError` for a broken file.
    """
    from scipy.io import loadmat

    _check_header(path)
    with parsing(path, "MATLAB file"):
        content = loadmat(path, variable_names=["X", "y"])
        images, labels = content["X"], np.asarray(content["y"]).astype(np.int64).ravel()
    if labels.min() < 1 or labels.max() > 10:
        raise BenchError(f"{path}: expected labels y in 1..10, got {labels.min()} to {labels.max()}")
    return Arrays(images.transpose(3, 2, 0, 1), labels % 10)


def _check_header(path: Path) -> None:
    """Refuse variables of other types or shapes before memory is allocated for them."""
    from scipy.io import whosmat

    with parsing(path, "MATLAB file"):
        held = whosmat(path)
    found = [(name, shape, kind) for name, shape, kind in held if name in ("X", "y")]
    shapes = {name: (shape, kind) for name, shape, kind in found}
    if len(found) != 2 or len(shapes) != 2:
        got = ", ".join(name for name, _, _ in found) or "neither"
        raise BenchError(f"{path} is not a valid MATLAB file: expected X and y once each, got {got}")
    (shape, kind), (label_shape, label_kind) = shapes["X"], shapes["y"]
    n = shape[-1]
    if kind != "uint8" or shape != (32, 32, 3, n) or not 0 < n <= LIMIT:
        raise BenchError(f"{path}: expected X as uint8 of shape (32, 32, 3, n), n at most {LIMIT}, got {kind} {shape}")
    if label_kind not in INTEGERS_OR_DOUBLES or label_shape not in ((n, 1), (1, n)):
        raise BenchError(f"{path}: expected y as numbers of shape ({n}, 1), got {label_kind} {label_shape}")


class Svhn(FileSource):
    name = "svhn"
    source = "Netzer et al. 2011, http://ufldl.stanford.edu/housenumbers (non-commercial use)"
    judge_floor = 0.8
    files = (
        Published(
            "train_32x32.mat",
            (f"{URL}/train_32x32.mat",),
            "sha256:435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            182,
        ),
        Published(
            "test_32x32.mat",
            (f"{URL}/test_32x32.mat",),
            "sha256:cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            64,
        ),
    )

    def builder(self, size: int | None) -> DatasetBuilder:
        train, test = (read_mat(self.path(file)) for file in self.files)
        return from_arrays(Spec(self.name, 3, size or 32, tuple("0123456789")), train, test)
