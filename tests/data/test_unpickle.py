"""The restricted unpickler."""

import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.unpickle import unpickle
from bench.errors import BenchError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=5), inner, max_size=4),
    max_leaves=8,
)


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_survive_every_protocol(protocol: int):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    content = unpickle(pickle.dumps({b"data": array, b"labels": [1, 2]}, protocol), "x")
    assert (content[b"data"] == array).all()
    assert content[b"labels"] == [1, 2]


def test_a_pickle_by_python_2_and_an_old_numpy_is_read():
    written = (
        b"\x80\x02}q\x01(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89U\x06\x01\x02\x03\xfa\xfb\xfctbU\x06labels](K\x07K\x08eu."
    )
    content = unpickle(written, "x")
    assert content[b"data"].tolist() == [[1, 2, 3], [250, 251, 252]]
    assert content[b"labels"] == [7, 8]


@given(PLAIN, st.integers(3, pickle.HIGHEST_PROTOCOL))
def test_plain_values_survive(value: object, protocol: int):
    assert unpickle(pickle.dumps(value, protocol), "x") == value


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(os.system, ("touch owned",)), (subprocess.Popen, (["touch", "owned"],)), (eval, ("open('owned', 'w')",))],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_call_is_refused_and_not_made(
    function: object, arguments: tuple[object, ...], protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    attack = pickle.dumps({b"data": Call(function, *arguments)}, protocol)
    with pytest.raises(BenchError, match="x is refused: its pickle refers to"):
        unpickle(attack, "x")
    assert not (tmp_path / "owned").exists()
    pickle.loads(attack)  # it would have worked
    if function is not subprocess.Popen:
        assert (tmp_path / "owned").exists()


@given(st.text(st.characters(codec="ascii", exclude_characters="\n"), min_size=1), st.text(min_size=1))
def test_every_other_name_is_refused(module: str, name: str):
    attack = pickle.PROTO + b"\x04" + pickle.dumps(module)[11:-2] + pickle.dumps(name)[11:-2] + pickle.STACK_GLOBAL
    with pytest.raises(BenchError):
        unpickle(attack + b".", "x")


@pytest.mark.parametrize("name", ["load", "memmap", "fromfile", "core.multiarray\nfromfile", "testing\nrundocs"])
def test_the_rest_of_numpy_is_refused(name: str):
    module, _, function = f"numpy\n{name}".replace("numpy\ncore", "numpy.core").rpartition("\n")
    attack = b"c" + module.replace("\n", ".").encode() + b"\n" + function.encode() + b"\n."
    with pytest.raises(BenchError, match="refers to"):
        unpickle(attack, "x")


def test_a_reference_to_an_outside_object_is_refused():
    with pytest.raises(BenchError, match="persistent object"):
        unpickle(b"Pinner\n.", "x")


@given(st.binary(max_size=200))
def test_noise_is_a_value_or_a_sentence(content: bytes):
    sentence = "x"
    try:
        unpickle(content, "x")
    except BenchError as error:
        sentence = str(error)
    assert sentence.startswith("x")
    assert "\n" not in sentence


@given(st.data())
def test_a_truncated_pickle_is_a_sentence(data: st.DataObject):
    content = pickle.dumps({b"data": np.zeros((3, 4), dtype=np.uint8), b"labels": [0, 1, 2]}, 2)
    with pytest.raises(BenchError, match="x is not a valid pickle"):
        unpickle(content[: data.draw(st.integers(0, len(content) - 1))], "x")
