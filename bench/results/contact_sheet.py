"""A contact sheet of samples: one row for each class, eight images each."""

import io
from pathlib import Path

import numpy as np
import torch

from bench.api import Data
from bench.util.atomic import write_atomic

COLUMNS = 8


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


def save_grid(samples: Data, path: Path) -> None:
    """Write the sheet as PNG, enlarged if the images are small."""
    from PIL import Image

    sheet = grid(samples if len(samples.labels.unique()) > 1 else _rows(samples))
    scale = max(1, 64 // samples.spec.size)
    image = Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_atomic(path, buffer.getvalue())


def _rows(samples: Data) -> Data:
    """Unlabelled samples in eight rows."""
    first = samples[: COLUMNS * COLUMNS]
    return Data(samples.spec, first.images, torch.arange(len(first)) // COLUMNS)
