"""Changes the process of whoever imports it."""

import os
import signal

import torch
from bench_hostile.good import Good

from bench import hookimpl

os.chdir("/")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
torch.backends.cudnn.benchmark = True


@hookimpl
def bench_generators():
    return {"meddles-early": Good}
