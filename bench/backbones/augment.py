"""Augmentations of the built-in classifiers: shifts by a few pixels, mirroring, and optional blur and noise."""

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


def degrade(images: Images, blur: float, noise: float, rng: torch.Generator) -> Images:
    """Blur the first quarter of a shuffled batch (n, c, h, w) and add normal noise to the second; the rest stays.

    `blur` is the largest deviation of the Gaussian in pixels, drawn once for a batch; `noise` the largest deviation of
    the noise, drawn for each image. Values stay in [0, 1].
    """
    quarter = len(images) // 4
    first, second, rest = images.split([quarter, quarter, len(images) - 2 * quarter])
    if blur:
        first = gaussian_blur(first, blur * float(torch.rand((), generator=rng, device=images.device)))
    if noise:
        deviations = noise * torch.rand((quarter, 1, 1, 1), generator=rng, device=images.device)
        normal = torch.randn(second.shape, generator=rng, device=images.device)
        second = (second + deviations * normal).clamp(0, 1)
    return torch.cat([first, second, rest]).contiguous(memory_format=torch.channels_last)


def gaussian_blur(images: Images, deviation: float) -> Images:
    """Images (n, c, h, w) blurred by a Gaussian of this deviation in pixels, cut at three deviations."""
    from torchvision.transforms.v2.functional import gaussian_blur as blurred

    if deviation < 0.1:  # the weights of the neighbours are below 1e-21
        return images
    side = 2 * min(round(3 * deviation) or 1, min(images.shape[-2:]) - 1) + 1
    return blurred(images, [side, side], [deviation, deviation])
