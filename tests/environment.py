"""An environment for a wheel under test, which imports the dependencies that are installed in the running one."""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Environment:
    """A virtual environment in `folder`, where its commands run too."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where a wheel is installed."""
        return next(self.folder.glob("env/lib/python*/site-packages"))

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A program of the environment."""
        variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        variables |= {"BENCH_CACHE": str(self.folder / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [self.folder / "env" / "bin" / program, *arguments], cwd=self.folder, env=variables, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=500,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def install(self, wheel: Path) -> None:
        """Install a wheel without its dependencies, even if the running environment has the distribution."""
        self.run(
            "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--ignore-installed", str(wheel)
        )


def create(folder: Path, *, with_project: bool) -> Environment:
    """A new environment. `with_project` makes an editable install of this project visible in it too."""
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    environment = Environment(folder)
    paths = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    lines = [f"import site; site.addsitedir({path!r})" if with_project else path for path in paths]
    (environment.packages / "dependencies.pth").write_text("\n".join(lines))
    return environment


def build_wheel(source: Path, wheels: Path) -> Path:
    """Build the distribution in `source` as a PEP 517 front end does."""
    wheels.mkdir()
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(wheels)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = wheels.iterdir()
    return wheel
