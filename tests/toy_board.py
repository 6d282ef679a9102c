"""A board with everything that a page can show: methods, anchors, failures, and what strangers may write into rows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.metrics.catalog import info
from bench.results.record import Record

HOSTILE = '"><img src=x onerror="document.title=1">'
REASON = "</script><script>document.title='taken over'</script>{{7*7}}${7*7}"
VALUES = {  # by metric: n, and the value of each method
    "fd-lite0": (2000, {"alpha": 300.0, "beta": 500.0, HOSTILE: 900.0, "real": 100.0, "mean": 2000.0, "noise": 3000.0}),
    "fd-judge": (2000, {"alpha": 3.0, "beta": 4.0, HOSTILE: 9.0, "real": 1.0, "mean": 20.0, "noise": 30.0}),
    "fd-lite2": (2000, {"alpha": 30.0, "beta": 50.0, HOSTILE: 90.0, "real": 10.0, "mean": 200.0, "noise": 300.0}),
    "class-agreement": (2000, {"alpha": 0.7, "beta": 0.95, HOSTILE: 0.5, "real": 0.96}),
    "acs": (64, {"alpha": 0.3, "beta": 0.1, HOSTILE: 0.2}),
    "train-seconds": (None, {"alpha": 40.0, "beta": 90.0, HOSTILE: 10.0}),
}
KEYS = {"alpha": "a" * 24, "beta": "b" * 24}


def rows(dataset: str = "toys", budget: str = "quick", seeds: tuple[int, ...] = (0, 1)) -> Iterator[Record]:
    base = Record(dataset, "", "toy", "bench-toys", "1.0", "", 0, budget, "fit", "fit", 1.0, 10, "ok", "", "small@11",
                  "resnet@22", "Some CPU, 1 thread, float32", "0" * 24, "d1")  # fmt: skip
    for seed in seeds:
        for entry in ("alpha", "beta", HOSTILE, "real", "mean", "noise"):
            key = KEYS.get(entry, "c" * 24)[:-1] + str(seed)
            yield replace(base, entry=entry, seed=seed, key=key)
            for metric, (n, values) in VALUES.items():
                row = replace(
                    base,
                    entry=entry,
                    seed=seed,
                    metric=metric,
                    protocol=f"{metric}:v{info(metric).version}",
                    n=n,
                    key=key,
                )
                if entry in values:
                    yield replace(row, value=values[entry] * (1 + 0.01 * seed))
                else:
                    yield replace(row, value=None, status="skipped", reason=f"{entry} has no codes")
        yield replace(base, entry="broken", seed=seed, status="failed", value=None, reason=REASON, key="e" * 24)


def put_run(runs: Path, record: Record, scale: int = 1) -> Path:
    """A run directory as `bench run` leaves it: the job, where it ran, curves, a log, and pictures."""
    folder = runs / record.dataset / "method" / f"seed{record.seed}-{record.key[:12]}"
    folder.mkdir(parents=True)
    job: dict[str, Any] = {
        "entry": record.entry, "plugin": "toy", "dataset": record.dataset, "board": record.dataset, "seed": record.seed,
        "budget": record.budget, "settings": [["lr", "0.1"]], "config": {"lr": 0.1, "note": HOSTILE}, "guide": "small",
        "judge": "resnet", "device": record.device, "torch": "2.9", "data_digest": "d1" * 32, "source": "5" * 24,
    }  # fmt: skip
    training = {name: job[name] for name in ("entry", "dataset", "seed", "device")}
    (folder / "job.json").write_text(json.dumps({"key": record.key, "job": job, "training": training}))
    (folder / "environment.json").write_text(json.dumps({"python": "3.12.1", "numpy": "2.2", "commit": "abc123"}))
    (folder / "curves.json").write_text(json.dumps({"train/loss": [[10, 3.0], [20, 1.0], [30, 0.5]]}))
    (folder / "log.txt").write_text(f"step 1\n{REASON}\n")
    pixels = np.random.default_rng(record.seed).integers(0, 255, (60 * scale, 200 * scale, 3), np.uint8)
    for kind in ("strip", "samples", "traversals"):
        Image.fromarray(pixels).save(folder / f"{kind}.png")
    return folder
