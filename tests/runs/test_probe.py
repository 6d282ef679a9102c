"""A run on data with known factors fits a probe besides the guide and the judge; other runs know nothing of it."""

import pytest


@pytest.fixture(scope="module")
def sprites_run(tmp_path_factory, bench_in):
    bench = bench_in(tmp_path_factory.mktemp("sprites"))
    return bench, bench("run", "--plugins", "good", "--dataset", "sprites", "--budget", "smoke", "--json")


def test_a_run_on_sprites_fits_a_probe_and_names_its_worst_factor(sprites_run):
    _, answer = sprites_run
    assert answer.code == 0, answer.err
    (note,) = (line for line in answer.err.splitlines() if line.startswith("probe factor-probe@"))
    assert "worst factor " in note


def test_a_probe_below_its_floor_does_not_stop_a_run(sprites_run):
    """At `smoke` it has seen too few images to read the orientation."""
    _, answer = sprites_run
    assert "left out: " in answer.err
    assert {row["status"] for row in answer.json["records"]} <= {"ok", "skipped"}


@pytest.mark.whole
def test_a_second_run_finds_the_probe_in_the_cache(sprites_run, tmp_path, bench_in):
    answer = bench_in(tmp_path)("run", "--plugins", "good", "--dataset", "sprites", "--budget", "smoke", "--json")
    (note,) = (line for line in answer.err.splitlines() if line.startswith("probe factor-probe@"))
    assert note.endswith("(cached)")


def test_a_run_leaves_pictures_of_the_codes_of_an_anchor(sprites_run):
    """The true factors are the codes of `real`: nothing else decides the images."""
    [folder] = (sprites_run[0].folder / "runs" / "sprites" / "real").iterdir()
    pictures = {path.name for path in folder.glob("*.png")}
    assert pictures == {"samples.png", "strip.png", "control.png", "traversals.png", "traversals-add.png"}
    page = (folder / "discovery.html").read_text(encoding="utf-8")
    assert "real seed 0 on sprites" in page
    assert page.count("<img ") == 7  # factors
