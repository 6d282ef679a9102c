"""Files and texts as nobody would write them: valid ones with a little damage, and noise."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

LIMITS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1]
NUMBERS = [struct.pack(order + code, limit) for limit in LIMITS for order in "<>" for code in "BHIQ"
           if limit < 2 ** (8 * struct.calcsize(code))]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """One of the files with one to four of: bytes changed, cut out, put in, repeated; a number at its limit; an end."""
    content = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        how = draw(st.sampled_from(["change", "number", "cut out", "put in", "repeat", "end"]))
        length = draw(st.integers(1, 40))
        new = draw(st.sampled_from(NUMBERS)) if how == "number" else draw(st.binary(min_size=1, max_size=8))
        match how:
            case "change" | "number":
                content = content[:at] + new + content[at + len(new) :]
            case "cut out":
                content = content[:at] + content[at + length :]
            case "put in":
                content = content[:at] + new + content[at:]
            case "repeat":
                content = content[: at + length] + content[at:]
            case "end":
                content = content[:at]
    return content


def idx_files() -> list[bytes]:
    pixels = np.arange(48, dtype=np.uint8)
    plain = [bytes([0, 0, 8, 3]) + struct.pack(">3I", 3, 4, 4) + pixels.tobytes()]
    plain.append(bytes([0, 0, 8, 1]) + struct.pack(">I", 48) + pixels.tobytes())
    return plain + [gzip.compress(content, 1, mtime=0) for content in plain]


def pickles() -> list[bytes]:
    batch = {b"data": np.zeros((2, 3072), dtype=np.uint8), b"labels": [0, 1], b"filenames": [b"x", b"y"]}
    small = {b"a": np.arange(3, dtype=">i4"), b"names": [b"c%d" % i for i in range(3)], b"n": [1, 2.5, None, True]}
    return [pickle.dumps(value, protocol) for value in (batch, small) for protocol in range(6)]


OPCODES = sorted(
    {value for name, value in vars(pickle).items() if name.isupper() and type(value) is bytes and len(value) == 1}
)
NAMES = [b"cnumpy\ndtype\n", b"cnumpy\nndarray\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"c_codecs\nencode\n",
         b"cnumpy._core.numeric\n_frombuffer\n", b"cos\nsystem\n", b"cbuiltins\neval\n"]  # fmt: skip
OPERANDS = [b"", b"\x00", b"\x01", b"\xff", b"U\x02u1", b"U\x01O", b"K\x01", b"\n", b"1\n", b"N", b")", b"(", *NUMBERS]
programs = st.lists(st.sampled_from(OPCODES + NAMES + OPERANDS) | st.binary(max_size=3), max_size=30).map(
    lambda parts: b"\x80\x02" + b"".join(parts) + b"."
)


def tars() -> list[bytes]:
    files = []
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
            for name in ("data_batch_1", "ü" * 120, "test_batch"):
                info = tarfile.TarInfo(f"cifar/{name}")
                info.size = 700
                archive.addfile(info, io.BytesIO(b"x" * 700))
        files += [gzip.compress(buffer.getvalue(), 1, mtime=0), buffer.getvalue()]
    return files


def mats() -> list[bytes]:
    from scipy.io import savemat

    content = {"X": np.zeros((32, 32, 3, 2), dtype=np.uint8), "y": np.array([[1], [10]])}
    others = {"X": {"a": 1.0}, "y": np.array(["text", 1], dtype=object)}
    buffers = []
    for what, options in ((content, {}), (content, {"do_compression": True}), (others, {}), (content | {"X": 1}, {"format": "4"})):  # fmt: skip
        buffers.append(io.BytesIO())
        savemat(buffers[-1], what, **options)
    return [buffer.getvalue() for buffer in buffers]


def zips() -> list[bytes]:
    files = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name in ("train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "train/"):
                archive.writestr(name, b"" if name.endswith("/") else b"abc" * 100)
        files.append(buffer.getvalue())
    return files


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def pictures() -> list[bytes]:
    files = []
    for mode, colour in (("RGB", (200, 10, 10)), ("L", 9), ("P", 3), ("RGBA", (1, 2, 3, 4)), ("I;16", 700)):
        for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"):
            buffer = io.BytesIO()
            try:
                Image.new(mode, (9, 7), colour).save(buffer, kind)
            except (OSError, KeyError):
                continue  # that format has no such mode
            files.append(buffer.getvalue())
    return files


numbers = st.sampled_from(["", "0", "-1", "1e999", "nan", "inf", "-inf", "0x10", "1_0", "٣", "9" * 400, "9" * 5000,
                           "1e-320", "true", "none", "1,2,3", ",", "1" + "0" * 308])  # fmt: skip
texts = st.text(max_size=12) | numbers | st.text(st.characters(codec=None, categories=["Cs", "Cc", "Nd"]), max_size=5)
plain_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed_json(draw: st.DrawFn, whole: Any) -> bytes:
    """JSON of a value in which one part is another, or is missing, or of nothing like it."""
    how = draw(st.sampled_from(["other", "replace", "remove", "deep", "noise"]))
    if how == "other":
        return json.dumps(draw(plain_json)).encode()
    if how == "deep":
        return b"[" * 100_000
    if how == "noise":
        return draw(st.binary(max_size=50))
    value = json.loads(json.dumps(whole))
    inner = value
    while isinstance(inner, dict | list) and inner:
        key = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not (isinstance(inner[key], dict | list) and inner[key]) or draw(st.booleans()):
            break
        inner = inner[key]
    if how == "remove":
        del inner[key]
    else:
        inner[key] = draw(plain_json)
    return json.dumps(value).encode()
