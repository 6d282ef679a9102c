"""The published weights and their model cards: found by the network and the digest of the data that it was trained on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from torch import nn

from bench.errors import BenchError

FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Card:
    """What is known of published weights. Accuracies are on the test split."""

    network: str  # the entry, e.g. resnet-s
    dataset: str  # as its board is called
    data_digest: str  # of all splits
    weights: str  # SHA-256 of the file
    config: dict[str, Any]  # the architecture, the augmentation and the optimisation
    parameters: int
    images: int  # training images, repetitions counted
    precision: str  # in which it was trained
    accuracy: float
    accuracy_of_class: dict[str, float]
    accuracy_under: dict[str, float]  # blur and noise of the test images
    ece: float
    nll: float  # nats
    command: str  # which made the weights
    made_with: dict[str, str]  # versions and device

    @property
    def name(self) -> str:
        """The stem of both files."""
        return f"{self.dataset}.{self.network}"


@cache
def cards(folder: Path = FOLDER) -> tuple[Card, ...]:
    """All cards, by name. Raises `BenchError` for a file that is not a card."""
    return tuple(map(_read, sorted(folder.glob("*.json"))))


def find_card(network: str, data_digest: str, folder: Path = FOLDER) -> Card | None:
    """The card of `network` for the data of this digest, if weights are published."""
    found = (card for card in cards(folder) if (card.network, card.data_digest) == (network, data_digest))
    return next(found, None)


def load_published(card: Card, model: nn.Module, folder: Path = FOLDER) -> None:
    """Give `model` the weights of `card`; numbers of half precision become those of the model.

    Raises `BenchError` if the file is missing or not the one that the card describes.
    """
    from safetensors.torch import load

    path = folder / f"{card.name}.safetensors"
    payload = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(payload).hexdigest() != card.weights:
        state = "does not match its card" if payload else "is missing"
        raise BenchError(f"the published weights {path} {state}: install the package again")
    model.load_state_dict(load(payload))


def write_card(card: Card, folder: Path = FOLDER) -> None:
    """Write the card beside its weights."""
    (folder / f"{card.name}.json").write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def card_table(shown: Iterable[Card]) -> str:
    """The cards as a table in Markdown."""
    heads = ["data set", "network", "accuracy", "worst class", "blur 1 px", "blur 2 px", "noise 25/255", "ece", "nll"]
    rows = [heads, ["---", "---", *["---:"] * (len(heads) - 2)]]
    for card in shown:
        worst = min(card.accuracy_of_class, key=lambda name: card.accuracy_of_class[name])
        under = [f"{card.accuracy_under[name]:.4f}" for name in heads[4:7]]
        figures = [f"{card.accuracy:.4f}", f"{worst} {card.accuracy_of_class[worst]:.3f}", *under]
        rows.append([card.dataset, card.network, *figures, f"{card.ece:.4f}", f"{card.nll:.4f}"])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _read(path: Path) -> Card:
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BenchError(f"{path} is not a model card: {error}; install the package again") from error
