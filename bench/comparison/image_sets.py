"""A set of images from a folder, a zip file, a file of NumPy or an array, as uint8 (n, c, h, h)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.api import Pixels
from bench.data.archive import Archive, open_archive
from bench.data.images import decode, read_header
from bench.data.resize import check_size, resize
from bench.errors import BenchError

Source = str | Path | NDArray[np.uint8] | Tensor
ARRAYS = (".npy", ".npz")
NAMES = ("images", "samples", "arr_0")  # of the array in a .npz, if it holds several
THREADS = 4


@dataclass(frozen=True)
class ImageSet:
    """The images of one source; `files` of a folder or a zip, in the order of the images."""

    name: str
    pixels: Pixels
    files: tuple[str, ...] = ()


def read_images(source: Source, what: str, size: int | None = None) -> ImageSet:
    """All images of a source, in colour if one of them is.

    Images keep their size, which must be the same for all and square; with `size` they are cropped to their centre
    square and resized to it. Raises `BenchError` for a source that is missing, empty or mixed, and for arrays that are
    not uint8. `what` names the source in errors.
    """
    check_size(size)
    if not isinstance(source, str | Path):
        return ImageSet(what, _of_array(source, what, size))
    path = Path(source).expanduser()
    if path.suffix.lower() in ARRAYS and path.is_file():
        return ImageSet(str(source), _of_array(_load(path), str(source), size))
    return _of_archive(open_archive(path), size)


def in_common_format(first: ImageSet, second: ImageSet) -> tuple[Pixels, Pixels]:
    """The images of both with equal channels. Raises `BenchError` if their sizes differ."""
    sides = first.pixels.shape[-1], second.pixels.shape[-1]
    if sides[0] != sides[1]:
        raise BenchError(
            f"expected images of one size, got {sides[0]} pixels in {first.name} and {sides[1]} in {second.name}; "
            "give a size to resize both to"
        )
    channels = max(first.pixels.shape[1], second.pixels.shape[1])
    a, b = (it.pixels.expand(-1, channels, -1, -1) for it in (first, second))
    return a, b


def _of_archive(archive: Archive, size: int | None) -> ImageSet:
    files = archive.files
    if not files:
        raise BenchError(f"{archive.path} has no images")
    headers = _parallel(lambda file: read_header(archive.read(file), str(archive.path / file)), files)
    channels = 1 if all(gray for gray, _ in headers) else 3
    sides = {side for _, side in headers}
    if size is None and len(sides) > 1:
        raise BenchError(
            f"expected images of one size in {archive.path}, got smaller sides from {min(sides)} to {max(sides)} pixels; "
            "give a size to resize all to"
        )
    side = size or sides.pop()
    decoded = _parallel(lambda file: decode(archive.read(file), str(archive.path / file), channels, side), files)
    return ImageSet(str(archive.path), torch.from_numpy(np.stack(decoded)), tuple(files))


def _parallel(work: Any, files: Sequence[str]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, files))


def _load(path: Path) -> NDArray[Any]:
    """The array of a file of NumPy."""
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            names = [name for name in NAMES if name in found.files] or found.files
            if len(names) > 1 and names[0] not in NAMES:
                raise BenchError(f"{path}: expected one array, or one named {', '.join(NAMES)}; got {', '.join(names)}")
            return np.asarray(found[names[0]])
    except (OSError, ValueError, IndexError) as error:
        raise BenchError(f"{path} is not a file of NumPy with images: {error}") from error


def _of_array(array: object, what: str, size: int | None) -> Pixels:
    pixels = np.asarray(array.detach().cpu() if isinstance(array, Tensor) else array)
    if pixels.dtype != np.uint8:
        raise BenchError(
            f"{what}: expected images of type uint8, got {pixels.dtype}; bench.quantize converts floats in [0, 1]"
        )
    pixels = _channels_first(pixels, what)
    if not len(pixels):
        raise BenchError(f"{what} has no images")
    if pixels.shape[2] != pixels.shape[3]:
        raise BenchError(f"{what}: expected square images, got {pixels.shape[2]} x {pixels.shape[3]}")
    return torch.from_numpy(np.ascontiguousarray(pixels if size is None else resize(pixels, size)))


def _channels_first(pixels: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """(n, h, w), (n, h, w, c) or (n, c, h, w) to (n, c, h, w), c 1 or 3."""
    if pixels.ndim == 3:
        return pixels[:, None]
    if pixels.ndim == 4 and pixels.shape[1] in (1, 3):
        return pixels
    if pixels.ndim == 4 and pixels.shape[3] in (1, 3):
        return pixels.transpose(0, 3, 1, 2)
    raise BenchError(
        f"{what}: expected images of shape (n, h, w), (n, h, w, c) or (n, c, h, w) with 1 or 3 channels, got {pixels.shape}"
    )
