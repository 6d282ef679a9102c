"""Sheets of samples: one row for each class with eight images each, and a strip of ten images."""

import io
from pathlib import Path

import numpy as np
import torch

from bench.api import Data, Labels
from bench.util.atomic import write_atomic

COLUMNS = 8
STRIP = 10  # images of a strip


def grid(samples: Data, columns: int = COLUMNS) -> np.ndarray:
    """uint8 (h, w, 3): the first `columns` samples of each label, in label order, one pixel apart."""
    size, step = samples.spec.size, samples.spec.size + 1
    labels = sorted(set(samples.labels.tolist()))
    sheet = np.full((len(labels) * step + 1, columns * step + 1, 3), 255, np.uint8)
    for row, label in enumerate(labels):
        for column, image in enumerate(samples.images[samples.labels == label][:columns]):
            pixels = image.expand(3, size, size) if len(image) == 1 else image
            top, left = row * step + 1, column * step + 1
            sheet[top : top + size, left : left + size] = pixels.permute(1, 2, 0).numpy()
    return sheet


def save_samples(samples: Data, folder: Path) -> None:
    """Write `samples.png` and `strip.png`."""
    save_grid(samples, folder / "samples.png")
    save_strip(samples, folder / "strip.png")


def save_grid(samples: Data, path: Path) -> None:
    """Write the sheet as PNG, enlarged if the images are small."""
    _save(grid(samples if len(samples.labels.unique()) > 1 else _rows(samples)), samples.spec.size, path)


def save_strip(samples: Data, path: Path) -> None:
    """Write ten samples in a row: one of each of ten classes, or several of each if there are fewer."""
    chosen = of_each_class(samples.labels, STRIP)
    together = Data(samples.spec, samples.images[chosen], torch.zeros(len(chosen), dtype=torch.int64))
    _save(grid(together, STRIP), samples.spec.size, path)


def of_each_class(labels: Labels, count: int) -> Labels:
    """Indices of at most `count` images in label order: the first of each class, or the first few if there are fewer."""
    classes = sorted(set(labels.tolist()))[:count]
    each = -(-count // len(classes))
    return torch.cat([(labels == label).nonzero()[:each, 0] for label in classes])[:count]


def _save(sheet: np.ndarray, size: int, path: Path) -> None:
    from PIL import Image

    scale = max(1, 64 // size)
    image = Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_atomic(path, buffer.getvalue())


def _rows(samples: Data) -> Data:
    """Unlabelled samples in eight rows."""
    first = samples[: COLUMNS * COLUMNS]
    return Data(samples.spec, first.images, torch.arange(len(first)) // COLUMNS)
