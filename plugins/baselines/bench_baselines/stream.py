"""What is learned image by image: the principal components of a stream, and a store of the codes that came by."""

from typing import Any

import torch
from torch import Tensor

from bench import Codes, Labels

LEAST = 1 / 255**2  # variance: no density of bytes is narrower than a grey level
SPARE = 32  # directions kept in addition to the requested ones, so that none is lost before it matters


class Components:
    """Mean and the leading principal components of a stream of rows (Ross et al. 2008, section 3).

    The scatter of all rows seen so far is kept as some more than `dim` scaled directions; each batch joins them and
    the leading ones of the whole are kept. With no more directions in the data this is exact.
    """

    def __init__(self, dim: int, values: int, device: torch.device) -> None:
        self.count, self.dim = 0, dim
        self.mean = torch.zeros(values, device=device)
        self.scaled = torch.zeros(
            min(dim + SPARE, values), values, device=device
        )  # orthogonal rows, their squared lengths the scatter
        self.total = torch.zeros((), device=device)  # scatter in all directions

    @torch.no_grad()
    def update(self, rows: Tensor) -> None:
        """Take in a batch (n, values)."""
        n, old = len(rows), self.count
        mean = rows.mean(0)
        centred, shift = rows - mean, (old * n / (old + n)) ** 0.5 * (mean - self.mean)
        stack = torch.cat([self.scaled, centred, shift.unsqueeze(0)])
        self.total += centred.square().sum() + shift.square().sum()
        self.mean += (mean - self.mean) * (n / (old + n))
        self.count += n
        self.scaled = _leading(stack, len(self.scaled))

    @property
    def variances(self) -> Tensor:
        """(dim,), along the basis, falling."""
        return self.scaled[: self.dim].square().sum(1) / self.count

    @property
    def basis(self) -> Tensor:
        """(dim, values), orthonormal rows, also if the stream had fewer directions."""
        rows = self.scaled[: self.dim] / self.scaled[: self.dim].norm(dim=1, keepdim=True).clamp_min(1e-12)
        q, r = torch.linalg.qr(rows.T)
        return (q * torch.where(r.diagonal() < 0, -1.0, 1.0)).T.contiguous()

    def noise(self) -> Tensor:
        """The mean variance of the directions that are left out, at least `LEAST`."""
        left_out = self.mean.numel() - self.dim
        rest = self.total / self.count - self.variances.sum()
        return (rest / max(left_out, 1)).clamp_min(LEAST)

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "mean": self.mean, "scaled": self.scaled, "total": self.total}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.count = int(state_dict["count"])
        self.mean, self.scaled, self.total = (state_dict[name] for name in ("mean", "scaled", "total"))


def _leading(stack: Tensor, dim: int) -> Tensor:
    """`dim` orthogonal rows with the leading part of stack' stack, by way of the smaller stack stack'."""
    _, vectors = torch.linalg.eigh((stack @ stack.T).double())  # rising
    return vectors[:, -dim:].flip(1).T.to(stack) @ stack


class Store:
    """Codes and labels of a stream, in the order they came."""

    def __init__(self, capacity: int, dim: int, device: torch.device) -> None:
        self.count = 0
        self.codes: Codes = torch.zeros(capacity, dim, device=device)
        self.labels: Labels = torch.full((capacity,), -1, device=device)

    def add(self, codes: Codes, labels: Labels) -> None:
        end = self.count + len(codes)
        self.codes[self.count : end], self.labels[self.count : end] = codes, labels
        self.count = end

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "codes": self.codes, "labels": self.labels}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.count = int(state_dict["count"])
        self.codes, self.labels = state_dict["codes"], state_dict["labels"]
