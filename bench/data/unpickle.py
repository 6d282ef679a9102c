"""Read a pickle of lists, dicts, bytes, numbers and NumPy arrays, and refuse every other: nothing in it is called.

Calls of NumPy are replaced by placeholders that record their arguments. Arrays are then built from these records, of
plain numbers and only if all of their bytes are present. NumPy's own functions are not safe: a dtype with a forged
state turns bytes into pointers. The opcodes are checked first, because a pickle of ten bytes may allocate all memory.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.files import parsing
from bench.errors import BenchError

TUPLES = frozenset(("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"))
PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
OTHERS = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING "
    "BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE "
    "BINUNICODE8 EMPTY_LIST APPEND APPENDS LIST EMPTY_DICT DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD "
    "PERSID BINPERSID"
)


def unpickle(data: bytes, name: str) -> Any:
    """The value of a pickle, with NumPy arrays as the value itself or as values of a dict. `name` is for errors.

    Raises `BenchError` for a pickle that is broken, or that refers to anything but NumPy arrays.
    """
    with parsing(name, "pickle"):
        _check_opcodes(data, name)
        value = Unpickler(io.BytesIO(data), name).load()
        if isinstance(value, dict):
            return {key: _finished(item) for key, item in value.items()}
        return _finished(value)


def _check_opcodes(data: bytes, name: str) -> None:
    """Refuse opcodes that make a small pickle large: distant memo entries, and tuples that are used repeatedly."""
    known = TUPLES | GETS | frozenset(OTHERS.split())
    memo: dict[int, bool] = {}  # whether the entry is a tuple
    after = ""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in PUTS:
            place = len(memo) if argument is None else argument
            if place > len(memo) + 1:
                raise BenchError(f"{name} is refused: its pickle stores memo entry {place} after {len(memo)} others")
            memo[place] = after in TUPLES
        elif opcode.name not in known or (opcode.name in GETS and memo.get(argument or 0)):
            raise BenchError(f"{name} is refused: its pickle uses {opcode.name} in a way that no array needs")
        after = opcode.name


class Unpickler(pickle.Unpickler):
    """An unpickler that knows only the constructors of NumPy arrays, and replaces them by placeholders."""

    def __init__(self, file: io.BytesIO, name: str) -> None:
        super().__init__(file, encoding="bytes")
        self._name, self._allowed = name, _allowed()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._allowed[module, name]
        except KeyError:
            target = f"{module}.{name}"[:100].encode("unicode_escape").decode()
            raise BenchError(f"{self._name} is refused: its pickle refers to {target}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise BenchError(f"{self._name} is refused: its pickle refers to a persistent object")


class _Call:
    """A function that a pickle may call, without access to its attributes."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


def _allowed() -> dict[tuple[str, str], _Call]:
    functions = {("_codecs", "encode"): _Call(_encode), ("numpy", "dtype"): _Call(_Dtype)}
    functions["numpy", "ndarray"] = _Call(_Array)
    for core in ("numpy.core", "numpy._core"):  # the name before NumPy 2, and after
        functions[f"{core}.multiarray", "_reconstruct"] = _Call(lambda kind, shape, code: _Array())
        functions[f"{core}.numeric", "_frombuffer"] = _Call(_Array)
    return functions


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 pickles bytes for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encoding {encoding!r} is not allowed")
    return text.encode("latin1")


class _Dtype:
    """The record of a dtype: plain numbers only."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        self.code, self.order = _text(code), "|"
        if not re.fullmatch("[biuf][1248]", self.code):
            raise ValueError(f"expected arrays of plain numbers, got {self.code[:100]!r}")

    def __setstate__(self, state: Any) -> None:
        self.order = _text(state[1])
        if self.order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise ValueError("expected a dtype of plain numbers, got one with parts")


class _Array:
    """The record of an array: its bytes, dtype, shape and order, as the arguments of `_frombuffer`."""

    def __init__(self, raw: Any = None, dtype: Any = None, shape: Any = None, order: Any = "C") -> None:
        self.record = raw, dtype, shape, order

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, raw = state
        self.record = raw, dtype, shape, "F" if by_columns else "C"

    def finished(self) -> NDArray[Any]:
        """The array itself. Raises ValueError unless the number of bytes is that of dtype and shape."""
        raw, dtype, shape, order = self.record
        if not (isinstance(raw, bytes | bytearray) and isinstance(dtype, _Dtype) and isinstance(shape, tuple)):
            raise ValueError("expected an array with bytes, dtype and shape")
        kind = np.dtype(dtype.order + dtype.code)
        if not all(type(side) is int and side >= 0 for side in shape) or math.prod(shape) * kind.itemsize != len(raw):
            raise ValueError(f"an array of {kind} has {len(raw)} bytes, which does not match its shape")
        return np.ndarray(shape, kind, raw, order="F" if _text(order) == "F" else "C")


def _text(value: Any) -> str:
    """A string, which Python 2 may have written as bytes."""
    return value.decode("latin1") if isinstance(value, bytes) else str(value) if isinstance(value, str) else ""


def _finished(value: Any) -> Any:
    return value.finished() if isinstance(value, _Array) else value
