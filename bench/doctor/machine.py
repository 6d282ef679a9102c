"""The device, the cache with its disk, and programs that some commands use."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import torch

from bench.doctor.check import Check
from bench.errors import BenchError
from bench.experiment.device import find_device
from bench.util.paths import cache_dir, expanded, tilde

TOPIC = "machine"
LEAST_FREE = 2 * 2**30  # bytes: what a data set, its features and a few runs may need
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def checks() -> Iterator[Check]:
    """Device, cache, folders of data, browser."""
    yield _device()
    yield _cache()
    yield from map(_data_folder, filter(None, os.environ.get("BENCH_DATA", "").split(os.pathsep)))
    yield _browser()


def _device() -> Check:
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    memory = psutil.virtual_memory().total / 2**30
    place = f"{find_device('auto', 1).name}; {os.cpu_count()} cores, {memory:.0f} GB; torch {torch.__version__} {built}"
    if torch.cuda.is_available() or shutil.which("nvidia-smi") is None:
        return Check(TOPIC, "device", "ok", place)
    if torch.version.cuda:
        detail, remedy = "torch cannot use the GPU", "nvidia-smi shows the driver; update it, or install a torch for it"
    else:
        detail, remedy = "there is a GPU, but torch was built without CUDA", "https://pytorch.org/get-started/locally"
    return Check(TOPIC, "device", "optional", f"{place}; {detail}", remedy)


def _cache() -> Check:
    try:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
    except BenchError as error:
        return Check(TOPIC, "cache", "broken", str(error), "export BENCH_CACHE=FOLDER")
    except OSError as error:
        return Check(TOPIC, "cache", "broken", f"{tilde(folder)}: {error.strerror}", "export BENCH_CACHE=FOLDER")
    free = shutil.disk_usage(folder).free
    fitted = len(list(folder.glob("classifiers/*/about.json")))
    detail = f"{tilde(folder)}: {_gigabytes(_size(folder))}, {fitted} trained guides, judges and probes; "
    detail += f"{_gigabytes(free)} free"
    if not os.access(folder, os.W_OK):
        return Check(TOPIC, "cache", "broken", f"{detail}; not writable", "export BENCH_CACHE=FOLDER")
    if free < LEAST_FREE:
        remedy = f"free some space, or: export BENCH_CACHE=FOLDER (everything in {tilde(folder)} can be made again)"
        return Check(TOPIC, "cache", "broken", f"{detail}; expected at least {_gigabytes(LEAST_FREE)}", remedy)
    return Check(TOPIC, "cache", "ok", detail)


def _data_folder(text: str) -> Check:
    try:
        found = expanded(text).is_dir()
    except BenchError as error:
        return Check(TOPIC, "BENCH_DATA", "broken", str(error), "export BENCH_DATA=FOLDER")
    if found:
        return Check(TOPIC, "BENCH_DATA", "ok", text)
    return Check(TOPIC, "BENCH_DATA", "broken", f"there is no folder {text}", "export BENCH_DATA=FOLDER")


def _browser() -> Check:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return Check(TOPIC, "browser", "ok", found)
    detail = "no Chromium: boards can be written, but not photographed, and the tests of pages are skipped"
    return Check(TOPIC, "browser", "optional", detail, "apt-get install chromium")


def _size(folder: Path) -> int:
    """Bytes in all files; those that vanish meanwhile are not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GB"
