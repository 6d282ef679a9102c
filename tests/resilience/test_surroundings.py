"""Whatever the surroundings are, `bench` does its work or says in one sentence what is in its way."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from surroundings import (
    BENCH,
    as_a_stranger,
    on_a_disk,
    read_only,
    run,
    shell,
    why_no_mounts,
    why_no_stranger,
)

if TYPE_CHECKING:
    from conftest import Bench

BOARDS = Path(__file__).parents[2] / "leaderboards"
SMOKE = "run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke"
FITTED = "--guide", "fit", "--judge", "fit"  # not the published ones, which need no cache
mounts = pytest.mark.skipif(bool(why_no_mounts()), reason=why_no_mounts() or "none")
stranger = pytest.mark.skipif(bool(why_no_stranger()), reason=why_no_stranger() or "none")


def says(err: str, *words: str) -> None:
    """One sentence with these words, and no traceback."""
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert lines[0].startswith("bench: ")
    assert all(word in lines[0] for word in words), err


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    folder = tmp_path / "leaderboards"
    folder.mkdir(mode=0o755)
    shutil.copy(BOARDS / "digits.csv", folder)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)  # so that strangers may look
    return folder


# Streams


@pytest.mark.parametrize("command", ["claims", "claims --json", "leaderboard digits --json", "completion bash"])
def test_a_reader_who_has_enough_is_no_error(boards: Path, command: str):
    answer = shell(f"($BENCH {command}; echo $? > code) | head -c 1 | wc -c", boards.parent)
    assert answer.stdout.split() == ["1"]
    assert (boards.parent / "code").read_text() == "0\n"
    assert answer.stderr == ""


@pytest.mark.parametrize("command", ["claims --json", "--help"])
def test_a_reader_who_reads_nothing_is_no_error(tmp_path: Path, command: str):
    answer = shell(f"(sleep 0.5; $BENCH {command}; echo $? > code) | true", tmp_path)
    assert (tmp_path / "code").read_text() == "0\n"
    assert answer.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["claims", "claims --json", "completion bash"])
def test_output_onto_a_full_disk_is_one_sentence(tmp_path: Path, command: str):
    answer = shell(f"$BENCH {command} > /dev/full", tmp_path)
    assert answer.returncode == 1
    says(answer.stderr, "cannot write to standard output", "No space left on device")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_lead_nowhere(tmp_path: Path, closed: str):
    look = "import sys, bench.cli; code = bench.cli.main(['claims']); open('opened', 'w').write(str(open('x', 'w').fileno()))"
    answer = shell(f'{BENCH[0]} -c "{look}" {closed}', tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert int((tmp_path / "opened").read_text()) > 2


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"LC_ALL": "no_SUCH.locale"},
        {"TERM": "", "COLUMNS": "none", "LINES": "-1"},
        {"COLUMNS": "0"},
    ],
    ids=str,
)
def test_no_locale_and_no_terminal_is_in_the_way(boards: Path, variables: dict[str, str]):
    for command, word in ((["leaderboard", "digits"], "stic"), (["claims"], "dr-vae")):
        answer = run([*BENCH, *command], boards.parent, **variables)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert word in answer.stdout


def test_names_of_files_that_are_no_text_do_nothing_to_a_terminal(boards: Path):
    (boards / os.fsdecode(b"\xff\x1b[31m.csv")).write_bytes(b"")
    answer = run([*BENCH, "leaderboard"], boards.parent)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == ["digits", "leaderboards", "\\udcff\\x1b[31m", "leaderboards"]
    answer = run([*BENCH, "leaderboard", "\x1b[31m\n\udcff"], boards.parent)
    assert answer.returncode == 2
    says(answer.stderr, "no leaderboard")
    assert "\x1b" not in answer.stderr


# Homes


@stranger
def test_without_a_home_what_needs_no_cache_works(boards: Path):
    answer = run(as_a_stranger([*BENCH, "claims", "dr-vae"]), boards.parent, unset=["HOME", "BENCH_CACHE"])
    assert (answer.returncode, answer.stderr) == (0, "")


@stranger
def test_without_a_home_the_sentence_names_the_variable_to_set(boards: Path):
    command = [*BENCH, "run", "--plugins", "vae", "--dataset", "digits", "--budget", "smoke", "--dry-run"]
    answer = run(as_a_stranger(command), boards.parent, unset=["HOME", "BENCH_CACHE"])
    assert answer.returncode == 2
    says(answer.stderr, "no home directory for the cache; set BENCH_CACHE")
    assert "Traceback" not in answer.stderr
    assert not list(boards.parent.glob("~"))


@stranger
def test_a_board_that_may_only_be_read_is_printed(boards: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    cache.mkdir()
    os.chown(cache, 54_321, 54_321)
    answer = run(
        as_a_stranger([*BENCH, "leaderboard", "digits", "--json", "--leaderboards", "leaderboards"]),
        boards.parent,
        BENCH_CACHE=str(cache),
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)
    says(answer.stderr, "could not update the page", "digits.csv: Permission denied")


@stranger
def test_a_folder_that_may_not_be_looked_into_is_not_there(boards: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    (secret / "cat").mkdir(parents=True)
    secret.chmod(0o700)
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 54_321, 54_321)
    load = (
        "import sys; from bench.data import load; from bench.errors import BenchError\n"
        "for name in sys.argv[1:]:\n  try: load(name)\n  except BenchError as error: print(error)"
    )
    names = [f"folder:{secret}/cat", f"folder:{secret}", "folder:~nobody-knows/pets", "folder:" + "x" * 5000, "celeba"]
    environment = {"BENCH_CACHE": str(tmp_path / "cache"), "BENCH_DATA": str(secret), "HOME": str(secret)}
    answer = run(as_a_stranger([BENCH[0], "-c", load, *names]), boards.parent, **environment)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == len(names)
    assert "no such folder or zip file" in lines[0]
    assert "is not a valid folder of images: " in lines[1]
    assert "cannot expand" in lines[2]
    assert "no such folder or zip file" in lines[3]
    assert "needs a file that was not found" in lines[4]


# Disks


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than the others."""
    here = Path(tempfile.gettempdir()).stat().st_dev
    roots = [Path(root) for root in ("/dev/shm", "/run/shm", "/var/tmp") if os.access(root, os.W_OK)]
    other = next((root for root in roots if root.stat().st_dev != here), None)
    if other is None:
        pytest.skip("there is no second file system that can be written")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        yield Path(folder)


@pytest.mark.usefixtures("made_up")
def test_data_on_another_file_system_is_prepared_in_the_cache(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
):
    from test_corrupt_inputs import _mnist_files

    from bench.data import load

    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_DATA", str(elsewhere))
    for name, content in _mnist_files().items():
        (elsewhere / name).write_bytes(content)
    assert len(load("mnist").train) == 90
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(_mnist_files())
    monkeypatch.setenv("BENCH_CACHE", str(elsewhere / "cache"))
    assert len(load("mnist").train) == 90


@mounts
@pytest.mark.parametrize("kilobytes", [4, 40])
def test_a_board_on_a_full_disk_is_a_sentence_and_stays(tmp_path: Path, kilobytes: int):
    """The board of digits has more than 40 kB."""
    place = tmp_path / "boards"
    place.mkdir()
    merge = (
        "import sys; from pathlib import Path; from bench.boards import merge, read, board_path\n"
        "from bench.errors import BenchError\n"
        f"rows = read(Path({str(BOARDS / 'digits.csv')!r})); place = Path({str(place)!r})\n"
        "merge(place, rows[:3]); before = board_path(place, 'digits').read_bytes()\n"
        "try: merge(place, rows)\nexcept BenchError as error: print(error)\n"
        "assert board_path(place, 'digits').read_bytes() == before\n"
        "print(*sorted(path.name for path in place.iterdir() if path.suffix != '.lock'))"
    )
    answer = run(on_a_disk(place, kilobytes, [BENCH[0], "-c", merge]), tmp_path)
    assert answer.returncode == 0, answer.stderr
    said, left = answer.stdout.splitlines()
    assert said.startswith(f"cannot write {place}/digits.csv: No space left on device; make room there")
    assert left == "digits.csv"


@mounts
def test_runs_that_can_only_be_read_are_a_sentence_before_any_compute(bench: "Bench"):
    (bench.folder / "runs").mkdir()
    command = read_only(bench.folder / "runs", [*BENCH, *SMOKE])
    answer = run(command, bench.folder, **bench.variables)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1, answer.stderr
    says(answer.stderr, f"cannot write to {bench.folder}/runs".replace(f"{bench.folder}/", ""), "Read-only file system")


# Whole runs


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, bench_in: Callable[[Path], "Bench"]) -> "Bench":
    """A finished run in ordinary surroundings, which also fills the cache."""
    bench = bench_in(tmp_path_factory.mktemp("first"))
    answer = bench(*SMOKE, "--json")
    assert answer.code == 0, answer.err
    return bench


def numbers(folder: Path, dataset: str = "digits") -> dict[tuple[str, int, str], float | None]:
    from bench.boards import board_path, read

    costs = ("train-seconds", "images-per-second", "sample-seconds-per-1000", "peak-memory-mb")
    rows = read(board_path(folder / "runs/leaderboards", dataset))
    return {(row.entry, row.seed, row.metric): row.value for row in rows if row.metric not in costs}


@mounts
@pytest.mark.whole
@pytest.mark.parametrize("kilobytes", [200, 700])
def test_runs_on_a_disk_that_fills_up_are_rows_with_the_reason_and_go_on_where_there_is_room(
    first: "Bench", bench: "Bench", kilobytes: int
):
    (bench.folder / "runs").mkdir()
    kept = f"{' '.join([*BENCH, *SMOKE])}; code=$?; cp -a runs kept; exit $code"
    command = on_a_disk(bench.folder / "runs", kilobytes, ["bash", "-c", kept])
    answer = run(command, bench.folder, **bench.variables)
    assert answer.returncode == 1, answer.stderr
    assert "No space left on device" in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr, answer.stderr
    (bench.folder / "runs").rmdir()
    (bench.folder / "kept").rename(bench.folder / "runs")
    assert not list((bench.folder / "runs").rglob("*.tmp"))
    again = bench(*SMOKE)
    assert again.code == 0, again.err
    assert numbers(bench.folder) == numbers(first.folder)


@mounts
@pytest.mark.whole
def test_a_cache_that_can_only_be_read_is_a_sentence(first: "Bench", bench: "Bench"):
    answer = run(read_only(bench.cache, [*BENCH, *SMOKE, *FITTED]), bench.folder, **bench.variables)
    assert answer.returncode == 1
    assert "bench: the guide could not be fitted: cannot use the cache" in answer.stderr
    assert "Read-only file system; set BENCH_CACHE" in answer.stderr
    assert "Traceback" not in answer.stderr


@mounts
@pytest.mark.whole
def test_a_cache_that_fills_up_is_a_sentence(bench: "Bench"):
    (bench.folder / "cache").mkdir()
    variables = bench.variables | {"BENCH_CACHE": str(bench.folder / "cache")}
    answer = run(on_a_disk(bench.folder / "cache", 3_000, [*BENCH, *SMOKE, *FITTED]), bench.folder, **variables)
    assert answer.returncode == 1
    assert "cannot use the cache" in answer.stderr
    assert "No space left on device; set BENCH_CACHE" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.whole
def test_a_run_over_three_file_systems_is_the_same_run(first: "Bench", bench: "Bench", elsewhere: Path):
    answer = bench(*SMOKE, "--runs", str(elsewhere / "runs"), BENCH_DATA=str(elsewhere))
    assert answer.code == 0, answer.err
    assert numbers(bench.folder) == numbers(first.folder)


@pytest.mark.whole
@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>&1 | head -n 1", "> /dev/full"])
def test_a_run_that_nobody_listens_to_is_the_same_run(first: "Bench", bench: "Bench", closed: str):
    line = f"(LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $BENCH {' '.join(SMOKE)}; echo $? > code)"
    shell(f"{line} {closed}", bench.folder, **bench.variables)
    assert (bench.folder / "code").read_text() == ("1\n" if "full" in closed else "0\n")
    assert numbers(bench.folder) == numbers(first.folder)


@pytest.mark.whole
@stranger
def test_a_run_of_a_user_without_name_and_home_is_the_same_run(first: "Bench", bench: "Bench"):
    for path in (bench.folder, *bench.folder.parents):
        path.chmod(path.stat().st_mode | 0o055)
    copy = bench.folder / "cache"
    shutil.copytree(bench.cache, copy)
    for path in (bench.folder, copy, *copy.rglob("*")):
        os.chown(path, 54_321, 54_321)
    variables = bench.variables | {"BENCH_CACHE": str(copy)}
    answer = run(as_a_stranger([*BENCH, *SMOKE]), bench.folder, unset=["HOME"], **variables)
    assert answer.returncode == 0, answer.stderr
    assert numbers(bench.folder) == numbers(first.folder)


@pytest.mark.whole
def test_a_data_set_whose_name_is_no_text_has_a_board(bench: "Bench"):
    from test_corrupt_inputs import fill

    home = fill(bench.folder / os.fsdecode(b"p\xffts"), 20)
    answer = bench("run", "--plugins", "good", "--dataset", f"folder:{home}", "--budget", "smoke", "--json")
    failed = [record for record in json.loads(answer.out)["records"] if record["status"] == "failed"]
    assert {record["metric"] for record in failed} == {"diversity-ratio"}, answer.err  # of images that are all the same
    assert (bench.folder / "runs/leaderboards" / "folder-p-ts.csv").exists()
