"""The drawn faces."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.data import face_drawing, faces, load
from bench.data.factors import random_rows
from bench.errors import BenchError

needs_faces = pytest.mark.skipif(not face_drawing.installed(), reason="the extra `faces` is not installed")
NAMES = [factor.name for factor in faces.FACTORS]
MIDDLE = {"hair": 0, "eyes": 0, "mouth": 0, "beard": 0, "clothes": 0, "hair-hue": 0.0, "clothes-hue": 0.6, "skin": 0.2,
          "shade": 0.5, "rotation": 0.0, "scale": 1.1, "x": 0.5, "y": 0.53125}  # fmt: skip


def draw(size: int = 64, **changes: float) -> np.ndarray:
    """One face as int (3, size, size); underscores stand for hyphens."""
    values = MIDDLE | {name.replace("_", "-"): value for name, value in changes.items()}
    row = np.array([[values[name] for name in NAMES]], dtype=np.float32)
    return faces.render(row, size)[0].astype(int)


def test_without_the_packages_the_data_set_is_missing_and_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(face_drawing, "MODULES", ("a_module_that_is_not_there",))
    state = faces.Faces().state()
    assert (state.state, state.note) == ("missing", 'pip install "classifier-bench[faces]"')
    for use in (lambda: load("faces"), lambda: faces.Faces().render(torch.zeros(1, 13), 64)):
        with pytest.raises(
            BenchError, match=r'needs packages that are not installed: pip install "classifier-bench\[f'
        ):
            use()


def test_a_size_that_is_not_prepared_is_refused():
    with pytest.raises(BenchError, match="faces: expected a size in pixels: 64, 128, 256, 512, 1024, got 96"):
        faces.Faces().builder(96)


def test_no_size_takes_more_than_about_4_gb():
    for size, train in faces.COUNTS.items():
        assert (train + train // 10 + train // 4) * 3 * size**2 < 4.3e9


def test_the_splits_share_no_row():
    parts = [faces.Faces().builder(64).splits()[name].factors for name in ("train", "validation", "test")]
    rows = np.concatenate([part for part in parts if part is not None])
    assert len(rows) == 27_000
    assert len(np.unique(rows, axis=0)) == 27_000


@needs_faces
def test_the_data_set_is_as_documented(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(faces.Faces, "counts", {64: 40, 128: 20, 1024: 4})
    dataset = load("faces")
    assert dataset.spec.name == "faces"
    assert dataset.spec.shape == (3, 64, 64)
    assert dataset.spec.classes == faces.CLASSES
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (40, 4, 10)
    assert dataset.test.factors is not None
    assert (dataset.test.factors[:, 0].long() == dataset.test.labels).all()
    larger = load("faces:128")
    assert larger.spec.name == "faces-128"
    assert larger.spec.shape == (3, 128, 128)
    assert larger.digest != dataset.digest


@needs_faces
def test_the_digest_changes_with_the_version_of_a_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(faces.Faces, "counts", {64: 20, 1024: 4})
    first = load("faces")
    monkeypatch.setattr(face_drawing, "version", lambda name: "99.0")
    second = load("faces")
    assert torch.equal(first.test.images, second.test.images)
    assert first.digest != second.digest


@needs_faces
def test_the_same_bytes_in_another_process():
    code = (
        "import hashlib, torch; from bench.data import faces; from bench.data.factors import random_rows\n"
        "rows = random_rows(faces.FACTORS, 8, torch.Generator().manual_seed(7)).numpy()\n"
        "print(hashlib.sha256(faces.render(rows, 64).tobytes()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout.strip()) == 64


@needs_faces
@pytest.mark.parametrize("name", list(faces.PART_OF))
def test_every_two_values_of_a_part_differ_on_every_face(name: str):
    """No part hides another: at least 8 pixels change by more than a tenth of the range, whatever the other factors."""
    column = NAMES.index(name)
    rows = random_rows(faces.FACTORS, 24, torch.Generator().manual_seed(11)).numpy()
    count = faces.FACTORS[column].count
    assert count is not None
    images = []
    for value in range(count):
        rows[:, column] = value
        images.append(faces.render(rows, 64).astype(int))
    for one, other in itertools.combinations(images, 2):
        changed = (np.abs(one - other).max(axis=1) > 25).sum(axis=(1, 2))
        assert changed.min() >= 8


@needs_faces
def test_a_part_changes_its_own_place_and_nothing_else():
    """The eyes change a band around the eyes, the mouth one below, the clothes the lower edge."""
    for name, (top, bottom) in {"eyes": (0.35, 0.55), "mouth": (0.55, 0.8), "clothes": (0.7, 1.0)}.items():
        rows = np.abs(draw(size=128) - draw(size=128, **{name: 2})).max(axis=(0, 2)) > 0
        where = np.flatnonzero(rows) / 128
        assert top <= where.min() <= where.max() <= bottom, name


@needs_faces
def test_shade_is_the_background_and_hues_are_turns():
    assert draw(shade=0.2)[:, 0, 0].tolist() == [51, 51, 51]
    assert (draw(hair_hue=1.0) == draw(hair_hue=0.0)).all()
    top = {hue: draw(hair=3, hair_hue=hue / 3)[:, 14, 32].argmax() for hue in range(3)}
    assert top == {0: 0, 1: 1, 2: 2}  # the hair is red, green, blue


@needs_faces
def test_x_and_y_shift_the_face_by_whole_pixels():
    still, moved = draw(), draw(x=0.5 + 3 / 64, y=0.53125 + 1 / 64)
    window = still[:, 10:49, 10:57]
    assert np.abs(moved[:, 11:50, 13:60] - window).mean() < 0.1  # the rasteriser rounds some edges otherwise
    assert np.abs(moved[:, 10:49, 10:57] - window).mean() > 5


@needs_faces
def test_no_hair_leaves_the_image_at_its_top_or_sides():
    """At the ends of scale and position, upright."""
    for hair in range(len(faces.CLASSES)):
        for x in (0.44, 0.56):
            image = draw(hair=hair, scale=1.2, x=x, y=0.5)
            background = draw()[:, 0, 0][:, None]
            assert (image[:, :1].reshape(3, -1) == background).all(), faces.CLASSES[hair]
            assert (image[:, 2:40, [0, -1]].reshape(3, -1) == background).all(), faces.CLASSES[hair]
