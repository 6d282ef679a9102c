"""What pages are made of: sealed libraries, a strict policy, pictures, charts, and numbers that stay what they were."""

import base64
import hashlib
import json
import math
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from scipy.stats import friedmanchisquare
from toy_board import put_run, rows

from bench.boards import board_path, merge, read
from bench.boards.view import sections
from bench.errors import BenchError
from bench.pages import frame, write_pages
from bench.pages.claims_page import counts_by_plugin
from bench.pages.curves import MOST, drawn, thinned
from bench.pages.gallery import WIDEST, Gallery
from bench.pages.index_page import critical_difference, over_data_sets
from bench.pages.job_page import command
from bench.pages.rows import coded
from bench.registry.claims import load_claims

VENDOR = frame.HERE / "vendor"
LIBRARIES = tomllib.loads((VENDOR / "vendor.toml").read_text())["library"]


class Scripts(HTMLParser):
    """The scripts, policies and identifiers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.policy = ""
        self.ids: list[str] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if found.get("id") else []
        self._open = tag == "script" and "type" not in found
        if self._open:
            self.scripts.append("")
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_endtag(self, tag):
        self._open = False

    def handle_data(self, data):
        if self._open:
            self.scripts[-1] += data


@pytest.mark.parametrize("library", LIBRARIES, ids=[library["file"] for library in LIBRARIES])
def test_a_library_is_the_published_file(library):
    assert hashlib.sha256((VENDOR / library["file"]).read_bytes()).hexdigest() == library["sha256"]
    assert library["name"] in (VENDOR / "LICENSES.txt").read_text()


def test_every_file_beside_the_list_is_listed():
    listed = {library["file"] for library in LIBRARIES} | {"vendor.toml", "LICENSES.txt"}
    assert {path.name for path in VENDOR.iterdir()} == listed


@pytest.mark.parametrize("name", ["toys.html", "index.html", "claims.html", "jobs/aaaaaaaaaaaa.html"])
def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_loaded(board, name):
    found = Scripts((board / name).read_text())
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in found.scripts}
    allowed = set(re.findall(r"'sha256-([^']+)'", found.policy))
    assert digests == allowed
    assert found.policy.startswith("default-src 'none'; script-src ")
    assert "unsafe-eval" not in found.policy
    assert not re.search(r"https?:", found.policy)
    assert len(found.ids) == len(set(found.ids))


def test_data_cannot_end_the_element_it_stands_in():
    text = frame.page("x", "", data={"reason": "</script><script>alert(1)</script>"}, scripts=("page.js",))
    assert "alert(1)</script>" not in text
    island = re.search(r'id="data">(.*?)</script>', text)
    assert island is not None
    assert json.loads(island[1]) == {"reason": "</script><script>alert(1)</script>"}


def test_the_same_rows_give_the_same_bytes(board, tmp_path):
    for name in ("toys", "bricks", "dolls"):
        merge(tmp_path, read(board_path(board, name)))
    first = write_pages(tmp_path, "bricks", tmp_path / "no-runs").read_bytes()
    assert write_pages(tmp_path, "bricks", tmp_path / "no-runs").read_bytes() == first


def test_pictures_and_pages_of_jobs_outlive_their_runs(board, tmp_path):
    before = {path.name for path in (board / "pictures" / "toys").iterdir()}
    jobs = {path.name for path in (board / "jobs").iterdir()}
    page = write_pages(board, "toys", tmp_path / "no-runs").read_text()
    assert {path.name for path in (board / "pictures" / "toys").iterdir()} == before
    assert {path.name for path in (board / "jobs").iterdir()} == jobs
    assert page.count("data:image/webp") == 12  # three pictures of two methods in two sections


def test_a_picture_of_a_training_that_is_on_no_row_is_removed(board, tmp_path):
    merge(tmp_path, read(board_path(board, "bricks")))
    stale = tmp_path / "pictures" / "bricks" / "ffffffffffff.strip.webp"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"x")
    write_pages(tmp_path, "bricks", tmp_path / "no-runs")
    assert not stale.exists()


def test_a_wide_picture_is_made_smaller_and_a_broken_one_left_out(board, tmp_path, caplog):
    records = read(board_path(board, "toys"))
    record = next(record for record in records if record.metric == "fit" and record.entry == "alpha")
    folder = put_run(tmp_path / "runs", record, scale=8)
    (folder / "strip.png").write_bytes(b"not a picture")
    gallery = Gallery(tmp_path, "toys")
    gallery.collect(tmp_path / "runs", records)
    copy = gallery.first("samples", [record.key])
    assert copy is not None
    with Image.open(copy.path) as image:
        assert image.width == WIDEST
    assert gallery.first("strip", [record.key]) is None
    assert "strip.png was left out" in caplog.text


def test_the_rows_of_the_table_are_those_of_the_file(board):
    records = read(board_path(board, "toys"))
    columns = coded(records)["columns"]
    decoded = [columns["metric"]["values"][place] for place in columns["metric"]["places"]]
    assert decoded == [record.metric for record in records]
    values = [columns["value"]["values"][place] for place in columns["value"]["places"]]
    assert values == [record.value for record in records]


def test_the_index_leads_to_the_best_page_that_there_is(tmp_path):
    for name in ("toys", "bricks", "dolls"):
        merge(tmp_path, rows(name))
    (tmp_path / "bricks.md").write_text("# bricks")
    write_pages(tmp_path, "toys", tmp_path / "no-runs")
    text = (tmp_path / "index.html").read_text()
    assert re.findall(r"<li><h2>(.*?)</h2>", text) == [
        '<a href="bricks.md">bricks</a>', "dolls", '<a href="toys.html">toys</a>',
    ]  # fmt: skip


def test_another_board_that_cannot_be_read_costs_its_place_in_the_index_alone(tmp_path, caplog):
    merge(tmp_path, rows("toys"))
    (tmp_path / "bricks.csv").write_text("nonsense\n")
    assert write_pages(tmp_path, "toys", tmp_path / "no-runs").exists()
    assert re.findall(r"<li><h2>(.*?)</h2>", (tmp_path / "index.html").read_text()) == ['<a href="toys.html">toys</a>']
    assert "left out of the index: " in caplog.text
    assert (tmp_path / "bricks.csv").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("environment.json", "not JSON"), ("curves.json", "[1]"), ("job.json", None), ("log.txt", "\x1b[2J\0")],
)
def test_a_spoiled_run_directory_costs_at_most_the_page_of_its_job(tmp_path, caplog, name, content):
    merge(tmp_path, rows("toys"))
    record = next(record for record in rows("toys") if record.metric == "fit" and record.entry == "alpha")
    folder = put_run(tmp_path / "runs", record)
    if content is None:  # of an earlier version, which wrote less
        written = json.loads((folder / name).read_text())
        content = json.dumps(
            written | {"job": {key: written["job"][key] for key in ("entry", "dataset", "seed", "device")}}
        )
    (folder / name).write_text(content)
    page = write_pages(tmp_path, "toys", tmp_path / "runs").read_text()
    there = (tmp_path / "jobs" / f"{record.key[:12]}.html").exists()
    assert there == (name in ("curves.json", "log.txt"))
    assert there or "was not drawn" in caplog.text
    assert f'href="jobs/{record.key[:12]}.html"' in page or not there


def test_a_board_that_does_not_exist_is_a_sentence(tmp_path):
    with pytest.raises(BenchError, match="no leaderboard"):
        write_pages(tmp_path, "nothing", tmp_path)


def test_the_command_of_a_job_is_quoted_for_a_shell():
    job = {"entry": "stic", "dataset": "folder:/my pets", "budget": "quick", "seed": 3, "settings": [["note", "a b"]],
           "guide": "resnet-xs", "judge": ""}  # fmt: skip
    assert command(job) == (
        "bench run --plugins stic --dataset 'folder:/my pets' --budget quick --seeds 3 --set 'stic.note=a b' --guide resnet-xs"
    )


def test_the_critical_difference_is_that_of_the_table():
    """J. Demsar (2006), table 5 (a): q = 2.343 for three classifiers, 2.569 for four; his example has four and 14."""
    assert critical_difference(4, 14) == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    assert critical_difference(3, 10) == pytest.approx(2.343 * math.sqrt(3 * 4 / (6 * 10)), abs=1e-3)


def test_mean_ranks_over_data_sets_are_those_of_friedmans_test(board):
    found = {name: sections(read(board_path(board, name)))[0] for name in ("toys", "bricks", "dolls")}
    chart = over_data_sets(found)
    assert chart is not None
    ranks = [row["rank"] for row in chart["methods"]]
    assert ranks == [1.0, 2.0, 3.0]
    k, n = 3, 3
    statistic = 12 * n / (k * (k + 1)) * (sum(rank**2 for rank in ranks) - k * (k + 1) ** 2 / 4)
    levels = [[1.0] * 3, [2.0] * 3, [3.0] * 3]
    assert statistic == pytest.approx(friedmanchisquare(*levels).statistic)
    assert over_data_sets({name: found[name] for name in ("toys", "bricks")}) is None


def test_a_curve_keeps_its_last_point_and_its_range():
    curve = [(step, math.sin(step)) for step in range(1000)]
    thin = thinned(curve)
    assert len(thin) <= MOST + 1
    assert thin[-1] == curve[-1]
    assert "from -1 to 1" in drawn("loss", [(0, -1.0), (10, 1.0)])
    assert drawn("loss", [(0, math.nan)]) == ""
    assert "from 2 to 2" in drawn("flat", [(0, 2.0), (1, 2.0)])


def test_claims_are_counted_by_plugin():
    claims = load_claims()
    counts = counts_by_plugin(claims)
    own = [claim for claim in claims if claim.plugin == "stic"]
    shown, tried = sum(c.status == "shown" for c in own), sum(c.status != "not attempted" for c in own)
    assert counts["stic"] == f"{shown} of {tried}"


def test_paths_of_boards_are_addresses(tmp_path: Path):
    [path] = merge(tmp_path, rows("folder-a b#"))
    records = read(path)
    target = write_pages(tmp_path, records[0].dataset, tmp_path / "no-runs")
    assert target.name == "folder-a%20b%23.html"
    assert 'href="folder-a%2520b%2523.html"' in (tmp_path / "index.html").read_text()
