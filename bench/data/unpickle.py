"""Read a pickle of lists, dicts, bytes, numbers and NumPy arrays, and refuse every other: nothing in it is called."""

import io
import pickle
from typing import Any

import numpy as np

from bench.data.files import parsing
from bench.errors import BenchError


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 pickles bytes for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encoding {encoding!r} is not allowed")
    return text.encode("latin1")


def _allowed() -> dict[tuple[str, str], Any]:
    from numpy._core import multiarray, numeric

    functions = {("_codecs", "encode"): _encode, ("numpy", "dtype"): np.dtype, ("numpy", "ndarray"): np.ndarray}
    for core in ("numpy.core", "numpy._core"):  # the name before NumPy 2, and after
        functions[f"{core}.multiarray", "_reconstruct"] = multiarray._reconstruct
        functions[f"{core}.numeric", "_frombuffer"] = numeric._frombuffer  # type: ignore[attr-defined]
    return functions


class Unpickler(pickle.Unpickler):
    """An unpickler that knows only what NumPy arrays are made of."""

    def __init__(self, file: io.BytesIO, name: str) -> None:
        super().__init__(file, encoding="bytes")
        self._name, self._allowed = name, _allowed()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            raise BenchError(f"{self._name} is refused: its pickle asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise BenchError(f"{self._name} is refused: its pickle refers to an object outside of it")


def unpickle(data: bytes, name: str) -> Any:
    """Raises `BenchError` for a pickle that is broken, or that asks for anything but NumPy arrays."""
    with parsing(name, "pickle"):
        return Unpickler(io.BytesIO(data), name).load()
