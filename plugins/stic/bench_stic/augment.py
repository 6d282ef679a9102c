"""The augmentation of the official CIFAR-10 recipe: reflect, crop, mirror."""

import torch
import torch.nn.functional as F

from bench import Images


def shift_and_flip(images: Images, reach: int, flip: bool, rng: torch.Generator) -> Images:
    """Move each image by up to `reach` pixels each way, reflected at the edges; mirror half of them where `flip`."""
    if not reach and not flip:
        return images
    n, _, height, width = images.shape
    padded = F.pad(images, (reach,) * 4, mode="reflect") if reach else images
    moves = torch.randint(2 * reach + 1, (2, n, 1), generator=rng, device=rng.device)
    rows = moves[0] + torch.arange(height, device=rng.device)
    columns = moves[1] + torch.arange(width, device=rng.device)
    if flip:
        mirrored = torch.rand(n, 1, generator=rng, device=rng.device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    each = torch.arange(n, device=rng.device)[:, None, None]
    moved = padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2)
