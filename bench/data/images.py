"""Image files of any size and mode, decoded to square uint8 arrays by Pillow, from a list of safe formats."""

import hashlib
import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from bench.errors import BenchError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
WIDE = (0, 65535)  # the values of 16 bits
GRAY_WITH_ALPHA = bytes((16, 4))  # bits and colour type in the header of a PNG, which Pillow opens as colour
MAX_PIXELS = 2**26  # in one image, before it is decoded
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})  # chunks of a PNG that do not matter for its pixels
TURNS: dict[object, Image.Transpose] = dict(enumerate((
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90,
), start=2))  # fmt: skip
GRAY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})


def read_header(data: bytes, name: str) -> tuple[bool, int]:
    """Whether an image is gray, and its smaller side in pixels, from its header alone.

    Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        return image.mode in GRAY_MODES or _is_gray_with_alpha(data), min(image.size)


def highest_value(data: bytes, name: str) -> int | None:
    """The largest value of an image file of 16 bits; None for one of other bits. Raises `BenchError` that names the file."""
    with _open(data, name) as image:
        if not image.mode.startswith("I"):
            return None
        try:
            return int(np.asarray(image).max())
        except Exception as error:  # decoders raise anything
            raise BenchError(f"{name} is not a valid image: {_reason(error)}") from error


def decode(data: bytes, name: str, channels: int, size: int, levels: tuple[int, int] = WIDE) -> NDArray[np.uint8]:
    """An image file as uint8 (channels, size, size): turned upright, on white, cropped to its centre square, resized.

    levels: the values of 16-bit images that become 0 and 255. Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        try:
            image.load()
            plain = _to_mode(_upright(image), "L" if channels == 1 else "RGB", levels)
            square = _centre_square(plain, size)
        except Exception as error:  # decoders raise anything
            raise BenchError(f"{name} is not a valid image: {_reason(error)}") from error
    pixels = np.asarray(square)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def content_digest(data: bytes, name: str) -> str:
    """SHA-256 of the pixels of an image file, turned upright, whatever its format and metadata.

    Raises `BenchError` that names the file.
    """
    with _open(data, name) as image:
        try:
            image.load()
            plain = _upright(image)
            plain = plain if plain.mode.startswith(("I", "F")) else plain.convert("RGBA")
            pixels = plain.tobytes()
        except Exception as error:  # decoders raise anything
            raise BenchError(f"{name} is not a valid image: {_reason(error)}") from error
    return hashlib.sha256(f"{plain.mode}{plain.size}".encode() + pixels).hexdigest()


def _open(data: bytes, name: str) -> Image.Image:
    """Read the header only. Raises `BenchError` for a file that is not an image, and for one with too many pixels."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about metadata, which are not used
    try:
        image = Image.open(io.BytesIO(without_texts(data)), formats=FORMATS)
    except UnidentifiedImageError as error:
        if kind := _unread_kind(data):
            raise BenchError(f"{name} is {kind}, which is not read; save it as PNG or JPEG") from error
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


def without_texts(data: bytes) -> bytes:
    """A PNG without its texts and colour profile, which may be broken or large; any other file unchanged."""
    if not data.startswith(PNG):
        return data
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] not in TEXTS:
            kept.append(data[place:end])
        place = end
    return b"".join((*kept, data[place:]))


def _is_gray_with_alpha(data: bytes) -> bool:
    return data.startswith(PNG) and data[24:26] == GRAY_WITH_ALPHA


def _unread_kind(data: bytes) -> str:
    """The name of a format of images that is not among `FORMATS`, or ""."""
    brands = data[8:40] if data[4:8] == b"ftyp" else b""
    heads = {b"\0\0\0\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000", b"\0\0\0\x0cJXL ": "JPEG XL",
             b"\xff\x0a": "JPEG XL", b"8BPS": "Photoshop", b"%PDF": "PDF", b"<svg": "SVG"}  # fmt: skip
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")):
        return "HEIC"
    return next((kind for head, kind in heads.items() if data.startswith(head)), "")


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation says; an orientation that cannot be read counts as none."""
    try:
        turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # parsers of broken metadata raise anything
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_mode(image: Image.Image, mode: str, levels: tuple[int, int] = WIDE) -> Image.Image:
    """The image in mode L or RGB. Transparent pixels become white, 16 bits become 8. Raises for float images."""
    if image.mode == "F":
        raise BenchError("float images have no fixed range; save them as 8 or 16 bits")
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise BenchError(f"expected values of 16 bits, got {wide.min()} to {wide.max()}")
        low, high = levels
        scaled = (np.clip(wide, low, high) - low) * 255 / (high - low)
        scaled[wide == image.info.get("transparency", -1)] = 255
        image = Image.fromarray(np.floor(scaled + 0.5).astype(np.uint8))
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
