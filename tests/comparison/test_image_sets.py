"""Images from folders, zip files, files of NumPy and arrays: the same pixels, or a sentence."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bench import BenchError
from bench.comparison.image_sets import ImageSet, in_common_format, read_images

GRAY = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def save(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("images", [GRAY, COLOUR], ids=["gray", "colour"])
def test_a_folder_a_zip_and_files_of_numpy_hold_the_same_images(tmp_path, images):
    folder = save(tmp_path / "folder" / "below", images)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"x/{path.name}")
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "images.npz", labels=np.zeros(5), images=images)
    expected = torch.from_numpy(images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2))
    for name in ("folder", "images.zip", "images.npy", "images.npz"):
        assert torch.equal(read_images(tmp_path / name, "the samples").pixels, expected), name
        assert torch.equal(read_images(str(tmp_path / name), "the samples").pixels, expected)


def test_arrays_and_tensors_may_have_channels_first_or_last():
    first = torch.from_numpy(COLOUR).permute(0, 3, 1, 2)
    for array in (COLOUR, first, first.numpy(), torch.from_numpy(COLOUR)):
        assert torch.equal(read_images(array, "the samples").pixels, first)


def test_one_image_in_colour_makes_all_of_a_folder_colour(tmp_path):
    folder = save(tmp_path / "a", GRAY)
    Image.fromarray(COLOUR[0]).save(folder / "z.png")
    pixels = read_images(folder, "the samples").pixels
    assert pixels.shape == (6, 3, 16, 16)
    assert torch.equal(pixels[0, 0], pixels[0, 2])


def test_images_are_resized_only_if_a_size_is_given(tmp_path):
    folder = save(tmp_path / "a", GRAY)
    Image.fromarray(np.zeros((24, 40), np.uint8)).save(folder / "z.png")
    with pytest.raises(BenchError, match=r"images of one size .* smaller sides from 16 to 24 pixels; give a size"):
        read_images(folder, "the samples")
    assert read_images(folder, "the samples", 8).pixels.shape == (6, 1, 8, 8)
    assert read_images(GRAY, "the samples", 8).pixels.shape == (5, 1, 8, 8)


def test_gray_images_are_compared_with_colour_as_three_equal_channels():
    a, b = in_common_format(
        ImageSet("a", torch.from_numpy(GRAY)[:, None]), ImageSet("b", torch.from_numpy(COLOUR).permute(0, 3, 1, 2))
    )
    assert a.shape == b.shape == (5, 3, 16, 16)
    assert torch.equal(a[:, 0], a[:, 2])


def test_sets_of_two_sizes_are_not_compared():
    sets = [ImageSet(name, torch.zeros(2, 1, side, side, dtype=torch.uint8)) for name, side in (("a", 8), ("b", 16))]
    with pytest.raises(BenchError, match="one size, got 8 pixels in a and 16 in b; give a size to resize both to"):
        in_common_format(*sets)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (COLOUR / 255, "expected images of type uint8, got float64; bench.quantize converts floats"),
        (torch.rand(2, 3, 8, 8), "got float32"),
        (GRAY > 0, "got bool"),
        (GRAY[:0], "the samples has no images"),
        (GRAY[:, :, :9], "expected square images, got 16 x 9"),
        (GRAY[0], r"expected images of shape .* got \(16, 16\)"),
        (np.zeros((2, 4, 8, 8), np.uint8), r"with 1 or 3 channels, got \(2, 4, 8, 8\)"),
    ],
)
def test_anything_but_square_images_of_uint8_is_one_sentence(array: Any, message: str):
    with pytest.raises(BenchError, match=message):
        read_images(array, "the samples")


def test_sources_that_are_missing_empty_or_broken_are_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    np.savez(tmp_path / "two.npz", a=GRAY, b=GRAY)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    for name, message in {
        "absent": "no such folder or zip file",
        "empty": "has no images",
        "bad.npz": "is not a file of NumPy with images",
        "two.npz": "expected one array, or one named images, samples, arr_0; got a, b",
        "objects.npy": "is not a file of NumPy with images",
    }.items():
        with pytest.raises(BenchError, match=message):
            read_images(tmp_path / name, "the samples")
