"""The fixed subsets of real images that samples are compared with, the same for all models of a data set."""

import torch

from bench.api import Data
from bench.errors import BenchError
from bench.training_run import generator


def stratified(data: Data, n: int, name: str) -> Data:
    """n images of `data` with its class proportions, drawn with a fixed seed; any slice of them is about as balanced.

    `name` is the name of the number in errors. Raises `BenchError` if `data` has fewer than n images.
    """
    if n > len(data):
        raise BenchError(
            f"expected at least {name}={n} images in this split of {data.spec.name}, got {len(data)}; "
            f"set {name} to at most {len(data)}"
        )
    order = torch.randperm(len(data), generator=generator("cpu", "subset", name))
    labels = data.labels[order]
    counts = torch.bincount(labels, minlength=len(data.spec.classes))
    quotas = _quotas(counts, n)
    picked, places = [], []
    for label, (quota, count) in enumerate(zip(quotas.tolist(), counts.tolist(), strict=True)):
        members = order[labels == label][:quota] if count else order[:0]
        picked.append(members)
        places.append((torch.arange(quota) + 0.5) / max(quota, 1))
    interleaved = torch.cat(places).sort(stable=True).indices
    return data[torch.cat(picked)[interleaved]]


def _quotas(counts: torch.Tensor, n: int) -> torch.Tensor:
    """n split in proportion to `counts` by largest remainders."""
    exact = counts.double() * n / counts.sum().clamp(min=1)
    quotas = exact.floor().long()
    extra = (exact - quotas).sort(descending=True, stable=True).indices[: n - int(quotas.sum())]
    quotas[extra] += 1
    return quotas
