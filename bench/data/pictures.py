"""Image files of any size and mode, decoded to square uint8 arrays. Pillow decodes, from a list of safe formats."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import BenchError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 2**26  # in one image, before it is decoded
GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})


def glance(data: bytes, name: str) -> tuple[bool, int]:
    """Whether an image is gray, and its smaller side in pixels: from its header alone."""
    with _open(data, name) as image:
        return image.mode in GRAY_MODES, min(image.size)


def decode(data: bytes, name: str, channels: int, size: int) -> NDArray[np.uint8]:
    """An image file as (channels, size, size): turned upright, over white, cut to its centre square, resized.

    Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            plain = _to_mode(image, "L" if channels == 1 else "RGB")
            square = _centre_square(plain, size)
        except Exception as error:  # decoders raise anything
            raise BenchError(f"{name} is not a whole image: {_reason(error)}") from error
    pixels = np.asarray(square)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header only. Raises `BenchError` for what is no image, or one that would fill the memory."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise BenchError(f"{name} is not an image ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise BenchError(f"{name} is too large, at most {MAX_PIXELS} pixels are decoded") from error
    except Exception as error:
        raise BenchError(f"{name} is not a whole image: {_reason(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        raise BenchError(f"{name} has {image.width} x {image.height} pixels, at most {MAX_PIXELS} are decoded")
    return image


def _to_mode(image: Image.Image, mode: str) -> Image.Image:
    """L or RGB. What is transparent shows white; 16 bits become 8; float images have no known range."""
    if image.mode == "F":
        raise BenchError("float images have no fixed range; save them as 8 or 16 bits")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise BenchError(f"values from {wide.min()} to {wide.max()} do not fit 16 bits")
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))  # 65535 = 257 * 255
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == mode else image.convert(mode)


def _centre_square(image: Image.Image, size: int) -> Image.Image:
    """Cut the largest centred square and resize it: bicubic with antialiasing."""
    side = min(image.size)
    if image.size != (side, side):
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return image if side == size else image.resize((size, size), Image.Resampling.BICUBIC)


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
