"""An environment with this host and one other distribution, made by uv and kept under the digest of what it is made from."""

import hashlib
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.errors import BenchError
from bench.execution.isolated.host_wheel import write_host_wheel
from bench.registry.plugins import OWN
from bench.registry.sources import digest_of, source_digest
from bench.util.paths import expanded

READY, LOCK = "ready", "requirements.txt"
EXTRAS = ("faces", "inception", "st-lpips")  # of optional data sets and metrics
TAIL = 500  # characters of uv's message
IGNORED = {"__pycache__", "build", "dist", ".git", ".venv"}
logger = logging.getLogger("bench")


@dataclass(frozen=True)
class Environment:
    """A virtual environment that is complete."""

    requirement: str  # as asked for
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    @property
    def digest(self) -> str:
        """Of the versions of everything that is installed in it."""
        return hashlib.sha256((self.folder / LOCK).read_bytes()).hexdigest()[:16]


def find_environment(requirement: str, cache: Path) -> Environment:
    """The environment with this distribution: a folder, a wheel, or a requirement such as `bench-haze==1.2`.

    It is made at the first use. Packages have the versions that they have here, unless the distribution asks for others.
    Raises `BenchError` without uv, for a path that does not exist, and if the requirements cannot be met.
    """
    source = _source(requirement)
    folder = cache / "environments" / _key(requirement, source)
    environment = Environment(requirement, folder)
    with _locked(folder):
        if not (folder / READY).exists():
            _make(folder, str(source) if source else requirement)
    return environment


def _source(requirement: str) -> Path | None:
    """The folder or file that a requirement names; None for the name of a distribution."""
    path = Path(expanded(requirement))
    if path.exists():
        return path.resolve()
    if "/" in requirement and "://" not in requirement and "@" not in requirement:
        raise BenchError(f"--isolated: no such folder or wheel: {requirement}")
    return None


def _key(requirement: str, source: Path | None) -> str:
    """The digest of what an environment is made from."""
    what = _digest_of_source(source) if source else requirement
    parts = [what, source_digest("bench"), *sorted(distribution(OWN).requires or ()), *_installed_extras()]
    parts.append(platform.python_version())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _digest_of_source(source: Path) -> str:
    if source.is_file():
        return digest_of({source.name: source.read_bytes()})
    files = [path for path in source.rglob("*") if path.is_file() and not _is_ignored(path.relative_to(source))]
    return digest_of({path.relative_to(source).as_posix(): path.read_bytes() for path in files})


def _is_ignored(path: Path) -> bool:
    return bool(IGNORED.intersection(path.parts)) or any(part.endswith(".egg-info") for part in path.parts)


def find_uv() -> str | None:
    """The program, on the path or beside this Python."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def _make(folder: Path, requirement: str) -> None:
    uv = find_uv()
    if uv is None:
        raise BenchError(
            "--isolated needs uv, which makes the environments: install it with pip install uv, or install the plugin "
            "beside bench and leave out --isolated"
        )
    logger.info("making an environment for %s", requirement)
    with tempfile.TemporaryDirectory() as wheels:
        host = write_host_wheel(Path(wheels))
        requirements = "\n".join([str(host), requirement, *_installed_extras()])
        (folder / "requirements.in").write_text(requirements + "\n", encoding="utf-8")
        (folder / LOCK).write_text(_installed_versions(), encoding="utf-8")  # uv prefers these
        compile_ = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python", sys.executable]
        _uv(uv, [*compile_, str(folder / "requirements.in"), "--output-file", str(folder / LOCK)], requirement)
        _uv(uv, ["venv", "--quiet", "--clear", "--python", sys.executable, str(folder / "env")], requirement)
        install = ["pip", "install", "--quiet", "--python", str(folder / "env"), "--requirement", str(folder / LOCK)]
        _uv(uv, install, requirement)
    _forget_paths(folder / LOCK)
    (folder / READY).touch()


def _installed_extras() -> list[str]:
    """The installed packages that optional metrics and data sets need, so that an environment has the same metrics."""
    installed = {canonicalize_name(package.name) for package in distributions() if package.name}
    requirements = map(Requirement, distribution(OWN).requires or ())
    optional = {canonicalize_name(requirement.name) for requirement in requirements if _is_optional(requirement)}
    return sorted(optional & installed)


def _is_optional(requirement: Requirement) -> bool:
    """Whether one of `EXTRAS` needs it, and the host itself does not."""
    marker = requirement.marker
    if marker is None or marker.evaluate({"extra": ""}):
        return False
    return any(marker.evaluate({"extra": name}) for name in EXTRAS)


def _installed_versions() -> str:
    """All installed packages, pinned to their versions."""
    found = {package.name.lower(): package.version for package in distributions() if package.name}
    return "".join(
        f"{name}=={version}\n" for name, version in sorted(found.items()) if name != OWN and "+" not in version
    )


def _forget_paths(lock: Path) -> None:
    """Keep the pinned versions alone: the paths of the host and the plugin are different on each machine."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    kept = sorted(line for line in lines if "==" in line and "/" not in line)
    lock.write_text("\n".join(kept) + "\n", encoding="utf-8")


def _uv(uv: str, arguments: list[str], requirement: str) -> None:
    done = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stderr.split())[-TAIL:]
        raise BenchError(f"--isolated: no environment can be made for {requirement}: {said}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an environment: a second process that needs it waits."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield
