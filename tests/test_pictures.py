"""Pictures in a run directory: strips of samples, reconstructions, and mixtures of classes."""

from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from bench.api import Data, Spec
from bench.evaluation.pictures import mixture_sheet, reconstruction_sheet, save_pictures
from bench.metrics.mixing import DRAWN, PAIRS, WEIGHTS
from bench.results.contact_sheet import of_each_class, save_samples


def data(labels: list[int], size: int = 8, channels: int = 1) -> Data:
    """Image number i has the gray level i."""
    classes = tuple(map(str, range(max(labels) + 1)))
    images = torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None].expand(-1, channels, size, size)
    return Data(Spec("toy", channels, size, classes), images, torch.tensor(labels))


def test_a_choice_takes_the_first_of_each_class_in_label_order():
    assert of_each_class(torch.tensor([2, 0, 1, 0, 2]), 3).tolist() == [1, 2, 0]
    assert of_each_class(torch.tensor([1, 0, 1, 0]), 4).tolist() == [1, 3, 0, 2]
    assert of_each_class(torch.zeros(3, dtype=torch.int64), 10).tolist() == [0, 1, 2]
    assert len(of_each_class(torch.arange(1000), 10)) == 10


def test_a_strip_has_ten_images_of_ten_classes(tmp_path):
    save_samples(data([number % 12 for number in range(36)], size=64), tmp_path)
    with Image.open(tmp_path / "strip.png") as strip:
        pixels = np.asarray(strip)
    assert pixels.shape == (66, 10 * 65 + 1, 3)
    assert [pixels[30, 65 * column + 30, 0] for column in range(10)] == list(range(10))
    assert (tmp_path / "samples.png").exists()


def test_reconstructions_stand_below_the_images_of_several_classes():
    test = data([0, 0, 1, 1, 2, 2], size=64)
    context = SimpleNamespace(test=test, reconstructions=test.images + 100)
    pixels = np.asarray(reconstruction_sheet(context))
    gray = {int(value) for value in np.unique(pixels)}
    assert {0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105} <= gray


def test_a_mixture_sheet_has_pairs_by_rows_and_shares_by_columns():
    spec = Spec("toy", 1, 64, tuple("abcdefghij"))
    drawn = torch.arange(len(WEIGHTS), dtype=torch.uint8).repeat_interleave(PAIRS)[:, None, None, None] * 50
    context = SimpleNamespace(spec=spec, known={DRAWN: drawn.expand(-1, 1, 64, 64).contiguous()}.get)
    pixels = np.asarray(mixture_sheet(context))
    assert pixels.shape[0] >= 8 * 65
    middle = pixels[pixels.shape[0] // 2, :, 0]
    assert [value for value in dict.fromkeys(middle.tolist()) if value % 50 == 0 and value <= 200] == [
        0,
        50,
        100,
        150,
        200,
    ]


def test_nothing_is_drawn_of_what_was_not_measured(tmp_path):
    context = SimpleNamespace(known=lambda name: None)
    for metric in ("acs", "reconstruction-mse", "mixture-agreement", "fd-lite0"):
        save_pictures(metric, tmp_path, context, "toy")
    assert list(tmp_path.iterdir()) == []
