"""Two plugins whose requirements conflict stand on one board, each in an environment of its own."""

import csv
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from environment import build_wheel

from bench.cli import main
from bench.errors import BenchError
from bench.execution.isolated.ask import check_described
from bench.execution.isolated.environment import Environment, _installed_extras, find_environment, find_uv
from bench.execution.isolated.host_wheel import write_host_wheel
from bench.execution.isolated.messages import Described
from bench.registry.sources import source_digest

RUN = "run", "--dataset", "digits", "--budget", "smoke"
PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
dependencies = [{requires}]

[tool.setuptools]
py-modules = ["{module}"]
{points}
"""
METHOD = """
from dataclasses import dataclass

import torch

import bench
import bench_pinned


@dataclass(frozen=True)
class Config:
    level: float = 0.5


class Method(bench.Generator):
    \"\"\"Draws the level that its version of the other package has.\"\"\"

    Config, source = Config, "tests"

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.register_buffer("mean", torch.zeros(spec.shape))

    def fit(self, data, run):
        assert bench_pinned.VERSION == "{pinned}.0"
        for images, _ in run.batches(data, 32, run.images):
            self.mean.copy_(images.mean(0))
            run.log(loss=self.mean.mean())

    def sample(self, n, rng):
        noise = torch.randn(n, *self.spec.shape, generator=rng)
        return (self.mean + 0.1 * float(bench_pinned.VERSION) * noise).clamp(0, 1)


@bench.hookimpl
def bench_generators():
    return {{"{name}": Method}}
"""


def distribution(
    folder: Path, name: str, module: str, code: str, version: str, *requires: str, points: str = ""
) -> Path:
    """A wheel with one module."""
    source = folder / f"{name}-{version}-source"
    source.mkdir()
    listed = ", ".join(f'"{requirement}"' for requirement in requires)
    (source / "pyproject.toml").write_text(
        PROJECT.format(name=name, version=version, requires=listed, module=module, points=points)
    )
    (source / f"{module}.py").write_text(code)
    return build_wheel(source, folder / f"{name}-{version}-wheels")


def method(folder: Path, name: str, pinned: int, *requires: str) -> Path:
    points = f'\n[project.entry-points.bench]\n{name} = "bench_{name}"\n'
    code = METHOD.format(name=name, pinned=pinned)
    return distribution(
        folder, f"bench-{name}", f"bench_{name}", code, "1.0", "classifier-bench", f"bench-pinned=={pinned}.0", *requires,
        points=points,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """A folder with two versions of one package, and methods that need one version each."""
    folder = tmp_path_factory.mktemp("wheels")
    made = [distribution(folder, "bench-pinned", "bench_pinned", f'VERSION = "{v}.0"\n', f"{v}.0") for v in (1, 2)]
    made += [method(folder, "alpha", 1), method(folder, "beta", 2), method(folder, "gamma", 1, "bench-pinned==2.0"),
             method(folder, "delta", 1, "classifier-bench>=999")]  # fmt: skip
    (folder / "all").mkdir()
    for wheel in made:
        shutil.copy(wheel, folder / "all")
    return folder / "all"


@pytest.fixture(scope="module")
def bench(uv, wheels, tmp_path_factory, bench_in):
    found = bench_in(tmp_path_factory.mktemp("isolated"))
    return lambda *arguments, **more: found(*arguments, UV_FIND_LINKS=str(wheels), **more), found.folder


@pytest.fixture(scope="module")
def uv() -> str:
    """The program, if it finds the torch that is installed here."""
    program = find_uv()
    if program is None:
        pytest.skip("needs uv: pip install uv")
    wanted = f"torch=={version('torch').partition('+')[0]}"
    command = [program, "pip", "compile", "--quiet", "--no-deps", "--python", sys.executable, "-"]
    done = subprocess.run(command, input=wanted, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"needs a package index with {wanted}: {' '.join(done.stderr.split())[-200:]}")
    return program


def isolated(wheels: Path, *names: str) -> list[str]:
    paths = [str(next(wheels.glob(f"bench_{name}-*.whl"))) for name in names]
    return [part for path in paths for part in ("--isolated", path)]


def test_plugins_with_conflicting_requirements_stand_on_one_board(bench, wheels):
    call, folder = bench
    arguments = (*RUN, "--plugins", "alpha,beta", *isolated(wheels, "alpha", "beta"), "--set", "alpha.level=0.25")
    answer = call(*arguments, "--json")
    assert answer.code == 0, answer.err
    assert importlib.util.find_spec("bench_alpha") is None
    rows = {entry: answer.row(entry) for entry in ("alpha", "beta", "real")}
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert len({(row["guide"], row["judge"], row["data"]) for row in rows.values()}) == 1
    assert (rows["alpha"]["settings"], rows["alpha"]["distribution"]) == ("level=0.25", "bench-alpha")
    assert answer.row("alpha", "fd-lite0")["value"] < answer.row("beta", "fd-lite0")["value"]
    with open(folder / "runs/leaderboards/digits.csv", newline="") as file:
        assert {"alpha", "beta", "real"} <= {row["entry"] for row in csv.DictReader(file)}
    again = call(*arguments, "--json")
    assert set(again.json["ends"].values()) == {"cached"}
    assert again.json["records"] == answer.json["records"]


@pytest.mark.whole
def test_a_dry_run_plans_it_and_a_method_that_is_not_there_is_told(bench, wheels):
    call, _ = bench
    answer = call(*RUN, "--plugins", "all", *isolated(wheels, "beta"), "--dry-run", "--json")
    planned = [job["entry"] for job in answer.json["jobs"]]
    assert planned.count("beta") == 1
    assert "gmm" in planned
    other = call(*RUN, "--plugins", "gmm", *isolated(wheels, "beta"))
    assert other.code == 2
    assert "it provides beta, and --plugins asks for none of them" in other.err
    wrong = call(*RUN, "--plugins", "beta", *isolated(wheels, "beta"), "--set", "beta.lever=1")
    assert wrong.code == 2
    assert "did you mean 'level'?" in wrong.err


@pytest.mark.parametrize("name", ["gamma", "delta"])
def test_requirements_that_cannot_be_met_are_one_sentence(bench, wheels, name):
    call, _ = bench
    answer = call(*RUN, "--plugins", name, *isolated(wheels, name))
    assert answer.code == 2
    assert "no environment can be made for" in answer.err
    assert "Traceback" not in answer.err


def test_without_uv_the_user_is_told_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda name, **where: None)
    code = main([*RUN, "--plugins", "haze", "--isolated", "bench-haze", "--dry-run", "--runs", str(tmp_path / "runs")])
    assert code == 2
    assert (
        "--isolated needs uv, which makes the environments: install it with pip install uv" in capsys.readouterr().err
    )


def test_a_path_that_does_not_exist_is_told(tmp_path, capsys):
    arguments = ["--isolated", "./nowhere/bench-haze", "--dry-run", "--runs", str(tmp_path)]
    assert main([*RUN, "--plugins", "haze", *arguments]) == 2
    assert "no such folder or wheel: ./nowhere/bench-haze" in capsys.readouterr().err


def test_only_this_machine_has_environments(tmp_path, capsys):
    arguments = ["--isolated", "bench-haze", "--executor", "slurm", "--dry-run", "--runs", str(tmp_path)]
    assert main([*RUN, "--plugins", "haze", *arguments]) == 2
    assert "--isolated works on this machine only: expected --executor local, got slurm" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", "7", '{"version": 1}', '{"error": "no such data set"}'])
def test_an_answer_of_another_form_is_one_sentence(tmp_path, content):
    (tmp_path / "answer.json").write_text(content)
    with pytest.raises(BenchError, match="the environment of bench-haze"):
        Described.read(tmp_path / "answer.json", "bench-haze")


def test_the_wheel_of_the_host_holds_its_packages_its_weights_and_its_entry_points(tmp_path):
    wheel = write_host_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
        record = archive.read(next(name for name in names if name.endswith("RECORD"))).decode().splitlines()
    assert {"bench/__init__.py", "bench/pages/page.css", "bench_stic/claims.toml"} <= set(names)
    assert any(name.startswith("bench/published/weights/") for name in names)
    assert "regene = bench_regene" in points.replace('"', "")
    assert "Requires-Dist: torch" in metadata
    assert {row.split(",")[0] for row in record} == set(names)


def test_optional_packages_that_are_here_are_there_too():
    names = _installed_extras()
    assert ("stlpips-pytorch" in names) == (importlib.util.find_spec("stlpips_pytorch") is not None)
    assert not {"pytest", "ray", "ruff", "torch"} & set(names)


def test_other_versions_are_another_digest(tmp_path):
    environment = Environment("bench-haze", tmp_path)
    (tmp_path / "requirements.txt").write_text("numpy==2.1\n")
    first = environment.digest
    (tmp_path / "requirements.txt").write_text("numpy==2.2\n")
    assert environment.digest != first


def test_an_environment_is_made_once_for_the_same_files(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        "bench.execution.isolated.environment._make", lambda folder, source: _made(made, folder, source)
    )
    plugin = tmp_path / "bench-haze"
    plugin.mkdir()
    (plugin / "pyproject.toml").write_text("[project]\n")
    first = find_environment(str(plugin), tmp_path / "cache")
    (plugin / "build").mkdir()
    (plugin / "build" / "left.over").write_text("")
    assert find_environment(str(plugin), tmp_path / "cache") == first
    assert made == [str(plugin)]
    (plugin / "pyproject.toml").write_text("[project]\nname = 'bench-haze'\n")
    assert find_environment(str(plugin), tmp_path / "cache").folder != first.folder
    assert find_environment("bench-haze==1.0", tmp_path / "cache") != find_environment(
        "bench-haze==1.1", tmp_path / "cache"
    )
    assert made == [str(plugin), str(plugin), "bench-haze==1.0", "bench-haze==1.1"]


def test_another_optional_package_here_is_another_environment(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.execution.isolated.environment._make", lambda folder, source: (folder / "ready").touch())
    found = []
    for names in ([], ["stlpips-pytorch"]):
        monkeypatch.setattr("bench.execution.isolated.environment._installed_extras", lambda names=names: names)
        found.append(find_environment("bench-haze==1.0", tmp_path / "cache").folder)
    assert found[0] != found[1]


def _made(made: list[str], folder: Path, source: str) -> None:
    made.append(source)
    (folder / "ready").touch()


HAZE = {"distribution": "bench-haze", "plugin": "haze", "version": "1.0", "reason": "ImportError: no module named fog"}
DESCRIBED = Described(version("classifier-bench"), source_digest("bench"), "2.9", "d1", ("haze",), ({"entry": "haze"},),
                      (), ())  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": "0.0.1"}, "has another classifier-bench"),
        ({"source": "0" * 16}, "has another classifier-bench"),
        ({"data": "d2"}, "loads other images than this one"),
        ({"broken": (HAZE,)}, "plugin 'haze' is broken: ImportError: no module named fog"),
        ({"methods": ()}, "it provides haze, and --plugins asks for none of them: did you mean 'haze'?"),
    ],
)
def test_an_environment_with_another_host_or_other_images_is_refused(tmp_path, change, says):
    environment = Environment("bench-haze", tmp_path)
    check_described(DESCRIBED, environment, "d1", ["hazy"])
    with pytest.raises(BenchError) as caught:
        check_described(replace(DESCRIBED, **change), environment, "d1", ["hazy"])
    assert says in str(caught.value)
