"""The wheel of the project, installed without the checkout: what it holds, and that its commands work."""

import json
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import Environment, build_wheel, create

ROOT = Path(__file__).parents[2]
POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["bench"]
LEDGERS = {
    name: path
    for name, package in POINTS.items()
    for path in (ROOT / "plugins").glob(f"*/{package}/claims.toml")
}  # fmt: skip
ORIGINS = """
import json, importlib.util, sys
print(json.dumps({name: importlib.util.find_spec(name).origin for name in sys.argv[1:]}))
"""


@dataclass
class Installed:
    """An environment that holds the wheel of the project, and not the checkout."""

    environment: Environment
    wheel: Path

    def bench(self, *arguments: str) -> dict:
        """The JSON that a command prints."""
        return json.loads(self.environment.run("bench", *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def installed(tracked: list[str], copied, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(copied(tracked, folder / "checkout"), folder / "wheels")
    environment = create(folder, with_project=False)
    environment.install(wheel)
    return Installed(environment, wheel)


def test_the_wheel_holds_the_tracked_files_of_the_packages_and_no_others(
    installed: Installed, tracked: list[str]
) -> None:
    parts = [path.split("/") for path in tracked]
    host = {"/".join(path) for path in parts if path[0] == "bench"}
    plugins = {"/".join(path[2:]) for path in parts if path[0] == "plugins" and len(path) > 3 and path[2] != "tests"}
    with zipfile.ZipFile(installed.wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == host | plugins
    assert {Path(name).parts[0] for name in held} == {package.split(".")[0] for package in POINTS.values()}
    assert [name for name in held if "tests" in Path(name).parts or Path(name).name.startswith("test_")] == []


def test_every_package_is_typed(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        held = set(archive.namelist())
    assert {f"{package.split('.')[0]}/py.typed" for package in POINTS.values()} <= held


def test_the_installed_packages_are_those_of_the_wheel(installed: Installed) -> None:
    done = installed.environment.run("python", "-c", ORIGINS, "bench", *POINTS.values())
    for module, origin in json.loads(done.stdout).items():
        assert Path(origin) == installed.environment.packages.joinpath(*module.split("."), "__init__.py")


def test_every_plugin_is_listed(installed: Installed) -> None:
    found = installed.bench("list")
    assert found["broken"] == []
    assert {row["name"] for row in found["plugins"] if row["distribution"] == "classifier-bench"} == set(POINTS)


def test_every_plugin_with_a_folder_has_a_ledger() -> None:
    assert {path.parents[1].name for path in LEDGERS.values()} == {
        path.parents[1].name for path in (ROOT / "plugins").glob("*/bench_*/__init__.py")
    }


@pytest.mark.parametrize("plugin", LEDGERS)
def test_the_ledger_of_a_plugin_is_printed(installed: Installed, plugin: str) -> None:
    written = tomllib.loads(LEDGERS[plugin].read_text(encoding="utf-8"))["claim"]
    assert [claim["id"] for claim in installed.bench("claims", plugin)] == [claim["id"] for claim in written]


def test_a_method_is_run(installed: Installed) -> None:
    found = installed.bench("run", "--plugins", "gmm", "--dataset", "digits", "--budget", "smoke")
    records = [record for record in found["records"] if record["entry"] == "gmm"]
    assert {"fit", "class-agreement", "fd-lite0"} <= {record["metric"] for record in records}
    assert {record["status"] for record in records} <= {"ok", "skipped"}
