"""`bench fetch`, from a server of our own."""

import functools
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.cli import main
from bench.metrics.features import inception
from bench.metrics.spaces import weights_files

CONTENT = bytes(range(256)) * 100


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the weights belong; a server has them under their published name."""
    served = tmp_path / "served"
    served.mkdir()
    (served / inception.FILE).write_bytes(CONTENT)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "weights.pth"))
    digest = hashlib.sha256(CONTENT).hexdigest()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(served))) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/{inception.FILE}"
        monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url=url, digest=digest))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield tmp_path / "weights.pth"
        server.shutdown()
        thread.join()


def test_the_weights_are_downloaded_once_to_where_they_are_looked_for(
    target: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["fetch", "inception"]) == 0
    assert capsys.readouterr().out.startswith("inception: downloaded to ")
    assert target.read_bytes() == CONTENT
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url="http://127.0.0.1:9/none"))
    assert main(["fetch", "inception"]) == 0
    assert capsys.readouterr().out.startswith("inception: already in ")


def test_a_dry_run_tells_address_place_and_digest_and_downloads_nothing(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "inception", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert inception.WEIGHTS.url in said
    assert inception.WEIGHTS.digest in said
    assert target.name in said
    assert not target.exists()


def test_another_file_is_refused_with_both_digests(
    target: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target.write_bytes(b"a Python file, say")
    assert main(["fetch", "inception"]) == 2
    said = capsys.readouterr().err
    assert hashlib.sha256(b"a Python file, say").hexdigest() in said
    assert inception.WEIGHTS.digest in said


def test_without_the_address_it_says_how_to_do_it_by_hand(
    target: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url="http://127.0.0.1:9/none"))
    assert main(["fetch", "inception"]) == 2
    assert f"put it at {target}, or set BENCH_INCEPTION to its path" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("name", ["inception", "dinov2", "clip"])
def test_each_published_file_has_a_place_of_its_own(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(f"BENCH_{name.upper()}", str(tmp_path / f"{name}.pth"))
    assert main(["fetch", name, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{name}: ")
    assert weights_files()[name].digest in said
    assert f"{name}.pth" in said


def test_a_data_set_is_prepared_and_an_unknown_name_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "digits"]) == 0
    assert capsys.readouterr().out == "digits: ready (1,294 train, 144 validation, 359 test images)\n"
    assert main(["fetch", "incepton"]) == 2
    assert "did you mean 'inception'?" in capsys.readouterr().err
