"""Train an entry and print what its settings give: `python plugins/stic/tests/tune.py stic sprites 20000 KEY=VALUE ...`.

20,000 is the number of training images seen. All figures are of the validation split: the accuracy with its standard
error over images and, of --samples images, class agreement and Frechet distance by a published judge (its last hidden
layer), and the distance to the nearest other sample over that of real images. For stic-score, a second line has the
loss of score matching at each level over that of the score of N(0, I) under the same noise. --sheet saves samples, a row
for each class; --test reads the test split instead.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.utils import make_grid, save_image

from bench import BenchError, Classifier, Data, Dataset, to_float
from bench.backbones import bench_classifiers
from bench.config import build
from bench.data import load
from bench.freeze import freeze
from bench.metrics.fidelity import frechet_from_features
from bench.published.cards import FOLDER, find_card, load_published
from bench.testing.fixtures import first_per_class, fitted, fraction_correct
from bench_stic import ScoreStic, bench_generators
from bench_stic.grmala import look
from bench_stic.score import score_loss

CHUNK, FEW, COLUMNS = 500, 100, 8


def main() -> None:
    asked = parsed()
    dataset = load(asked.dataset)
    held_out = dataset.test if asked.test else dataset.validation
    train = first_per_class(dataset.train, asked.labels_per_class) if asked.labels_per_class else dataset.train
    judge = published_judge(dataset, asked.judge, asked.weights) if asked.samples else None
    target = bench_generators()[asked.entry]
    config = build(target.Config, dict(it.split("=", 1) for it in asked.settings), asked.entry)
    for seed in map(int, asked.seeds.split(",")):
        start = time.process_time()
        model = fitted(target, config, train, asked.images, seed)
        seconds = time.process_time() - start
        name = " ".join([asked.entry, asked.dataset, str(asked.images), *asked.settings, f"seed {seed}"])
        print(f"{name}, {seconds:.0f} CPU-s: {accuracy(model, held_out)}", flush=True)
        if judge is not None:
            print("  " + drawn(model, asked.samples, held_out, judge, asked.sheet), flush=True)
        if isinstance(model, ScoreStic):
            print("  loss over that of N(0, I): " + losses(model, held_out[:FEW]), flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("entry", choices=list(bench_generators()))
    parser.add_argument("dataset")
    parser.add_argument("images", type=int)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--labels-per-class", type=int)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--judge", default="resnet-s", help="resnet-s or resnet-xs")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="the folder of the weights of the judge")
    return parser.parse_args()


def published_judge(dataset: Dataset, network: str, folder: Path) -> Classifier:
    card = find_card(network, dataset.digest, folder)
    if card is None:
        raise BenchError(f"{folder} has no {network} for {dataset.spec.name}: python -m bench.training.publish")
    target = bench_classifiers()[network]
    judge = target(target.Config(), dataset.spec)
    load_published(card, judge, folder)
    return freeze(judge)


def accuracy(model: Any, data: Data) -> str:
    right = [fraction_correct(model.logits(to_float(it.images)).argmax(1), it.labels) * len(it) for it in chunks(data)]
    share = sum(right) / len(data)
    error = (share * (1 - share) / len(data)) ** 0.5
    return f"accuracy {share:.4f} (n = {len(data)}, standard error {error:.4f})"


@torch.no_grad()
def drawn(model: Any, n: int, data: Data, judge: Classifier, sheet: Path | None) -> str:
    """Agreement, Frechet distance and nearness of samples."""
    classes = len(data.spec.classes)
    labels = torch.arange(n) % classes
    images = model.sample_class(labels, torch.Generator().manual_seed(0))
    if sheet:
        rows = [images[labels == label][:COLUMNS] for label in range(classes)]
        save_image(make_grid(torch.cat(rows), nrow=len(rows[0]), padding=1, pad_value=1.0), sheet)
    real = to_float(data.images[:n])
    agreement = fraction_correct(judge.logits(images).argmax(1), labels)
    everything = torch.cat([judge.features(to_float(it.images))[-1] for it in chunks(data)])
    distance = frechet_from_features(judge.features(images)[-1], everything)
    return f"agreement {agreement:.3f}, fd-judge {distance:.2f}, nearest {nearest(images) / nearest(real):.2f}"


def nearest(images: Tensor) -> float:
    """The mean distance of an image to the nearest other one."""
    flat = images.flatten(1)
    return float(torch.cdist(flat, flat).fill_diagonal_(torch.inf).amin(1).mean())


def losses(model: ScoreStic, data: Data) -> str:
    images, shown = to_float(data.images) * 2 - 1, []
    for level, sigma in enumerate(model.sigmas.tolist()):
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(level))
        noisy, sigmas = images + sigma * noise, torch.full((len(images),), sigma)
        energy = look(lambda x, level=level: model._at(level, x).logits.gather(1, data.labels[:, None])[:, 0], noisy)
        pull = score_loss(-noisy / (1 + sigma**2), sigmas, noise)
        shown.append(f"{sigma:.2g}: {float(score_loss(energy.gradient, sigmas, noise) / pull):.3f}")
    return ", ".join(shown)


def chunks(data: Data) -> list[Data]:
    return [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]


if __name__ == "__main__":
    main()
