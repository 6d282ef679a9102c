"""Plugins are found, checked and attributed; one that cannot be used is a row with a reason and takes nobody down."""

import sys
from email.message import Message
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.registry.plugins import OWN, BrokenPlugin, Entry, Plugins, source_digest, source_modules

GOOD = """
from dataclasses import dataclass
from bench import Generator, hookimpl

@dataclass(frozen=True)
class Config:
    lr: float = 0.1

class Toy(Generator):
    Config = Config
    source = "none"
    def fit(self, data, run): ...
    def sample(self, n, rng): ...

@hookimpl
def bench_generators():
    return {"NAME": Toy}
"""


class FakeDistribution(Distribution):
    """A distribution of which only the name and the version are known."""

    def __init__(self, name: str, version: str) -> None:
        self._about = Message()
        self._about["Name"], self._about["Version"] = name, version

    metadata = property(lambda self: self._about)
    read_text = locate_file = None  # type: ignore[assignment]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write a module and return the entry point that a distribution with it would have."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)

    def write(plugin: str, code: str, dist: str = "", version: str = "1.0", module: str = "") -> EntryPoint:
        module = module or f"bench_{plugin.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(code)
        return EntryPoint(plugin, module, "bench")._for(FakeDistribution(dist or f"bench-{plugin}", version))

    yield write
    for name in set(sys.modules) - known:
        if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == tmp_path:
            del sys.modules[name]


def good(name: str) -> str:
    return GOOD.replace("NAME", name)


CLASSIFIER = """
from bench import ResNetTiny, hookimpl

@hookimpl
def bench_generators():
    return {"plain": ResNetTiny}
"""


def broken(*points: EntryPoint) -> dict[str, str]:
    plugins = Plugins(found=list(points))
    plugins.load_all()
    return {row.plugin: row.reason for row in plugins.broken}


def test_an_entry_is_attributed_to_its_distribution_and_version(install):
    plugins = Plugins(found=[install("toy", good("toy"), dist="bench-toy", version="3.1")])
    entry = plugins.find("generators", "toy")
    assert (entry.name, entry.kind, entry.plugin) == ("toy", "generators", "toy")
    assert (entry.distribution, entry.version) == ("bench-toy", "3.1")
    assert entry.target.__name__ == "Toy"
    assert plugins.broken == []


def test_finding_a_plugin_imports_no_other(install):
    points = [install(name, good(name)) for name in ("apple", "pear", "zebra")]
    plugins = Plugins(found=points)
    assert plugins.find("generators", "pear").plugin == "pear"
    assert "bench_pear" in sys.modules
    assert not {"bench_apple", "bench_zebra"} & set(sys.modules)


def test_a_second_entry_is_looked_for_in_the_plugin_of_its_name_first(install):
    points = [install("apple", good("apple")), install("pear", good("pear-joint"))]
    assert Plugins(found=points).find("generators", "pear-joint").plugin == "pear"
    assert "bench_apple" not in sys.modules


def test_an_entry_of_any_name_is_found_all_the_same(install):
    points = [install("apple", good("apple")), install("fruit", good("pear"))]
    assert Plugins(found=points).find("generators", "pear").plugin == "fruit"


def test_all_entries_are_listed_by_name(install):
    points = [install(name, good(name)) for name in ("pear", "apple")]
    assert [entry.name for entry in Plugins(found=points).all("generators")] == ["apple", "pear"]
    assert Plugins(found=points).all("datasets") == []


def test_an_unknown_name_is_answered_with_the_nearest(install):
    plugins = Plugins(found=[install("regene", good("regene"))])
    with pytest.raises(BenchError, match=r"unknown generator 'regenne': did you mean 'regene'\?"):
        plugins.find("generators", "regenne")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("raise RuntimeError('first line\\n   second line')", "RuntimeError: first line second line"),
        ("from bench.errors import BenchError\nraise BenchError('needs a licence')", "needs a licence"),
        ("x = 1", "registers no hooks: expected bench_generators, bench_classifiers, bench_datasets, bench_metrics"),
        (good("toy").replace("def bench_generators", "def bench_generator"), "which is not a hook: did you mean"),
        (good("toy").replace("def bench_generators", "def generators"), "unknown hook 'generators'"),
        (good("toy").replace("@hookimpl", ""), "bench_generators() is not marked with @bench.hookimpl"),
        (good("toy").replace("bench_generators()", "bench_generators(config)"), "Argument(s) {'config'}"),
        (
            good("toy").replace('{"toy": Toy}', "[Toy]"),
            "bench_generators(): expected a mapping from names to classes, got list",
        ),
        (good("toy").replace('{"toy": Toy}', "1 / 0"), "ZeroDivisionError"),
        (good("My_Toy"), "entry name 'My_Toy' is not in kebab-case: use 'my-toy'"),
        (good("toy").replace("Toy}", "Toy(Config(), None)}"), "expected a class derived from bench.Generator"),
        (good("toy").replace("Toy}", "dict}"), "expected a class derived from bench.Generator"),
        (good("toy").replace("bench_generators", "bench_datasets"), "expected a class derived from bench.DataSource"),
        (good("toy").replace("def sample", "def draw"), "its class Toy lacks sample()"),
        (good("toy").replace('source = "none"', ""), "has no source (a string)"),
        (good("toy").replace("    Config = Config\n", ""), "expected a frozen dataclass"),
        (good("toy").replace("frozen=True", "frozen=False"), "Config is not frozen"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_a_row_with_its_reason(install, code, reason):
    plugins = Plugins(found=[install("bad", code), install("toy", good("toy"), module="bench_good")])
    assert [entry.name for entry in plugins.all("generators")] == ["toy"]
    (row,) = plugins.broken
    assert (row.plugin, row.distribution, row.version) == ("bad", "bench-bad", "1.0")
    assert reason in row.reason
    assert "\n" not in row.reason


def test_a_broken_plugin_that_is_asked_for_is_an_error_with_its_reason(install):
    plugins = Plugins(found=[install("bad", "import nowhere_to_be_found")])
    with pytest.raises(BrokenPlugin, match="plugin 'bad' is broken: ModuleNotFoundError") as caught:
        plugins.find("generators", "bad")
    assert caught.value.broken.distribution == "bench-bad"


def test_a_name_that_a_broken_plugin_might_have_brought_is_unknown(install):
    plugins = Plugins(found=[install("bad", "1 / 0"), install("toy", good("toy"))])
    with pytest.raises(BenchError, match="unknown generator 'bad-joint'"):
        plugins.find("generators", "bad-joint")


def test_interrupting_an_import_interrupts_the_host(install):
    with pytest.raises(KeyboardInterrupt):
        Plugins(found=[install("slow", "raise KeyboardInterrupt")]).load_all()


def test_a_duplicate_entry_is_refused_by_name(install):
    first, second = install("one", good("toy"), dist="bench-one"), install("two", good("toy"))
    assert broken(first, second) == {"two": "entry 'toy' is already provided by 'one' (bench-one)"}


def test_a_duplicate_brings_none_of_its_other_entries(install):
    both = good("toy").replace('{"toy": Toy}', '{"other": Toy, "toy": Toy}')
    plugins = Plugins(found=[install("one", good("toy")), install("two", both)])
    assert [entry.name for entry in plugins.all("generators")] == ["toy"]


def test_a_duplicate_plugin_name_is_refused_and_the_first_stays(install):
    points = [install("toy", good(f"toy-{i}"), dist=f"bench-toy-{i}", module=f"bench_toy_{i}") for i in range(3)]
    plugins = Plugins(found=points)
    assert [entry.name for entry in plugins.all("generators")] == ["toy-0"]
    assert [row.distribution for row in plugins.broken] == ["bench-toy-1", "bench-toy-2"]
    assert {row.reason for row in plugins.broken} == {"another plugin is named 'toy'; plugin names must be unique"}


def test_the_same_entry_point_of_two_distributions_is_a_duplicate(install):
    point = install("toy", good("toy"), dist="bench-toy")
    other = EntryPoint(point.name, point.value, point.group)._for(FakeDistribution("bench-toy-fork", "0.1"))
    plugins = Plugins(found=[point, other])
    plugins.load_all()
    assert [row.distribution for row in plugins.broken] == ["bench-toy-fork"]


def test_our_own_plugins_come_before_a_strangers_of_the_same_name(install, monkeypatch):
    theirs = install("toy", good("toy"), dist="a-stranger", module="bench_theirs")
    ours = install("toy", good("toy"), dist=OWN, module="bench_ours")
    monkeypatch.setattr("bench.registry.plugins.installed", lambda: [theirs, ours])
    assert Plugins().find("generators", "toy").distribution == OWN


def test_loading_twice_reports_a_broken_plugin_once(install):
    plugins = Plugins(found=[install("bad", "1 / 0")])
    plugins.load_all()
    plugins.load_all()
    assert len(plugins.broken) == 1


def test_the_digest_of_an_entry_follows_the_source_of_its_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "bench_digested"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "model.py").write_text("x = 1")
    before = source_digest("bench_digested.model")
    assert source_digest("bench_digested") == before
    (package / "model.py").write_text("x = 2")
    assert source_digest("bench_digested") != before


def test_every_installed_plugin_of_ours_can_be_used():
    plugins = Plugins()
    plugins.found = [point for point in plugins.found if point.dist is not None and point.dist.name == OWN]
    plugins.load_all()
    assert plugins.broken == []
    assert {"regene"} <= set(plugins.entries["generators"])
    assert {"sprites", "digits"} <= set(plugins.entries["datasets"])


def test_the_source_of_a_plugin_counts_the_parts_that_it_is_made_of(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bench_made_of_parts.py").write_text("import bench.parts.vae")
    (tmp_path / "bench_made_alone.py").write_text("import bench")
    before = {name: source_digest(name) for name in ("bench_made_of_parts", "bench_made_alone")}
    read = Path.read_bytes

    def changed(path):
        return read(path) + (b"# changed" if path.parent.name == "parts" else b"")

    monkeypatch.setattr(Path, "read_bytes", changed)
    assert source_digest("bench_made_of_parts") != before["bench_made_of_parts"]
    assert source_digest("bench_made_alone") == before["bench_made_alone"]


def test_the_source_of_a_class_counts_that_of_the_host_which_it_extends(monkeypatch):
    from bench import Generator, ResNetTiny

    class Plain(ResNetTiny): ...

    class Drawer(Generator): ...

    assert source_modules(ResNetTiny) == ["bench.backbones"]
    assert source_modules(Plain) == sorted(["bench.backbones", Plain.__module__])
    monkeypatch.setattr("bench.registry.plugins.source_digest", lambda module: "as it was")
    before = {it: Entry("x", "generators", "p", "d", "1", it).digest for it in (Plain, Drawer, ResNetTiny)}
    monkeypatch.setattr(
        "bench.registry.plugins.source_digest", lambda module: "changed" if module == "bench.backbones" else "as it was"
    )
    after = {it: Entry("x", "generators", "p", "d", "1", it).digest for it in (Plain, Drawer)}
    assert after[Plain] != before[Plain]
    assert after[Drawer] == before[Drawer] == before[ResNetTiny]


def test_a_classifier_may_be_a_method(install):
    """It draws nothing and is examined as a classifier; as a guide or a judge it is not on offer."""
    plugins = Plugins(found=[install("plain", CLASSIFIER)])
    assert plugins.find("generators", "plain").target.__name__ == "ResNetTiny"
    assert plugins.all("classifiers") == []
