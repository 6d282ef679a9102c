"""Train a classifier for publication and write its weights and its card.

python -m bench.training.publish fashion-mnist --network resnet-s --images 1200000 --set flip=true
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir

import torch
from torch import Tensor

from bench.api import Classifier, Data, Dataset, Images, to_float
from bench.backbones.augment import gaussian_blur
from bench.config import build, to_dict
from bench.experiment.device import find_device
from bench.experiment.request import ClassifierRef, DatasetRef
from bench.metrics.calibration import calibration_error, log_loss
from bench.published.cards import FOLDER, Card, write_card
from bench.registry.plugins import Plugins
from bench.training.fit_once import seeded
from bench.training_run import Run, derive_seed, generator
from bench.util.atomic import write_atomic

RECIPE = {"label_smoothing": "0", "blur": "0.0625", "noise": "0.15"}
BLURS, NOISES = (0.7, 1.0, 1.5, 2.0), (10, 25)  # pixels; 255ths
CHUNK = 500
Change = Callable[[Images], Images]


def main(arguments: list[str]) -> None:
    options = _parser().parse_args(arguments)
    plugins, ref = Plugins(), DatasetRef.parse(options.dataset)
    dataset: Dataset = plugins.find("datasets", ref.base).target(ref.argument).load()
    target = plugins.find("classifiers", ClassifierRef.parse(options.network).base).target
    settings = RECIPE | dict(text.split("=", 1) for text in options.set)
    model = fit(target, build(target.Config, settings, options.network), dataset, options)
    digest = save_in_half(options.out / f"{dataset.spec.name}.{options.network}.safetensors", model)
    card = describe(model, dataset, options, digest)
    write_card(card, options.out)
    print(f"{card.name}: accuracy {card.accuracy:.4f}, {card.accuracy_under}, ece {card.ece:.4f}, nll {card.nll:.4f}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.training.publish", description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="e.g. sprites")
    parser.add_argument("--network", required=True, help="the entry of a classifier, e.g. resnet-s")
    parser.add_argument("--images", type=int, required=True, help="training images, repetitions counted")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of the network"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder for the weights and the card")
    parser.add_argument("--checkpoints", type=Path, default=Path(gettempdir()) / "bench-publish", help="to resume from")
    return parser


def fit(target: type[Classifier], config: object, dataset: Dataset, options: argparse.Namespace) -> Classifier:
    """The network, trained in float32 on one thread: the seed depends on its name alone."""
    seed = derive_seed("published", options.network)
    folder = options.checkpoints / f"{dataset.spec.name}.{options.network}"
    folder.mkdir(parents=True, exist_ok=True)
    with seeded(torch.device("cpu"), seed):
        model = target(config, dataset.spec).to(memory_format=torch.channels_last)
        run = Run(model, images=options.images, seed=seed, folder=folder, progress=_printed)
        model.fit(dataset.train, run)
    return model.eval()


def _printed(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
    print(f"\r{images:,} of {of:,} images, loss {scalars['loss']:.3f} ", end="", file=sys.stderr, flush=True)


def save_in_half(path: Path, model: Classifier) -> str:
    """Write matrices and kernels in half precision, vectors as they are; give `model` what was written.

    Returns the SHA-256 of the file.
    """
    from safetensors.torch import save

    halved = {name: _halved(tensor) for name, tensor in model.state_dict().items()}
    payload = save(halved)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, payload)
    model.load_state_dict(halved)
    return hashlib.sha256(payload).hexdigest()


def _halved(tensor: Tensor) -> Tensor:
    plain = tensor.detach().clone(memory_format=torch.contiguous_format)
    return plain.half() if plain.is_floating_point() and plain.ndim > 1 else plain


def describe(model: Classifier, dataset: Dataset, options: argparse.Namespace, digest: str) -> Card:
    """The card: everything measured on the test split, with the weights as they are published."""
    logits, labels = logits_of(model, dataset.test), dataset.test.labels
    right = (logits.argmax(1) == labels).double()
    machine = find_device("cpu", 1).name.rpartition(", ")[0]  # without the precision, which is that of the card
    return Card(
        network=options.network,
        dataset=dataset.spec.name,
        data_digest=dataset.digest,
        weights=digest,
        config=to_dict(model.config),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        images=options.images,
        precision="float32",
        accuracy=float(right.mean()),
        accuracy_of_class={name: float(right[labels == k].mean()) for k, name in enumerate(dataset.spec.classes)},
        accuracy_under=dict(accuracies_under(model, dataset.test)),
        ece=calibration_error(logits, labels),
        nll=log_loss(logits, labels),
        command=_command(options),
        made_with={"torch": torch.__version__, "timm": version("timm"), "device": machine},
    )


def _command(options: argparse.Namespace) -> str:
    settings = "".join(f" --set {text}" for text in options.set)
    return (
        f"python -m bench.training.publish {options.dataset} --network {options.network} "
        f"--images {options.images}{settings}"
    )


def accuracies_under(model: Classifier, data: Data) -> Iterator[tuple[str, float]]:
    """The accuracy on blurred and on noisy images, by what was done to them."""
    for deviation in BLURS:
        yield f"blur {deviation:g} px", _accuracy(model, data, partial(gaussian_blur, deviation=deviation))
    for deviation in NOISES:
        rng = generator("cpu", "noise", deviation)
        yield f"noise {deviation}/255", _accuracy(model, data, partial(_noisy, deviation=deviation / 255, rng=rng))


def _noisy(images: Images, deviation: float, rng: torch.Generator) -> Images:
    return (images + deviation * torch.randn(images.shape, generator=rng)).clamp(0, 1)


def _accuracy(model: Classifier, data: Data, change: Change) -> float:
    return float((logits_of(model, data, change).argmax(1) == data.labels).double().mean())


@torch.inference_mode()
def logits_of(model: Classifier, data: Data, change: Change = lambda images: images) -> Tensor:
    """The logits (n, k) of all images, each chunk changed by `change`."""
    chunks = (change(to_float(data.images[start : start + CHUNK])) for start in range(0, len(data), CHUNK))
    return torch.cat([model.logits(chunk.contiguous(memory_format=torch.channels_last)) for chunk in chunks])


if __name__ == "__main__":
    main(sys.argv[1:])
