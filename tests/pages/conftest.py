"""A board with everything that a page can show, and a browser to look at it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_board import KEYS, put_run, rows

from bench.boards import merge
from bench.pages import write_pages


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of boards with their pages: not to be changed."""
    folder, runs = tmp_path_factory.mktemp("boards"), tmp_path_factory.mktemp("runs")
    for name in ("toys", "bricks", "dolls"):
        merge(folder, rows(name))
    merge(folder, rows("toys", "smoke", (0,)))
    for record in rows("toys"):
        if record.metric == "fit" and record.entry in KEYS:
            put_run(runs, record)
    for name in ("toys", "bricks", "dolls"):
        write_pages(folder, name, runs)
    return folder


@pytest.fixture
def look(browser: Any, board: Path) -> Iterator[Callable[..., Any]]:
    """Open a page of the boards. The test fails if the page reports an error, asks for anything, or says anything."""
    opened, wrong = [], []

    def opening(name: str, width: int = 1280, **context: Any) -> Any:
        where = browser.new_context(viewport={"width": width, "height": 900}, **context)
        opened.append(where)
        page = where.new_page()
        page.on("console", lambda message: wrong.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        page.goto((board / name).as_uri())
        return page

    yield opening
    for where in opened:
        where.close()
    assert wrong == []
