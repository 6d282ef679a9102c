"""Image files of any size and mode, decoded to square uint8 arrays by Pillow, from a list of safe formats."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import BenchError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 2**26  # in one image, before it is decoded
GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})


def read_header(data: bytes, name: str) -> tuple[bool, int]:
    """Whether an image is gray, and its smaller side in pixels, from its header alone.

    Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        return image.mode in GRAY_MODES, min(image.size)


def decode(data: bytes, name: str, channels: int, size: int) -> NDArray[np.uint8]:
    """An image file as uint8 (channels, size, size): turned upright, on white, cropped to its centre square, resized.

    Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            plain = _to_mode(image, "L" if channels == 1 else "RGB")
            square = _centre_square(plain, size)
        except Exception as error:  # decoders raise anything
            raise BenchError(f"{name} is not a valid image: {_reason(error)}") from error
    pixels = np.asarray(square)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header only. Raises `BenchError` for a file that is not an image, and for one with too many pixels."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BenchError(f"{name} is not an image ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise BenchError(f"{name} is too large: expected at most {MAX_PIXELS} pixels") from error
    except Exception as error:
        raise BenchError(f"{name} is not a valid image: {_reason(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        raise BenchError(
            f"{name} is too large: expected at most {MAX_PIXELS} pixels, got {image.width} x {image.height}"
        )
    return image


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    """The image in mode L or RGB. Transparent pixels become white, 16 bits become 8. Raises for float images."""
    if image.mode == "F":
        raise BenchError("float images have no fixed range; save them as 8 or 16 bits")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise BenchError(f"expected values of 16 bits, got {wide.min()} to {wide.max()}")
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))  # 65535 = 257 * 255
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def _centre_square(image: Image.Image, size: int) -> Image.Image:
    """Crop the largest centred square and resize it: bicubic with antialiasing."""
    side = min(image.size)
    if image.size != (side, side):
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image if side == size else image.resize((size, size), Image.Resampling.BICUBIC)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
