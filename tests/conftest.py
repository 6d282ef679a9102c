"""What all tests share: a cache of their own, real `bench` processes, and hypothesis without deadlines on a busy machine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

settings.register_profile("bench", deadline=None)
settings.load_profile("bench")

sys.path.insert(0, str(Path(__file__).parent))  # structure.py

HOSTILE = Path(__file__).parent / "resilience" / "hostile"  # plugins: good ones, toys and worse


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run all tests, those that take long too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cluster: starts a real Ray or Slurm; skipped if they are not installed")
    config.addinivalue_line("markers", "whole: too long for every day; runs with --whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole", default=False):
        skip = pytest.mark.skip(reason="one of the whole suite: pytest --whole")
        for item in items:
            if "whole" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Tests that look at one costly run or one trained model stay together; all others go wherever there is time."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::")[0]
            if path.startswith("plugins/"):
                return path.partition("/tests/")[0]  # the models of a plugin are trained once
            rooms = ("docs", "executors", "interactive", "resilience", "runs", "thirdparty")
            return path if any(f"/{room}/" in path for room in rooms) else nodeid

    return Together(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test reads or writes the user's cache."""
    before = os.environ.get("BENCH_CACHE")
    os.environ["BENCH_CACHE"] = str(tmp_path_factory.mktemp("bench-cache"))
    yield
    if before is None:
        del os.environ["BENCH_CACHE"]
    else:
        os.environ["BENCH_CACHE"] = before


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up files pass for the published ones: no digests of them are known."""
    from bench.data import bench_datasets
    from bench.data.celeba import CelebA
    from bench.data.source import FileSource

    def plain(file):
        return replace(file, digest="", content="")

    for kind in bench_datasets().values():
        if issubclass(kind, FileSource):
            monkeypatch.setattr(kind, "files", tuple(map(plain, kind.files)))
    monkeypatch.setattr(CelebA, "partition", plain(CelebA.partition))


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def row(self, entry: str, metric: str = "fit") -> dict:
        rows = [row for row in self.json["records"] if (row["entry"], row["metric"]) == (entry, metric)]
        assert len(rows) == 1, rows
        return rows[0]


@dataclass
class Bench:
    """`bench ...` in a folder of its own; examiners are cached for the whole test session."""

    folder: Path
    cache: Path

    @property
    def variables(self) -> dict[str, str]:
        """What it finds in its environment."""
        cache = str(self.cache)
        return {"PYTHONPATH": str(HOSTILE), "BENCH_CACHE": cache, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}

    def popen(self, *arguments: str, **variables: str) -> subprocess.Popen:
        environment = os.environ | self.variables | variables
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def __call__(self, *arguments: str, **variables: str) -> Answer:
        process = self.popen(*arguments, **variables)
        try:
            out, err = process.communicate(timeout=550)
        finally:
            process.kill()  # where the test was given up
        return Answer(process.returncode, out, err)

    def processes(self, name: str = "") -> list[psutil.Process]:
        """All that are at work in the folder: of `bench`, and what a plugin started."""
        return [it for it in psutil.process_iter() if _folder(it) == self.folder.resolve() and name in it.name()]


def _folder(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except psutil.Error:
        return None


@pytest.fixture(scope="session")
def examiners(tmp_path_factory) -> Path:
    """The cache that the processes of `bench` share, those of all test workers too, so that guide and judge are fitted once."""
    own = tmp_path_factory.getbasetemp()
    cache = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "examiners"
    cache.mkdir(exist_ok=True)
    return cache


@pytest.fixture(scope="session")
def bench_in(examiners: Path) -> Callable[[Path], Bench]:
    """`bench` in any folder."""
    return lambda folder: Bench(folder, examiners)


@pytest.fixture
def bench(tmp_path: Path, examiners: Path) -> Bench:
    return Bench(tmp_path, examiners)


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    if chromium() is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()
