"""Image files of all sizes and modes."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from bench.data import images
from bench.data.images import decode, highest_value, read_header
from bench.data.resize import resize
from bench.errors import BenchError


def save(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def flat(mode: str, colour: object, size: tuple[int, int] = (40, 30)) -> bytes:
    return save(Image.new(mode, size, colour))  # type: ignore[arg-type]


def palette() -> Image.Image:
    image = Image.new("P", (40, 30), 0)
    image.putpalette([200, 10, 10] + [0] * 765)
    return image


def middle(data: bytes, channels: int = 3) -> list[int]:
    return decode(data, "x.png", channels, 16)[:, 8, 8].tolist()


@pytest.mark.parametrize(
    ("data", "gray", "colour"),
    [
        (flat("1", 1), True, [255]),
        (flat("L", 100), True, [100]),
        (flat("LA", (100, 255)), True, [100]),
        (flat("LA", (0, 0)), True, [255]),
        (flat("I;16", 65535), True, [255]),
        (flat("I;16", 257 * 100), True, [100]),
        (flat("RGB", (1, 2, 3)), False, [1, 2, 3]),
        (flat("RGBA", (10, 20, 30, 255)), False, [10, 20, 30]),
        (flat("RGBA", (10, 20, 30, 0)), False, [255, 255, 255]),
        (flat("RGBA", (0, 0, 0, 51)), False, [204, 204, 204]),
        (save(palette()), False, [200, 10, 10]),
        (save(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "TIFF"), False, [255, 0, 0]),
        (save(Image.new("I;16B", (40, 30), 257 * 7), "TIFF"), True, [7]),
    ],
)
def test_every_mode_shows_its_colour(data: bytes, gray: bool, colour: list[int]):
    assert read_header(data, "x.png") == (gray, 30)
    assert middle(data, 1 if gray else 3) == colour
    if gray:
        assert middle(data) == colour * 3


def test_a_transparent_palette_colour_shows_white():
    assert middle(save(palette(), transparency=0)) == [255, 255, 255]


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_every_format_is_read(kind: str):
    got = middle(save(Image.new("RGB", (40, 30), (250, 130, 10)), kind))
    assert np.abs(np.array(got) - [250, 130, 10]).max() <= (60 if kind == "GIF" else 4)


def test_a_photograph_is_turned_upright():
    pixels = np.zeros((30, 40, 3), dtype=np.uint8)
    pixels[:, 20:] = 255  # white on the right
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned: to be shown turned by 90 degrees clockwise
    data = save(Image.fromarray(pixels), "JPEG", exif=exif, quality=95)
    shown = decode(data, "x.jpg", 1, 16)[0]
    assert shown[14].mean() > 250  # white at the bottom
    assert shown[1].mean() < 5


@pytest.mark.parametrize("shape", [(60, 30), (30, 60)])
def test_the_centre_is_kept(shape: tuple[int, int]):
    pixels = np.zeros(shape, dtype=np.uint8)
    pixels[shape[0] // 2 - 15 : shape[0] // 2 + 15, shape[1] // 2 - 15 : shape[1] // 2 + 15] = 200
    assert (decode(save(Image.fromarray(pixels)), "x.png", 1, 30) == 200).all()


def test_files_and_arrays_are_resized_alike():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1, 3, 48, 48), dtype=np.uint8)
    data = save(Image.fromarray(pixels[0].transpose(1, 2, 0)))
    for size in (16, 48, 80):
        difference = decode(data, "x.png", 3, size).astype(int) - resize(pixels, size)[0]
        assert np.abs(difference).max() <= 1


def test_resizing_keeps_a_flat_image_flat():
    assert (resize(np.full((2, 1, 28, 28), 77, dtype=np.uint8), 64) == 77).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_a_truncated_image_is_named(kind: str, keep: float):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = save(noise, kind)
    with pytest.raises(BenchError, match=r"^cat\.img is not (a valid image|an image)"):
        decode(data[: int(keep * len(data))], "cat.img", 3, 32)


@pytest.mark.parametrize("data", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\x89PNG\r\n"])
def test_a_file_that_is_not_an_image_is_named(data: bytes):
    with pytest.raises(BenchError, match=r"^notes\.png is not an image"):
        read_header(data, "notes.png")


def bomb(width: int, height: int) -> bytes:
    """A PNG header that claims width * height pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_200, 20_000, 100_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_pixel_bomb_is_refused_from_its_header(side: int):
    with pytest.raises(BenchError, match=rf"^big\.png is too large: expected at most {images.MAX_PIXELS}"):
        read_header(bomb(side, side), "big.png")


def test_a_float_image_is_refused_as_it_has_no_range():
    data = save(Image.fromarray(np.ones((20, 20), dtype=np.float32)), "TIFF")
    with pytest.raises(BenchError, match=r"x\.tif is not a valid image: float images have no fixed range"):
        decode(data, "x.tif", 1, 16)


def test_a_broken_field_of_exif_does_not_refuse_a_photograph():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (40, 40), "white")
    image.paste((255, 0, 0), (0, 0, 40, 20))
    fields = b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x01\x1a\0\x0a\0\0\0\x01\0\0\0&\0\0\0\0"
    data = save(image, "JPEG", exif=fields + b"\xff\xff\xff\xff\0\0\0\0")
    shown = decode(data, "x.jpg", 3, 40)
    assert shown[1, :, 25:].max() < 90  # red is on the right now
    assert shown[1, :, :15].min() > 200


def test_a_broken_or_large_text_does_not_refuse_a_png():
    plain = save(Image.new("L", (20, 20), 7), "PNG")
    for text in (b"Comment\0\0" + zlib.compress(bytes(2**27)), b"Comment\0\0broken"):
        chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
        assert (decode(plain[:33] + chunk + plain[33:], "x.png", 1, 20) == 7).all()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ],
)
def test_an_image_of_another_format_is_told_as_what_it_is(head: bytes, kind: str):
    with pytest.raises(BenchError, match=rf"^photo\.jpg is {kind}, which is not read"):
        read_header(head + bytes(100), "photo.jpg")


def png(bits: int, colour: int, samples: bytes, extra: bytes = b"") -> bytes:
    """A PNG of 2 x 2 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    half = len(samples) // 2
    rows = b"\0" + samples[:half] + b"\0" + samples[half:]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_the_transparent_value_of_16_bits_is_white():
    trns = (
        struct.pack(">I", 2)
        + b"tRNS"
        + struct.pack(">H", 5)
        + struct.pack(">I", zlib.crc32(b"tRNS" + struct.pack(">H", 5)))
    )
    data = png(16, 0, struct.pack(">4H", 0, 5, 65535, 5), trns)
    assert decode(data, "x.png", 1, 2).tolist() == [[[0, 255], [255, 255]]]


def test_gray_of_16_bits_with_alpha_is_gray():
    data = png(16, 4, struct.pack(">8H", *(0, 65535) * 4))
    assert read_header(data, "x.png") == (True, 2)
    assert decode(data, "x.png", 1, 2).tolist() == [[[0, 0], [0, 0]]]


def test_levels_are_black_and_white_and_clip_what_lies_beyond():
    data = png(16, 0, struct.pack(">4H", 0, 100, 150, 300))
    assert decode(data, "x.png", 1, 2, (100, 200)).tolist() == [[[0, 0], [128, 255]]]
    assert highest_value(data, "x.png") == 300
    assert highest_value(png(8, 0, bytes(4)), "x.png") is None
