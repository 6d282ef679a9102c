"""A plugin that misbehaves is a row with a reason, and its neighbours finish untouched."""

import pytest

WANTED = {
    "raises": ("failed", "RuntimeError: [bold]boom[/bold] | with a pipe"),
    "hangs": ("timeout", "ran longer than"),
    "dies": ("killed", "SIGKILL"),
    "exits": ("killed", "exit code 3"),
    "eats": ("killed", "--memory"),
    "diverges": ("diverged", "loss = nan"),
    "overspends": ("failed", "asked for 2560 training images"),
    "unimportable": ("failed", "OSError: cannot be imported"),
}
BAD_SAMPLES = {
    "draws-nan": "not finite",
    "draws-too-bright": "[0, 1]",
    "draws-wrong-shape": "shape",
    "draws-with-grad": "grad",
    "draws-from-the-global-rng": "global",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def answer(folder, bench_in, tmp_path_factory):
    names = ",".join([*WANTED, *BAD_SAMPLES, "prints", "good"])
    bench = bench_in(folder)
    nothing_fitted = str(tmp_path_factory.mktemp("empty-cache"))
    arguments = (
        "--dataset",
        "digits",
        "--budget",
        "smoke",
        "--json",
        "--timeout",
        "25",
        "--memory",
        "2.5",
        "--jobs",
        "2",
    )
    return bench("run", "--plugins", names, *arguments, BENCH_CACHE=nothing_fitted)


def test_the_exit_code_says_that_some_job_failed(answer):
    assert answer.code == 1, answer.err


@pytest.mark.parametrize("entry", WANTED)
def test_a_failing_training_is_a_row_with_status_and_reason(answer, entry):
    row = answer.row(entry)
    assert row["status"] == WANTED[entry][0]
    assert WANTED[entry][1] in row["reason"]
    assert row["value"] is None


def test_every_row_names_the_same_guide_and_judge_even_one_that_failed_before_they_were_fitted(answer):
    named = {(row["guide"], row["judge"]) for row in answer.json["records"]}
    assert len(named) == 1
    assert all("@" in name for name in named.pop())


@pytest.mark.parametrize("entry", BAD_SAMPLES)
def test_bad_samples_are_refused_with_a_reason(answer, entry):
    assert answer.row(entry)["status"] == "ok"
    row = answer.row(entry, "fd-lite0")
    assert row["status"] == "failed"
    assert BAD_SAMPLES[entry] in row["reason"].lower()


@pytest.mark.parametrize("entry", ["good", "prints", "real", "replay", "mean", "noise"])
def test_the_neighbours_finish_untouched(answer, entry):
    assert answer.row(entry)["status"] == "ok"
    assert answer.row(entry, "fd-lite0")["value"] > 0


def test_a_diverged_training_keeps_what_its_model_could_still_draw(answer, folder):
    (run,) = (folder / "runs" / "digits" / "diverges").iterdir()
    assert (run / "last-good.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "last-good.npz").exists()


def test_what_a_plugin_prints_goes_to_its_log(answer):
    assert "spam" not in answer.out
    assert "spam" not in answer.err


def test_each_row_names_the_distribution_and_its_version(answer):
    assert (answer.row("good")["distribution"], answer.row("good")["version"]) == ("bench-hostile", "1.2")
    assert answer.row("unimportable")["distribution"] == "bench-unimportable"
