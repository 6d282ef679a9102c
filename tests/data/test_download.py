"""Downloads, from a server of our own."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.data.download import CHUNK, download
from bench.data.files import Published, home
from bench.errors import BenchError

CONTENT = bytes(range(256)) * 2_000
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; what it does wrong is set by the test."""

    cuts: int = 0  # answers that break off half way
    ranges: bool = True
    status: int = 200
    content: bytes = CONTENT

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/set.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        if server.status != 200 or start >= len(server.content):
            self.send_response(server.status if server.status != 200 else 416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cuts:
            server.cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def published(*urls: str, digest: str = SHA256) -> Published:
    return Published("set.bin", urls, digest, page="the web")


def leftovers(file: Published) -> list[str]:
    return [path.name for path in home(file, "toy").parent.iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("digest", [SHA256, MD5])
def test_a_file_is_fetched_once_into_the_cache(server: Server, cache: Path, digest: str):
    file = published(server.url, digest=digest)
    path = download(file, "toy")
    assert path == cache / "data" / "toy" / "set.bin"
    assert path.read_bytes() == CONTENT
    assert download(file, "toy") == path
    assert len(server.asked) == 1
    assert leftovers(file) == ["set.bin"]


def test_an_interrupted_transfer_is_resumed(server: Server):
    server.cuts = 2
    assert download(published(server.url), "toy").read_bytes() == CONTENT
    asked = [int(wanted.removeprefix("bytes=").removesuffix("-")) for wanted in server.asked if wanted]
    half = len(CONTENT) // 2
    assert len(asked) == 2
    assert half - CHUNK < asked[0] <= half
    assert asked[0] + (len(CONTENT) - asked[0]) // 2 - CHUNK < asked[1] <= asked[0] + (len(CONTENT) - asked[0]) // 2


def test_a_later_call_resumes_an_earlier_one_that_was_killed(server: Server):
    file = published(server.url)
    part = home(file, "toy").with_name("set.bin.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    assert download(file, "toy").read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]
    assert leftovers(file) == ["set.bin"]


def test_a_complete_part_is_not_transferred_again(server: Server):
    file = published(server.url)
    part = home(file, "toy").with_name("set.bin.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert download(file, "toy").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server: Server):
    server.cuts, server.ranges = 1, False
    assert download(published(server.url), "toy").read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away(server: Server):
    file = published(server.url)
    part = home(file, "toy").with_name("set.bin.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"other" * 100)
    assert download(file, "toy").read_bytes() == CONTENT
    assert server.asked == ["bytes=500-", None]


def test_a_wrong_digest_is_refused_and_nothing_kept(server: Server):
    server.content = CONTENT[:-1] + b"x"
    file = published(server.url)
    with pytest.raises(
        BenchError, match=r"sent another file: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}; get set\.bin"
    ):
        download(file, "toy")
    assert leftovers(file) == []


def test_the_next_address_is_tried(server: Server):
    dead = "http://127.0.0.1:9/set.bin"
    assert download(published(dead, server.url), "toy").read_bytes() == CONTENT


def test_a_refusal_is_not_asked_for_again(server: Server):
    server.status = 404
    with pytest.raises(BenchError, match="answered 404"):
        download(published(server.url), "toy")
    assert len(server.asked) == 1


def test_offline_the_error_says_where_to_get_it_and_where_to_put_it(cache: Path):
    url = "http://127.0.0.1:9/set.bin"
    with pytest.raises(BenchError) as caught:
        download(published(url), "toy")
    sentence = str(caught.value)
    assert sentence.startswith(
        f"cannot download set.bin: {url} cannot be reached; get set.bin from {url} and put it at "
    )
    assert str(cache / "data" / "toy" / "set.bin") in sentence
    assert "$BENCH_DATA" in sentence


def test_a_connection_that_keeps_breaking_ends_and_keeps_the_part(server: Server):
    server.cuts = 99
    file = published(server.url)
    with pytest.raises(BenchError, match="closed the connection early"):
        download(file, "toy")
    assert leftovers(file) == ["set.bin.part"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    with pytest.raises(BenchError, match=r"cannot write .*set\.bin"):
        download(published("http://127.0.0.1:9/set.bin"), "toy")
