"""Download a published file: resumable, verified against its digest, and moved into place atomically."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from bench.data.files import Published, advice, home
from bench.data.progress import progress
from bench.errors import BenchError

if TYPE_CHECKING:
    import requests

CHUNK = 2**16  # bytes; an interrupted transfer loses at most one chunk
TIMEOUT = (10.0, 30.0)  # seconds: to connect, between two chunks
ATTEMPTS = 3  # per address; each resumes where the previous one stopped


def download(file: Published, dataset: str) -> Path:
    """Download `file` into the cache and return its path.

    Raises `BenchError` that says where the file can be found and where to put it by hand.
    """
    target = home(file, dataset)
    download_to(target, file, advice(file, dataset))
    return target


def download_to(target: Path, file: Published, by_hand: str) -> None:
    """Download `file` to `target`, unless it is there. An error ends with `by_hand`: how to do without a download."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{file.name}.lock")):
            if not target.is_file():
                _fetch(file, target, by_hand)
    except OSError as error:
        raise BenchError(f"cannot write {target}: {error.strerror or error}") from error


def file_digest(path: Path, algorithm: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _fetch(file: Published, target: Path, by_hand: str) -> None:
    import requests

    part = target.with_name(f"{file.name}.part")
    problems = []
    for url in file.urls:
        for _ in range(ATTEMPTS):
            try:
                resumed = _transfer(url, part)
                _verify(part, file.digest)
                os.replace(part, target)
                return
            except _WrongDigest as error:
                part.unlink()
                problems.append(f"{url} {error}")
                if not resumed:
                    break
            except requests.RequestException as error:
                problems.append(f"{url} {_short(error)}")
                if isinstance(error, requests.HTTPError) or not part.exists():
                    break  # refused, or no data: another attempt would not help
    raise BenchError(f"cannot download {file.name}: {problems[-1]}; {by_hand}")


class _WrongDigest(Exception):
    pass


def _verify(path: Path, digest: str) -> None:
    algorithm, _, expected = digest.partition(":")
    actual = file_digest(path, algorithm)
    if actual != expected:
        raise _WrongDigest(f"sent another file: expected {algorithm} {expected}, got {actual}")


def _transfer(url: str, part: Path) -> bool:
    """Append the missing bytes to `part`. Returns whether the server resumed from the bytes that it held."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # range not satisfiable: `part` is already complete, or part of another file
            return True
        response.raise_for_status()
        resumed = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if response.status_code == 206 and not resumed:
            raise requests.RequestException("answered with another range than the requested one")
        length = response.headers.get("Content-Length", "")
        rest = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        with progress(part.stem, rest, in_bytes=True) as more, open(part, "ab" if resumed else "wb") as file:
            _copy(response, file.write, more)
    return resumed


def _copy(response: "requests.Response", write: Callable[[bytes], int], more: Callable[[int], None]) -> None:
    for chunk in response.iter_content(CHUNK):
        write(chunk)
        more(len(chunk))


def _short(error: Exception) -> str:
    """The cause of an error of requests, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "closed the connection early"
    return "cannot be reached" if isinstance(error, requests.ConnectionError) else str(error)
