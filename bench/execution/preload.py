"""What the fork server imports once, before it forks workers: everything slow except plugins."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)  # first: the host started this with SIGINT blocked
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

import os  # noqa: E402

os.environ.pop("PYTHONSAFEPATH", None)  # for this process alone, not for those of plugins

import timm  # noqa: E402, F401
import torch.utils.tensorboard  # noqa: E402, F401

import bench.execution.worker  # noqa: E402, F401
