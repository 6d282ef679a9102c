"""The page of discovered attributes: what it says, that nothing in a name can harm it, and that it needs no other file."""

import base64
import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.api import Code
from bench.metrics.control.codes import Grid
from bench.metrics.control.discovery import Discovered, Discovery, Found, Moved
from bench.metrics.control.indices import Sweep
from bench.metrics.control.sweeps import Sweeps
from bench.results.discovery_page import discovery_page
from bench.results.discovery_words import discovery_csv, further_attributes, suggested_name
from bench.results.markup import listed
from bench.results.strip import COLOURS, strip
from bench.util.text import shown

VOID = {"meta", "img"}
SPACE = "\N{NO-BREAK SPACE}"
SHADE = Discovered(
    place=1, code=Code("code 1", "continuous", (1,)), live=True, own=Moved("shade", 0.97, 0.98),
    others=(Moved("area", 0.1, 0.31),), perceptual=0.42, pixels=0.05, bound=1.34,
)  # fmt: skip
DEAD = Discovered(
    place=0, code=Code("code 0", "continuous", (0,)), live=False, own=Moved("hue", 0.03, 0.03),
    others=(), perceptual=0.01, pixels=0.002, bound=0.0,
)  # fmt: skip
FOUND = (Found("shade", 1, 0.97), Found("area", 1, 0.1), Found("hue", 0, 0.03))
DISCOVERY = Discovery((SHADE, DEAD), FOUND, {"slant": "hardly varies over real images"}, 20, "factors", "")


class Page(HTMLParser):
    """The elements of a page with their attributes, the text of each, and whether every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of {tag} twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split(" ")).replace("\n", " ")

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def images(codes: int = 2, values: int = 5, size: int = 8, noise: float = 0.0) -> tuple[torch.Tensor, ...]:
    """Smooth images of four contexts, uint8 (4, values, 3, size, size) for each code."""
    rng = torch.Generator().manual_seed(0)
    small = torch.rand((codes * 4 * values, 3, 8, 8), generator=rng)
    smooth = torch.nn.functional.interpolate(small, size=size, mode="bilinear") * 255
    smooth += noise * torch.randn(smooth.shape, generator=rng)
    pixels = smooth.clamp(0, 255).round().to(torch.uint8)
    return tuple(pixels.view(codes, 4, values, 3, size, size))


def sweeps_of(codes: list[Code], pictures: tuple[torch.Tensor, ...]) -> Sweeps:
    grids = tuple(
        Grid(code, torch.linspace(-1, 1, m)[:, None], np.full(m, 1 / m), code.kind == "continuous")
        for code, m in ((code, part.shape[1]) for code, part in zip(codes, pictures, strict=True))
    )
    each = tuple(Sweep(g.code.name, g.values, g.shares, np.zeros((4, len(g.shares), 1)), g.ordered) for g in grids)
    return Sweeps(grids, each, pictures, np.zeros((3, 1), np.float32), len(codes), torch.zeros(4, len(codes)))


SWEEPS = sweeps_of([DEAD.code, SHADE.code], images())


def page(discovery: Discovery = DISCOVERY, sweeps: Sweeps = SWEEPS, method: str = "infogan seed 0") -> str:
    return discovery_page(discovery, sweeps, method, "sprites")


# Words


def test_a_code_is_named_with_its_share():
    assert suggested_name(SHADE) == f"shade, 97{SPACE}%"


def test_a_code_that_moves_nothing_says_what_comes_nearest():
    assert suggested_name(DEAD) == f"no attribute of the oracle (largest: hue, 3{SPACE}%)"


def test_a_code_that_acts_only_with_others_has_no_attribute_by_itself():
    joint = replace(SHADE, own=Moved("shade", 0.01, 0.9))
    assert suggested_name(joint) == f"no attribute by itself (largest: shade, 1{SPACE}%, with other codes 90{SPACE}%)"


def test_further_attributes_are_named():
    assert further_attributes(SHADE) == f"also moves area, 31{SPACE}%"
    assert further_attributes(DEAD) == ""


@pytest.mark.parametrize(
    ("names", "expected"), [([], ""), (["x"], "x"), (["x", "y"], "x and y"), (["x", "y", "z"], "x, y and z")]
)
def test_names_are_listed(names, expected):
    assert listed(names) == expected


# The table


def test_the_table_has_a_row_for_every_code_the_most_noticeable_first():
    first, second = csv.DictReader(discovery_csv(DISCOVERY).splitlines())
    assert first == {
        "rank": "1", "code": "code 1", "kind": "continuous", "live": "yes", "attribute": "shade", "S1": "0.97",
        "ST": "0.98", "also moves": "area", "information (nats)": "1.34", "perceptual change": "0.42", "pixel change": "0.05",
    }  # fmt: skip
    assert (second["rank"], second["code"], second["live"], second["information (nats)"]) == ("2", "code 0", "no", "0")


def test_a_bound_that_is_not_known_is_an_empty_cell():
    [row] = csv.DictReader(discovery_csv(replace(DISCOVERY, codes=(replace(SHADE, bound=None),))).splitlines())
    assert row["information (nats)"] == ""


# The page


def test_the_summary_counts_codes_and_names_what_was_discovered_and_what_was_not():
    words = Page(page()).text
    for sentence in (
        "infogan seed 0 on sprites",
        "1 of 3 attributes discovered: shade. Not discovered: area and hue.",
        "20, of which the 2 that change images most are shown",
        "1 of 2: those with a noticeable effect",
        "a network trained on real images and their true factors",
        "slant",
        "hardly varies over real images",
    ):
        assert sentence in words


def test_the_page_says_that_attributes_are_read_by_morphology():
    assert "morphology: closed formulas" in Page(page(replace(DISCOVERY, oracle="morphology"))).text


def test_every_code_has_its_place_its_measures_and_its_images():
    found = Page(page())
    assert [it["id"] for it in found.all("li")] == ["code-1", "code-2"]
    assert found.text.index("1. code 1, continuous") < found.text.index("2. code 0, continuous")
    for words in (f"1.34{SPACE}nats", f"0.00{SPACE}nats", f"42{SPACE}%", f"5{SPACE}%", "low, -1", "high, 1"):
        assert words in found.text
    assert [it["alt"] for it in found.all("img")] == [
        f"3 rows of 5 images. Along each row code {number} changes: low, -1 to high, 1." for number in (1, 0)
    ]


def test_an_attribute_links_to_its_code_and_one_without_a_code_says_so():
    found = Page(page())
    targets = [it["href"] for it in found.all("a")]
    assert targets == ["#codes", "#code-1", "#code-1"]
    assert {target[1:] for target in targets} <= {it.get("id") for _, it in found.elements}
    assert "none" in found.words


def test_the_order_is_stated_with_a_bound_and_without():
    assert "best be read back from images come first (information)" in page()
    codes = tuple(replace(it, bound=None) for it in DISCOVERY.codes)
    without = Page(page(replace(DISCOVERY, codes=codes, no_bound="the method has no encoder")))
    assert "change images most come first (perceptual change)" in without.text
    assert "Not measured here: the method has no encoder." in without.text
    assert without.words.count("–") == 2
    assert "nats" not in "".join(without.words[without.words.index("Codes") :]).split("Measures")[0]


def test_bars_never_leave_their_track():
    found = Page(page(replace(DISCOVERY, codes=(replace(SHADE, bound=13.8, perceptual=1.0), DEAD))))
    widths = [it["style"] for it in found.all("span") if "style" in it]
    assert all(0 < float(re.fullmatch(r"width:([\d.]+)%", width)[1]) <= 100 for width in widths)


def test_a_circular_and_a_categorical_code_have_no_low_and_no_high_end():
    turn, which = Code("turn", "circular", (0, 1)), Code("which", "categorical", tuple(range(2, 42)))
    pictures = (images(1, 11)[0], images(1, 40)[0])
    codes = (replace(SHADE, place=0, code=turn), replace(DEAD, place=1, code=which))
    found = Page(page(replace(DISCOVERY, codes=codes, attributes=()), sweeps_of([turn, which], pictures)))
    assert "once around" in found.text
    assert "16 of its 40 values" in found.text
    assert "low" not in found.text.split("Codes")[-1].split("Measures")[0]


# Safety: a plugin and the files of a user choose the names

NAMES = st.text(st.characters(codec=None), min_size=1, max_size=60) | st.sampled_from(
    ["<script>alert(1)</script>", '" onload="alert(1)', "</style><b>", "&amp;", "$dataset ${style}", "%s{0}", "\ud800", "\0", "a\nb"]
)  # fmt: skip


@settings(max_examples=40)
@given(NAMES, NAMES, NAMES, NAMES)
def test_any_name_is_text_and_nothing_else(code, attribute, method, reason):
    found = replace(SHADE, code=Code(code, "continuous", (1,)), own=Moved(attribute, 0.9, 0.9))
    discovery = Discovery((found, DEAD), (Found(attribute, 1, 0.9),), {attribute: reason}, 2, attribute, reason)
    html = page(discovery, method=method)
    parsed, plain = Page(html), Page(page())
    assert {tag for tag, _ in parsed.elements} <= {tag for tag, _ in plain.elements}
    assert {name for _, it in parsed.elements for name in it} == {name for _, it in plain.elements for name in it}
    for name in (code, attribute, method, reason):
        assert " ".join(shown(name).split()) in " ".join("".join(parsed.words).split())
    assert html.encode().decode() == html
    assert list(csv.reader(io.StringIO(discovery_csv(discovery).encode().decode())))[1][0] == "1"


def test_the_page_needs_no_other_file_and_runs_nothing():
    html = page()
    for tag, attributes in Page(html).elements:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form", "svg"}
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?:|//|@import|url\(|expression", re.sub(r"base64,[\w+/=]+", "", html))


def test_the_page_has_what_readers_and_phones_need():
    html = page()
    found = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert found.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in found.all("meta")
    assert "prefers-color-scheme: dark" in html
    assert [tag for tag, _ in found.elements if tag in ("h1", "h2", "h3")][:2] == ["h1", "h2"]
    assert all(it["alt"] and it["width"] and it["height"] for it in found.all("img"))


# Images


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_a_strip_has_contexts_by_rows_values_by_columns_and_a_transparent_gap():
    levels = (torch.arange(6, dtype=torch.uint8) * 40).view(2, 3, 1, 1, 1).expand(-1, -1, 3, 64, 64)
    found = strip(levels)
    pixels = opened(found.png)
    assert (found.height, found.width) == pixels.shape[:2] == (2 * 65 - 1, 3 * 65 - 1)
    assert pixels[32::65, 32::65, 0].tolist() == [[0, 40, 80], [120, 160, 200]]
    assert (pixels[32::65, 32::65, 3] == 255).all()
    assert (pixels[64, :, 3] == 0).all()
    assert (pixels[:, [64, 129], 3] == 0).all()


def test_few_colours_are_kept_exactly_and_many_are_close():
    few = (torch.arange(COLOURS, dtype=torch.uint8) * 2).view(1, 1, 1, 1, COLOURS).expand(-1, -1, 3, COLOURS, -1)
    exact = opened(strip(few[..., :64, :64]).png)[..., 0]
    assert np.array_equal(exact, few[0, 0, 0, :64, :64].numpy())
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16)
    close = opened(strip(grey).png)[::4, ::4, 0].astype(int)
    assert np.abs(close - grey[0, 0, 0].numpy()).max() <= 2


def test_the_image_in_the_page_is_that_of_the_code():
    [first, _] = re.findall(r'base64,([\w+/=]+)"', page())
    assert base64.b64decode(first) == strip(SWEEPS.images[1][:3]).png


def test_sixteen_codes_of_64_pixels_are_less_than_two_megabytes():
    codes = [Code(f"code {place}", "continuous", (place,)) for place in range(16)]
    sweeps = sweeps_of(codes, images(16, 11, 64, noise=8.0))
    found = tuple(replace(SHADE, place=place, code=code) for place, code in enumerate(codes))
    assert len(page(replace(DISCOVERY, codes=found, attributes=()), sweeps).encode()) < 2e6
