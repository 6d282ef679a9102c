"""The cache of real features: keyed by content, intact or computed again."""

import numpy as np
import pytest

from bench.metrics.cache import Cache


class Maker:
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> np.ndarray:
        self.calls += 1
        return np.arange(6, dtype=np.float32).reshape(2, 3)


def test_an_array_is_computed_once_and_read_back_unchanged(tmp_path):
    make = Maker()
    first, second = (Cache(tmp_path).get("features", ("a", "b"), make) for _ in range(2))
    assert make.calls == 1
    assert first.dtype == second.dtype
    assert np.array_equal(first, second)


def test_other_parts_are_other_entries(tmp_path):
    make = Maker()
    for parts in (("a",), ("b",), ("a", "b"), ("a",)):
        Cache(tmp_path).get("features", parts, make)
    assert make.calls == 3


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_corrupt_entry_is_computed_again(tmp_path, damage):
    make = Maker()
    Cache(tmp_path).get("features", ("a",), make)
    (path,) = tmp_path.rglob("*.npy")
    path.write_bytes(path.read_bytes()[:-1] + b"\xff" if damage is None else damage)
    assert np.array_equal(Cache(tmp_path).get("features", ("a",), make), make())
    assert make.calls == 3
    Cache(tmp_path).get("features", ("a",), make)
    assert make.calls == 3


def test_without_a_folder_nothing_is_kept():
    make = Maker()
    for _ in range(2):
        Cache(None).get("features", ("a",), make)
    assert make.calls == 2
