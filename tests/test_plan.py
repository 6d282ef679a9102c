"""One plugin's fault is one row of a plan, and its neighbours are planned."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.execution.plan import Plan, make_plan
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest

REQUEST = RunRequest(plugins="haze,gmm", dataset=DatasetRef("digits"), seeds=(0,), budget="smoke", set=(),
                     guide=ClassifierRef("resnet-xs"), judge=ClassifierRef("resnet-s"), device="cpu", jobs=1,
                     threads=1)  # fmt: skip
PLUGIN = """
from dataclasses import dataclass
import bench

@dataclass(frozen=True)
class Config:
    noise: float = 0.1
{config}

class Haze(bench.Generator):
    Config, source = Config, "none"
{model}
    def fit(self, data, run): ...
    def sample(self, n, rng): ...

@bench.hookimpl
def bench_generators():
    return {{"haze": Haze}}
"""


def planned(folder: Path, patch: pytest.MonkeyPatch, config: str = "", model: str = "") -> Plan:
    """The plan of `gmm` and a plugin with these lines in its Config and in its class."""
    module = folder / "acme" / "bench_haze.py"  # in a namespace
    module.parent.mkdir()
    module.write_text(PLUGIN.format(config=config, model=model))
    info = folder / "acme_bench_haze-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-bench-haze\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench]\nhaze = acme.bench_haze\n")
    patch.syspath_prepend(folder)
    for name in ("acme", "acme.bench_haze"):
        patch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    return make_plan(REQUEST)


def test_a_plugin_in_a_namespace_package_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(tmp_path, monkeypatch)
    assert plan.broken == ()
    job = next(job for job in plan.jobs if job.entry == "haze")
    assert len(job.source) == 16


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("    def __post_init__(self): raise KeyError('no such setting')", "KeyError: 'no such setting'"),
        ("    def __post_init__(self): object.__setattr__(self, 'noise', object())", "which is not of its type"),
        ("    def __post_init__(self): raise SystemError('of C')", "SystemError: of C"),
    ],
)
def test_a_plugin_that_fails_while_it_is_described_is_a_row_and_its_neighbours_are_planned(
    config: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, monkeypatch, config)
    assert [job.entry for job in plan.jobs if job.images] == ["gmm"]
    ((job, said),) = plan.broken
    assert job.plugin == "haze"
    assert reason in said


def test_a_source_that_cannot_be_read_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(module: str) -> str:
        raise OSError(f"no source of {module}")

    monkeypatch.setattr("bench.registry.plugins.source_digest", failing)
    plan = planned(tmp_path, monkeypatch)
    assert {job.plugin for job, _ in plan.broken} == {"haze", "baselines"}
    assert all("no source of" in said for _, said in plan.broken)


def test_a_setting_that_the_user_got_wrong_is_an_error_and_no_row() -> None:
    from bench import BenchError

    with pytest.raises(BenchError, match="expected a whole number"):
        make_plan(replace(REQUEST, plugins="gmm", set=("gmm.components=many",)))


def test_a_data_set_of_a_few_images_is_told_once_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    from PIL import Image

    for label in ("ant", "bee"):
        (tmp_path / "few" / label).mkdir(parents=True)
        for i in range(6):
            pixels = np.random.default_rng(i).integers(0, 256, (32, 32), dtype=np.uint8)
            Image.fromarray(pixels if label == "ant" else 255 - pixels).save(tmp_path / "few" / label / f"{i}.png")
    told: list[str] = []
    monkeypatch.setattr("bench.execution.plan.logger.warning", lambda text, *parts: told.append(text % parts))
    make_plan(replace(REQUEST, plugins="gmm", dataset=DatasetRef("folder", str(tmp_path / "few"))))
    assert told == [
        "folder-few has 8 training and 2 test images: distances of distributions need at least 20 and are not measured"
    ]
