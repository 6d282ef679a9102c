"""What the public functions on features accept, and the sentence about anything else."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from bench.errors import BenchError


def as_features(value: ArrayLike, name: str) -> NDArray[Any]:
    """Features (n, d) as float32, or float64 if they are that: of tensors of any device, type of float and gradient.

    Raises `BenchError` for another shape, and for what is not a real number.
    """
    plain = value.detach().cpu() if isinstance(value, Tensor) else value
    plain = plain.float() if isinstance(plain, Tensor) and plain.element_size() < 4 else plain
    try:
        array = np.asarray(plain)
    except ValueError as error:  # rows of different lengths
        raise BenchError(f"{name}: expected features of shape (n, d), got {error}") from error
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise BenchError(f"{name}: expected numbers of shape (n, d), got {array.dtype} of shape {array.shape}")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)
