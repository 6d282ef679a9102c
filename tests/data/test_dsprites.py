"""The grid of dSprites, read and drawn."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from bench.api import Factor
from bench.data import dsprites, load
from bench.errors import BenchError

pytestmark = pytest.mark.usefixtures("made_up")
SMALL = (
    Factor("shape", "categorical", 0, 2, 3),
    Factor("scale", "linear", 0.5, 1.0, 2),
    Factor("orientation", "circular", 0.0, 6.0, 3),
    Factor("x", "linear", 0.0, 1.0, 4),
    Factor("y", "linear", 0.0, 1.0, 5),
)
FILE = dsprites.DSprites.files[0].name


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of 360 points in place of 737,280."""
    monkeypatch.setattr(dsprites, "FACTORS", SMALL)
    monkeypatch.setattr(dsprites, "GRID", (3, 2, 3, 4, 5))
    monkeypatch.setattr(dsprites, "POINTS", 360)
    monkeypatch.setattr(dsprites.DSprites, "counts", (60, 30, None))
    monkeypatch.setattr(dsprites.DSpritesLike, "counts", (40, 20, 100))


def write(path: Path, **changes: np.ndarray) -> None:
    classes = np.stack(np.unravel_index(np.arange(360), (3, 2, 3, 4, 5)), axis=1)
    images = dsprites.render(np.arange(360), 64)[:, 0] // 255
    arrays = {
        "imgs": images,
        "latents_classes": np.hstack([np.zeros((360, 1), dtype=np.int64), classes]),
        "metadata": np.array({"pickled": "as published"}, dtype=object),
    }
    np.savez_compressed(path, **(arrays | changes))


def test_the_grid_is_the_published_one():
    assert dsprites.POINTS == 737_280
    assert dsprites.grid_factors(np.array([0, 1, 32, 737_279])).round(4).tolist() == [
        [0, 0.5, 0, 0, 0],
        [0, 0.5, 0, 0, 0.0323],
        [0, 0.5, 0, 0.0323, 0],
        [2, 1.0, 6.2832, 1, 1],
    ]


def test_the_splits_share_no_point():
    train, validation, test = dsprites.split_points(5_000, 2_000, 20_000)
    assert (len(train), len(validation), len(test)) == (20_000, 2_000, 5_000)
    assert len(np.unique(np.concatenate([train, validation, test]))) == 27_000


def test_the_first_orientation_and_the_last_are_one():
    first, last = (dsprites.grid_factors(np.array([k * 1024 + 500])) for k in (0, 39))
    assert last[0, 2] - first[0, 2] == pytest.approx(2 * np.pi)
    images = dsprites.render(np.array([500, 39 * 1024 + 500]), 64)
    assert (images[0] == images[1]).all()


def test_what_we_draw_is_binary_and_stays_within_the_image():
    images = dsprites.render(np.arange(0, dsprites.POINTS, 3_001), 64)
    assert set(np.unique(images)) == {0, 255}
    assert not images[:, :, [0, -1]].any()
    assert not images[:, :, :, [0, -1]].any()
    assert images.any(axis=(1, 2, 3)).all()


@pytest.mark.usefixtures("small")
def test_the_published_file_is_read_point_by_point(tmp_path: Path):
    write(tmp_path / FILE)
    dataset = load("dsprites", tmp_path)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (270, 30, 60)
    points = dsprites.split_points(60, 30, None)[0]
    assert (dataset.train.images.numpy() == dsprites.render(points, 64)).all()
    assert np.allclose(dataset.train.factors, dsprites.grid_factors(points))
    assert dataset.spec.classes == ("square", "ellipse", "heart")


@pytest.mark.usefixtures("small")
def test_what_we_draw_carries_an_honest_name():
    dataset = load("dsprites-like", size=32)
    assert dataset.spec.name == "dsprites-like"
    assert dataset.spec.shape == (1, 32, 32)
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (100, 20, 40)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"imgs": np.zeros((360, 64, 64), dtype=np.float32)}, "expected images of uint8|expected images of shape"),
        ({"imgs": np.full((360, 64, 64), 7, dtype=np.uint8)}, "expected pixels of 0 or 1, got 7"),
        ({"imgs": np.zeros((359, 64, 64), dtype=np.uint8)}, "expected images of shape"),
        ({"latents_classes": np.zeros((360, 6), dtype=np.int64)}, "does not contain the published grid"),
        ({"latents_classes": np.array([{}], dtype=object)}, "got object of shape"),
    ],
)
def test_another_file_of_that_name_is_refused(tmp_path: Path, changes: dict[str, np.ndarray], says: str):
    write(tmp_path / FILE, **changes)
    with pytest.raises(BenchError, match=says):
        load("dsprites", tmp_path)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.98])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float):
    path = tmp_path / FILE
    write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(BenchError, match=f"{FILE} is not a valid dSprites file"):
        load("dsprites", tmp_path)


@pytest.mark.usefixtures("small")
def test_a_flipped_byte_is_seen(tmp_path: Path):
    path = tmp_path / FILE
    write(path)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("imgs.npy").header_offset
    content = bytearray(path.read_bytes())
    content[start + 3_000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BenchError, match="not a valid dSprites file"):
        load("dsprites", tmp_path)


def test_a_missing_file_points_to_the_drawn_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dsprites.DSprites, "files", (dsprites.Published(FILE, page="the web"),))
    with pytest.raises(BenchError, match=r"get dsprites_.*npz from the web and put it at .*'dsprites-like' needs no"):
        load("dsprites")
