"""The one augmentation of the built-in classifiers: random shifts by a few pixels, and optional mirroring."""

import torch

from bench.api import Images


def shift_and_flip(images: Images, reach: int, flip: bool, rng: torch.Generator) -> Images:
    """Shift each image (n, c, h, w) by up to `reach` pixels, edges repeated; mirror half of them if `flip`."""
    n, _, height, width = images.shape
    if not reach and not flip:
        return images
    device = images.device
    moves = torch.randint(-reach, reach + 1, (2, n, 1), generator=rng, device=device)
    rows = (torch.arange(height, device=device) + moves[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=device) + moves[1]).clamp(0, width - 1)
    if flip:
        mirrored = torch.rand(n, 1, generator=rng, device=device) < 0.5
        columns = torch.where(mirrored, width - 1 - columns, columns)
    each = torch.arange(n, device=device)[:, None, None]
    moved = images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)  # channels_last
