"""Whatever the surroundings are, `bench` does its work or says in one sentence what is in its way."""

import json
import os
import shutil
from pathlib import Path

import pytest
from surroundings import (
    BENCH,
    as_a_stranger,
    run,
    shell,
    why_no_mounts,
    why_no_stranger,
)

BOARDS = Path(__file__).parents[2] / "leaderboards"
SMOKE = "run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke"
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
    assert answer.stdout.splitlines() == ["digits", "\\udcff\\x1b[31m"]
    answer = run([*BENCH, "leaderboard", "\x1b[31m\n\udcff"], boards.parent)
    assert answer.returncode == 2
    says(answer.stderr, "there is no board")
    assert "\x1b" not in answer.stderr


# Homes


@stranger
def test_without_a_home_what_needs_no_cache_works(boards: Path):
    answer = run(as_a_stranger([*BENCH, "claims", "dr-vae"]), boards.parent, unset=["HOME", "BENCH_CACHE"])
    assert (answer.returncode, answer.stderr) == (0, "")


@stranger
def test_without_a_home_the_sentence_names_the_variable_to_set(boards: Path):
    answer = run(as_a_stranger([*BENCH, "leaderboard", "digits"]), boards.parent, unset=["HOME", "BENCH_CACHE"])
    assert "bench: there is no home directory to keep a cache in: set BENCH_CACHE" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(boards.parent.glob("~"))


@stranger
def test_a_board_that_may_only_be_read_is_printed(boards: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    cache.mkdir()
    os.chown(cache, 54_321, 54_321)
    answer = run(as_a_stranger([*BENCH, "leaderboard", "digits", "--json"]), boards.parent, BENCH_CACHE=str(cache))
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)
    says(answer.stderr, "the page is not renewed", "digits.csv: Permission denied")


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
    assert "there is no folder or zip file" in lines[0]
    assert "is not a whole folder of images: " in lines[1]
    assert "begins with a home directory that there is not" in lines[2]
    assert "there is no folder or zip file" in lines[3]
    assert "needs a file that is not here" in lines[4]
