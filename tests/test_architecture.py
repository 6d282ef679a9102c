"""Who may import whom: read from the source, so that a layer cannot leak without a test that says so."""

import ast
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from structure import cycles, floors, import_graph, sources

import bench

ROOT = Path(__file__).parent.parent
HOST = sorted((ROOT / "bench").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").glob("*/bench_*/**/*.py"))
EVERYTHING = HOST + PLUGINS

# The floors of the package, lowest first: a room imports only rooms on lower floors.
FLOORS = (
    "errors muon freeze",
    "util",
    "api config",
    "image_metric",
    "hookspecs training_run",
    "metrics data backbones parts published",
    "registry",
    "experiment",
    "results",
    "training boards testing",
    "evaluation comparison pages scaffold doctor",
    "execution",
    "cli",
    "interactive",
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
FOR_TYPES = {("api", "training_run")}  # `Model.fit(data, run: Run)` and `Run.guide: Classifier` name each other
FACE = {"__init__", "__main__"}  # they hand on the public names
PUBLIC = {  # the modules of the top level
    "api",
    "config",
    "errors",
    "freeze",
    "hookspecs",
    "image_metric",
    "muon",
    "training_run",
}

# What a module may import when it is imported, besides the standard library.
MAY_IMPORT = {
    "errors": set(),
    "config": {"bench.errors", "bench.util.text"},
    "experiment.budget": {"bench.errors"},
    "results.record": {"bench.errors"},
    "util.atomic": {"bench.errors"},
    "experiment.engine": {"bench.errors", "bench.util.text"},
    "experiment.request": {"bench.errors", "bench.experiment.engine", "bench.util.paths", "bench.util.text"},
    "metrics.catalog": {"bench.errors"},
    "registry.sources": {"bench.registry.plugin_files"},
    "registry.plugin_files": {"bench.registry.groups"},
    "registry.groups": set(),
    "api": {"torch", "jaxtyping", "numpy", "bench.errors"},
    "hookspecs": {"pluggy", "bench.api", "bench.image_metric"},
    "image_metric": {"torch", "bench.api", "bench.errors"},
    "training_run": {"torch", "jaxtyping", "bench.api", "bench.errors", "bench.util.atomic", "bench.util.denormals"},
    "registry.plugins": {
        "pluggy",
        "bench",
        "bench.hookspecs",
        "bench.api",
        "bench.config",
        "bench.errors",
        "bench.image_metric",
        "bench.metrics.catalog",
        "bench.registry.groups",
        "bench.registry.sources",
        "bench.util.paths",
        "bench.util.process_state",
        "bench.util.timm_names",
    },
}
SLOW = {"timm", "sklearn", "scipy", "pandas", "tensorboard", "torch_fidelity", "cleanfid", "torchvision", "ray"}
PLUGINS_MAY_IMPORT = {"torch", "timm", "numpy", "jaxtyping"}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(node: ast.AST, everywhere: bool) -> Iterator[tuple[str, str]]:
    """Pairs (module, name): `import a.b` is ("a.b", ""). Unless `everywhere`, only what runs when it is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (("." * child.level + (child.module or ""), alias.name) for alias in child.names)
        elif everywhere or not (_is_function(child) or _is_for_types(child)):
            yield from imports(child, everywhere)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def is_standard(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names


def modules(tree: ast.Module, everywhere: bool = False) -> set[str]:
    """What a file imports from outside the standard library; `from bench import config` is bench.config."""
    found = set()
    for module, what in imports(tree, everywhere):
        is_module = module == "bench" and (ROOT / "bench" / f"{what}.py").exists()
        found.add(f"{module}.{what}" if is_module else module)
    return {module for module in found if not is_standard(module)}


def allowed(module: str, may: set[str]) -> bool:
    return module in may or module.split(".")[0] in may - {"bench"}


def room_of(module: str) -> str:
    """`bench.util.atomic` is in the room util; `bench` itself is in none."""
    return module.split(".")[1] if module.startswith("bench.") else ""


def upward(name: str, imported: set[str]) -> set[str]:
    """The imports of the module `name` that do not lead to a lower floor."""
    own = room_of(name)
    others = {module: room_of(module) for module in imported if room_of(module) not in ("", own)}
    return {
        module
        for module, room in others.items()
        if FLOOR.get(room, len(FLOORS)) >= FLOOR.get(own, -1) and (own, room) not in FOR_TYPES
    }


def test_a_room_imports_only_rooms_on_lower_floors():
    graph = import_graph(ROOT / "bench", for_types=True)
    inner = {
        name: imported for name, imported in graph.items() if name.split(".")[-1] not in FACE or "." in room_of(name)
    }
    found = {
        name: upward(name, imported) for name, imported in inner.items() if room_of(name) and name != "bench.__main__"
    }
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_every_module_has_a_floor():
    assert {room_of(name) for name in sources(ROOT / "bench")} - {""} - FACE == set(FLOOR)


def test_the_top_level_holds_the_public_modules_only():
    assert {path.stem for path in (ROOT / "bench").glob("*.py")} == PUBLIC | FACE


def test_no_modules_import_each_other_in_a_cycle():
    assert cycles(import_graph(ROOT / "bench")) == []


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_core_module_imports_only_what_lies_below_it(module):
    found = modules(parse((ROOT / "bench").joinpath(*module.split(".")).with_suffix(".py")))
    assert {item for item in found if not allowed(item, MAY_IMPORT[module])} == set()


def test_the_command_line_imports_nothing_but_the_standard_library():
    seen, waiting = set(), ["bench", "bench.cli", "bench.__main__"]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        assert module.split(".")[0] == "bench", f"the command line imports {module} before a command needs it"
        path = ROOT.joinpath(*module.split("."))
        waiting += modules(parse(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")))
    assert "bench.errors" in seen


def offences(paths: list[Path], look: Callable[[Path], Collection[str]]) -> dict[str, list[str]]:
    """What `look` finds in each file in which it finds anything."""
    assert paths
    found = {str(path.relative_to(ROOT)): sorted(look(path)) for path in paths}
    return {name: what for name, what in found.items() if what}


def test_slow_packages_are_imported_where_they_are_needed():
    early = [path for path in EVERYTHING if path.name != "preload.py"]  # which is there to import them
    assert offences(early, lambda path: {m for m in modules(parse(path)) if m.split(".")[0] in SLOW}) == {}


def test_the_parts_are_for_plugins_and_know_no_more_of_the_host_than_they_do():
    may = {"bench.api", "bench.config", "bench.errors", "bench.freeze", "bench.muon", "bench.training_run"}
    may |= {"torch", "timm", "jaxtyping"}
    parts = [path for path in HOST if path.parent.name == "parts"]
    own = {f"bench.parts.{path.stem}" for path in parts}
    assert offences(parts, lambda path: {m for m in modules(parse(path), True) if not allowed(m, may | own)}) == {}
    others = [path for path in HOST if path not in parts]
    assert offences(others, lambda path: {m for m in modules(parse(path), True) if m.startswith("bench.parts")}) == {}


def test_the_host_knows_no_plugin():
    assert offences(HOST, lambda path: {m for m in modules(parse(path), True) if m.startswith("bench_")}) == {}


def test_only_the_command_line_reaches_into_the_conformance_suite():
    others = [path for path in HOST if path.parent.name != "testing" and path.parent.name != "cli"]
    assert offences(others, lambda path: {m for m in modules(parse(path), True) if m.startswith("bench.testing")}) == {}


def foreign(tree: ast.Module, own: str) -> set[str]:
    """What a plugin imports beside the public names of bench, its parts, torch, timm and itself."""
    found = set()
    for module, what in imports(tree, everywhere=True):
        top = module.split(".")[0]
        public = (module == "bench" and what in bench.__all__) or module.startswith("bench.parts.")
        if not (public or is_standard(module) or top == own or top in PLUGINS_MAY_IMPORT or module.startswith(".")):
            found.add(f"{module}.{what}".strip("."))
    return found


def test_a_plugin_imports_public_names_torch_timm_and_itself():
    own = ROOT / "plugins"
    assert offences(PLUGINS, lambda path: foreign(parse(path), path.relative_to(own).parts[1])) == {}


def test_the_strangers_need_no_more_than_a_plugin_may_import():
    for name in ("gaussian", "spectrum"):
        source = ROOT / "tests" / "thirdparty" / f"bench-{name}" / "src" / f"bench_{name}"
        assert (
            offences(sorted(source.glob("*.py")), lambda path, name=name: foreign(parse(path), f"bench_{name}")) == {}
        )


def test_annotations_are_real_so_that_shapes_can_be_checked():
    shaped = [path for path in EVERYTHING if path.name != "hookspecs.py"]  # quoted as it is written
    future = ("__future__", "annotations")
    assert offences(shaped, lambda path: {".".join(i) for i in imports(parse(path), True) if i == future}) == {}


def test_no_function_changes_a_global_name():
    def changed(path: Path) -> set[str]:
        return {what for node in ast.walk(parse(path)) if isinstance(node, ast.Global) for what in node.names}

    assert offences(EVERYTHING, changed) == {}


def test_no_function_is_longer_than_80_lines():
    def long(path: Path) -> set[str]:
        functions = [node for node in ast.walk(parse(path)) if isinstance(node, ast.FunctionDef)]
        return {f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 80}

    assert offences(EVERYTHING, long) == {}


def test_every_module_says_what_it_is():
    assert offences(EVERYTHING, lambda path: set() if ast.get_docstring(parse(path)) else {"no docstring"}) == {}


# The tests above can fail.

LEAKY = """
import torch.nn
from bench import Generator, config
import bench.results.run_dir
from bench.training_run import generator
import bench_stic
if TYPE_CHECKING:
    import pandas
def f():
    import timm
    import scipy.stats
"""


def test_imports_are_told_apart_by_when_they_run():
    tree = ast.parse(LEAKY)
    early = modules(tree)
    assert early == {"torch.nn", "bench", "bench.config", "bench.results.run_dir", "bench.training_run", "bench_stic"}
    assert modules(tree, everywhere=True) - early == {"pandas", "timm", "scipy.stats"}


def test_a_plugin_that_reaches_into_the_host_or_another_plugin_would_be_found():
    assert foreign(ast.parse(LEAKY), "bench_regene") == {
        "bench.config", "bench.results.run_dir", "bench.training_run.generator", "bench_stic", "pandas", "scipy.stats",
    }  # fmt: skip


def test_an_import_of_a_higher_floor_or_of_a_neighbour_would_be_found():
    imported = {
        "bench.errors",
        "bench.util.text",
        "bench.util",
        "bench.training_run",
        "bench.cli.run",
        "bench.data.source",
        "torch",
    }
    assert upward("bench.metrics.table", imported) == {"bench.cli.run", "bench.data.source"}
    assert upward("bench.util.atomic", {"bench.api", "bench.errors", "bench.surprise"}) == {
        "bench.api",
        "bench.surprise",
    }
    assert upward("bench.surprise", {"bench.errors"}) == {"bench.errors"}
    assert upward("bench.api", {"bench.training_run"}) == set()
    assert upward("bench.config", {"bench.training_run"}) == {"bench.training_run"}


def test_a_new_file_on_the_top_level_or_a_cycle_would_be_found(tmp_path):
    package = tmp_path / "bench"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "first": "import bench.second",
        "second": "def f():\n    from bench import first",
    }.items():
        (package / f"{name}.py").write_text(text)
    assert {room_of(name) for name in sources(package)} - {""} - FACE - set(FLOOR) == {"first", "second"}
    assert cycles(import_graph(package)) == [{"bench.first", "bench.second"}]


def test_floors_are_counted_along_the_longest_chain():
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": {"c"}, "e": set()}
    assert floors(graph) == 3  # a, b, and the cycle of c and d
