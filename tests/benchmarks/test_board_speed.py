"""Boards of 10,000 rows and more: pages, sorting in a browser, and what a job costs when it ends."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from toy_board import rows

from bench.boards import add, board_path, merge
from bench.pages import write_pages
from bench.results.record import Record

METHODS, METRICS, SEEDS = 40, 50, 5  # 10,000 rows
JOB_ROWS = 60


def many(methods: int = METHODS) -> Iterator[Record]:
    row = next(row for row in rows() if row.metric == "fd-lite0")
    for method in range(methods):
        for metric in range(METRICS):
            for seed in range(SEEDS):
                name = f"fd-timm:net{metric}" if metric else "fd-lite0"
                value = float(method + metric) + 0.1 * seed
                yield replace(row, entry=f"method-{method}", metric=name, seed=seed, value=value, protocol=f"{name}:v1")


def test_the_pages_of_10_000_rows(benchmark, tmp_path: Path):
    merge(tmp_path, many())
    benchmark.pedantic(lambda: write_pages(tmp_path, "toys", tmp_path / "no-runs"), rounds=3)


@pytest.mark.parametrize("methods", [10, 88])
def test_a_job_that_ends_on_a_board_of_2_500_or_22_000_rows(benchmark, tmp_path: Path, methods: int):
    merge(tmp_path, many(methods))
    row = next(many(1))
    counter = iter(range(10_000))

    def end() -> None:
        seed = 100 + next(counter)
        add(tmp_path, [replace(row, seed=seed, metric=f"part-{number}") for number in range(JOB_ROWS)])

    benchmark.pedantic(end, rounds=100, warmup_rounds=1)
    assert board_path(tmp_path, "toys").exists()


def test_sorting_10_000_rows_in_a_browser(benchmark, tmp_path: Path, browser):
    merge(tmp_path, many())
    page = browser.new_page()
    page.goto(write_pages(tmp_path, "toys", tmp_path / "no-runs").as_uri())
    page.locator("summary", has_text="rows, to filter").click()
    page.wait_for_selector(".tabulator-row")
    way = iter(["asc", "desc"] * 20)
    benchmark.pedantic(lambda: page.evaluate(f"everyRow.setSort('value', '{next(way)}')"), rounds=10)
