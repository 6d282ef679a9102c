"""Every test has a cache of its own and finds no data but what it makes."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("BENCH_CACHE", str(folder))
    monkeypatch.setenv("BENCH_DATA", "")
    monkeypatch.setattr("bench.util.paths.SYSTEM_DATA", tmp_path / "no-system-data")
    return folder
