"""Any edit of a file that a plugin consists of changes its key, and no other edit does."""

import base64
import hashlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.registry import plugin_files
from bench.registry.sources import source_digest

# Layouts: the module of the entry point, and by path what the plugin loads (True) and what it does not (False).
MODULE = "import haze_net\nfrom haze_more import part\nDATA = 'haze_table.json'\n"
LAYOUTS = {
    "modules": ("haze", {
        "haze.py": MODULE, "haze_net.py": "amount = 1\n", "haze_more/__init__.py": "", "haze_more/part.py": "x = 1\n",
        "haze_more/weights.npz": "1", "haze_table.json": "{}",
    }),
    "package": ("haze", {
        "haze/__init__.py": "from haze import net\n", "haze/net.py": "import haze_late\n", "haze/settings.yaml": "a: 1\n",
        "haze/data/weights.safetensors": "1", "haze/deep/er/module.py": "y = 1\n", "haze_late.py": "z = 1\n",
    }),
    "namespace": ("acme.haze", {
        "acme/haze/__init__.py": "from acme import haze_base\n", "acme/haze/table.json": "{}", "acme/haze_base.py": "b = 1\n",
    }),
    "module in a namespace": ("acme.haze", {
        "acme/haze.py": "import importlib\nimportlib.import_module('acme.late')\n", "acme/late.py": "c = 1\n",
    }),
}  # fmt: skip
ELSEWHERE = (
    "haze/__pycache__/net.cpython-311.pyc",
    "runs/x/job.json",
    "leaderboards/digits.csv",
    ".git/HEAD",
    "claims.toml",
)
NEIGHBOUR = {"other.py": "import haze\n", "other_data.json": "{}"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def metadata(folder: Path, name: str, module: str, files: dict[str, str] | None) -> None:
    """Of an installed distribution; without `files` its RECORD is empty, as that of a folder that was put together."""
    info = folder / f"{name}-1.0.dist-info"
    record = "".join(f"{file},{_hash(text)},{len(text)}\n" for file, text in (files or {}).items())
    write(info, {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "RECORD": record,
        "entry_points.txt": f"[bench]\n{name} = {module}\n", "top_level.txt": f"{module.split('.')[0]}\n",
    })  # fmt: skip


def _hash(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Whatever was known about the import path is forgotten."""
    with monkeypatch.context() as patch:
        yield patch
    importlib.invalidate_caches()


def digest(module: str) -> str:
    importlib.invalidate_caches()
    plugin_files._owners.cache_clear()
    return source_digest(module)


def install(kind: str, how: str, place: Path, patch: pytest.MonkeyPatch) -> tuple[str, list[Path], Path]:
    """The module of a plugin that is installed, its files, and a folder beside them that holds another distribution."""
    module, files = LAYOUTS[kind]
    folder = place / "site"
    if how == "editable":  # a checkout on the path, and the metadata elsewhere
        checkout = place / "checkout"
        write(checkout, files | {"pyproject.toml": "", "tests/test_haze.py": "import haze\n"})
        metadata(folder, "bench_haze", module, {"__editable__.bench_haze.pth": ""})
        patch.syspath_prepend(checkout)
    else:
        write(folder, files)
        metadata(folder, "bench_haze", module, files if how == "installed" else None)
    if how != "alone":
        write(folder, NEIGHBOUR)
        metadata(folder, "other", "other", NEIGHBOUR)
    patch.syspath_prepend(folder)
    home = place / "checkout" if how == "editable" else folder
    return module, [home / name for name in files], home


@pytest.mark.parametrize("how", ["installed", "editable", "alone", "beside another without a list of files"])
@pytest.mark.parametrize("kind", LAYOUTS)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_an_edit_of_a_file_changes_the_key_if_and_only_if_the_plugin_loads_it(
    kind: str, how: str, draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        module, own, home = install(kind, how, tmp_path_factory.mktemp("plugin"), patch)
        before = digest(module)
        assert digest(module) == before
        foreign = [home / name for name in ELSEWHERE] + [home.parent / "site" / name for name in NEIGHBOUR]
        mine = draw.draw(st.booleans(), label="of the plugin")
        edited = draw.draw(st.sampled_from(own if mine else foreign), label="edited")
        if how == "alone" and edited.name in NEIGHBOUR:  # in a folder of its own, such a file is part of it
            return
        edited.parent.mkdir(parents=True, exist_ok=True)
        with edited.open("a") as file:
            file.write("\n" if edited.suffix != ".json" else " ")
        assert (digest(module) != before) == mine


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_folder_that_was_put_together_is_known_as_a_whole(
    kind: str, tmp_path: Path, fresh: pytest.MonkeyPatch
) -> None:
    module, own, _ = install(kind, "alone", tmp_path, fresh)
    importlib.invalidate_caches()
    assert sorted(plugin_files.plugin_files(module).values()) == sorted(own)


def test_nothing_is_imported(tmp_path: Path, fresh: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bench_raises.py": "raise RuntimeError\n"})
    fresh.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert len(source_digest("bench_raises")) == 16
    assert "bench_raises" not in sys.modules


def test_the_files_of_the_host_are_in_no_plugin_but_for_its_parts(tmp_path: Path, fresh: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bench_plain.py": "import bench\nimport torch, timm\n"})
    fresh.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert list(plugin_files.plugin_files("bench_plain")) == ["bench_plain.py"]
