"""A plugin that misbehaves is a row with a reason, and its neighbours finish untouched."""

import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench.evaluation.anchors import ANCHORS
from bench.execution.isolated_import import refused
from bench.util.processes import end_children

TRAININGS = {
    "fails-at-construction": ("failed", "ValueError: no such network"),
    "raises": ("failed", "RuntimeError: [bold]boom[/bold] | with a pipe"),
    "raises-unpicklable": ("failed", "Unpicklable: cannot be pickled"),
    "raises-a-megabyte": ("failed", "xxxxx…"),
    "raises-escapes": ("failed", r"\x1b[2J\x1b]0;owned\x07\u202egnp"),
    "raises-without-text": ("failed", "Textless"),
    "interrupts": ("failed", "KeyboardInterrupt"),
    "exits-politely": ("failed", "SystemExit: 0"),
    "hangs": ("timeout", "ran longer than"),
    "hangs-in-sample": ("timeout", "(while sampling)"),
    "dies": ("killed", "SIGKILL"),
    "dies-and-leaves-a-child": ("killed", "SIGKILL"),
    "crashes": ("killed", "SIGSEGV"),
    "exits": ("killed", "exited with code 3"),
    "eats": ("killed", "--memory"),
    "fills-the-disk": ("failed", "File too large"),
    "prints-without-end": ("failed", "File too large"),
    "diverges": ("diverged", "loss = nan"),
    "overspends": ("failed", "needs 2560 training images"),
    "raises-its-budget": ("failed", "AttributeError"),
    "reads-the-test-split": ("failed", "AttributeError: 'Run' object has no attribute 'test'"),
    "changes-the-guide": ("failed", "modified the guide"),
    "changes-its-images": ("failed", "modified the training images"),
    "seeds-the-world": ("failed", "modified numpy's global random state, python's global random state"),
    "speaks-to-the-host": ("killed", "sent an invalid message"),
    "says-half-a-word": ("killed", "sent an invalid message"),
    "lies-to-the-host": ("failed", "wrote no training record"),
    "closes-everything": ("killed", "exited with code"),
    "crashes-early": ("failed", "importing it ended the process (SIGSEGV)"),
    "unimportable": ("failed", "OSError: cannot be imported"),
}
SAMPLES = {
    "fails-in-sample": "RuntimeError: nothing to draw",
    "draws-nan": "nan or inf",
    "draws-too-bright": "[0, 1]",
    "draws-wrong-shape": "shape",
    "draws-doubles": "float64",
    "draws-elsewhere": "meta",
    "draws-nothing": "NoneType",
    "draws-with-grad": "grad",
    "draws-from-the-global-rng": "global",
}
PUT_BACK = {
    "changes-torch": "fit changed torch's default dtype from torch.float32 to torch.float64, torch's grad mode from True",
    "changes-torch-in-sample": "sample changed torch's default dtype from torch.float32 to torch.float64, which was put back",
    "changes-the-folder": "fit changed the working directory from ",
    "changes-the-environment": "to /nowhere, which was put back",
    "changes-signals": "fit changed the handler of SIGINT from default_int_handler to SIG_IGN, which was put back",
    "loads-with-workers": "seed 0: ok: fit changed torch.backends.cudnn.benchmark from False to True, which was put back",
}
HARMLESS = (
    *PUT_BACK,
    "meddles-early",
    "draws-one-image-many-times",
    "reuses-its-buffer",
    "draws-its-training-images",
    "leaves-threads",
    "leaves-children",
    "writes-outside",
    "prints",
)
NEIGHBOURS = ("good", *ANCHORS)
TOY = ("--dataset", "toys-dots", "--budget", "smoke", "--json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, bench_in):
    """The good one alone."""
    bench = bench_in(tmp_path_factory.mktemp("undisturbed"))
    return bench("run", "--plugins", "good", *TOY)


@pytest.fixture(scope="module")
def answer(folder, bench_in, undisturbed):
    """One run of them all, with guide and judge in the cache: they have the same limits, and may need longer."""
    names = ",".join(["good", *TRAININGS, *SAMPLES, *HARMLESS])
    limits = ("--timeout", "45", "--memory", "1.5", "--disk", "0.05", "--jobs", "3")
    path = os.pathsep.join(str(Path(__file__).parent / name) for name in ("hostile", "early"))
    return bench_in(folder)("run", "--plugins", names, *TOY, *limits, PYTHONPATH=path)


def test_the_exit_code_says_that_some_job_failed_and_no_traceback_is_shown(answer):
    assert answer.code == 1, answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("entry", TRAININGS)
def test_a_failing_training_is_a_row_with_status_and_reason(answer, entry):
    row = answer.row(entry)
    assert (row["status"], row["value"]) == (TRAININGS[entry][0], None), row
    assert TRAININGS[entry][1] in row["reason"]
    assert len(row["reason"]) <= 1100


@pytest.mark.parametrize("entry", SAMPLES)
def test_bad_samples_are_refused_with_a_reason(answer, entry):
    assert answer.row(entry)["status"] == "ok"
    row = answer.row(entry, "fd-lite0")
    assert row["status"] == "failed"
    assert SAMPLES[entry] in row["reason"]


@pytest.mark.parametrize("entry", HARMLESS)
def test_what_harms_nobody_is_measured_like_any_other(answer, entry):
    assert answer.row(entry)["status"] == "ok", answer.row(entry)
    assert answer.row(entry, "fd-lite0")["value"] > 0


@pytest.mark.parametrize("entry", PUT_BACK)
def test_a_setting_that_can_be_put_back_is_told_and_the_model_is_kept(answer, entry):
    (line,) = (line for line in answer.err.splitlines() if line.startswith(f"{entry} seed 0: ok"))
    assert PUT_BACK[entry] in line


def test_what_an_import_changes_is_put_back_and_told(answer):
    (line,) = {line for line in answer.err.splitlines() if "importing plugin 'meddles-early' changed" in line}
    for change in ("benchmark from False to True", "directory from ", "to SIG_IGN", "put back"):
        assert change in line


def test_a_handler_that_torch_installs_for_its_workers_is_not_told(answer):
    assert "SIGCHLD" not in answer.err


def test_the_neighbours_finish_untouched(answer, undisturbed):
    def numbers(answer):
        costs = ("train-seconds", "images-per-second", "sample-seconds-per-1000", "peak-memory-mb")
        rows = [row for row in answer.json["records"] if row["entry"] in NEIGHBOURS and row["metric"] not in costs]
        return {(row["entry"], row["metric"]): (row["status"], row["value"], row["judge"]) for row in rows}

    assert undisturbed.code == 0, undisturbed.err
    assert numbers(answer) == numbers(undisturbed)


def test_every_row_names_the_same_guide_and_judge_even_one_that_failed_before_they_were_known(answer):
    named = {(row["guide"], row["judge"]) for row in answer.json["records"]}
    assert len(named) == 1
    assert all("@" in name for name in named.pop())


def test_a_diverged_training_keeps_what_its_model_could_still_draw(answer, folder):
    (run,) = (folder / "runs" / "toys-dots" / "diverges").iterdir()
    assert (run / "last-good.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "last-good.npz").exists()


def test_what_a_plugin_prints_goes_to_its_log(answer):
    assert "spam" not in answer.out
    assert "spam" not in answer.err


def test_what_a_plugin_raises_cannot_speak_to_the_terminal_or_the_page(answer, folder):
    page = (folder / "runs/leaderboards" / "dots.md").read_text()
    for text in (answer.out, answer.err, page):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in page


def test_no_process_outlives_the_run(answer, folder, bench_in):
    assert bench_in(folder).processes() == []


def test_one_who_dies_is_missed_at_once_even_where_a_child_holds_its_pipe(answer):
    assert answer.row("dies-and-leaves-a-child")["status"] == "killed"  # not timeout


def test_no_checkpoint_lies_where_a_phase_points_to(answer, folder):
    assert not [path for path in folder.parent.rglob("*escaped*") if folder / "runs" not in path.parents]


def test_each_row_names_the_distribution_and_its_version(answer):
    assert (answer.row("good")["distribution"], answer.row("good")["version"]) == ("bench-hostile", "1.2")
    assert answer.row("unimportable")["distribution"] == "bench-unimportable"


@pytest.mark.whole
def test_one_that_never_comes_back_from_its_import_is_given_up(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "early"))
    point = EntryPoint("hangs-early", "bench_hangs_early", "bench")
    assert refused(point, seconds=60) == "importing it took longer than 60 s"
    end_children()
