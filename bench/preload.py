"""What the server of processes imports once, before it forks workers: everything slow that is nobody's plugin."""

import timm  # noqa: F401
import torch.utils.tensorboard  # noqa: F401

import bench.worker  # noqa: F401
