"""How `bench` is built: `python tests/structure.py` prints the figures that docs/architecture.md quotes."""

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
Graph = dict[str, set[str]]


def sources(package: Path) -> dict[str, Path]:
    """The Python files of a package by module name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(package: Path, for_types: bool = False) -> Graph:
    """By module: the modules of the package that it imports, at whatever time; for type checkers only if asked."""
    paths = sources(package)
    return {name: set(_imported(_parse(path), paths, for_types)) - {name} for name, path in paths.items()}


def _imported(tree: ast.AST, known: dict[str, Path], for_types: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names if node.module in known)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif for_types or not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from _imported(node, known, for_types)


def rooms(graph: Graph) -> Graph:
    """The same graph with one node for each top-level module or subpackage, without the package itself."""
    own = {name: name.split(".")[1] for name in graph if "." in name}
    merged: Graph = {room: set() for room in own.values()}
    for name, room in own.items():
        merged[room] |= {own[other] for other in graph[name] if other in own} - {room}
    return merged


def cycles(graph: Graph) -> list[set[str]]:
    """The groups of modules that import each other, directly or through others."""
    reach = _reachable(graph)
    groups = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return [set(group) for group in sorted(groups, key=sorted)]


def _reachable(graph: Graph) -> Graph:
    reach = {}
    for start in graph:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += graph[module]
        reach[start] = seen
    return reach


def floors(graph: Graph) -> int:
    """The modules on the longest chain of imports, a cycle counted as one."""
    reach = _reachable(graph)
    cycle = {module: frozenset(b for b in reach[module] if module in reach[b]) | {module} for module in graph}

    @cache
    def height(group: frozenset[str]) -> int:
        below = {cycle[other] for module in group for other in graph[module]} - {group}
        return 1 + max(map(height, below), default=0)

    return max(map(height, cycle.values()))


def functions(paths: list[Path]) -> list[int]:
    """The length of every function in lines."""
    nodes = (node for path in paths for node in ast.walk(_parse(path)))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, kinds)]


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def main() -> None:
    graph = import_graph(ROOT / "bench")
    lengths = functions([*sources(ROOT / "bench").values(), *(ROOT / "plugins").glob("*/bench_*/**/*.py")])
    long = sum(length > 35 for length in lengths)
    print(f"modules on the top level: {len(list((ROOT / 'bench').glob('*.py')))}")
    print(f"modules: {len(graph)}, imports: {sum(map(len, graph.values()))}")
    typed = rooms(import_graph(ROOT / "bench", for_types=True))
    for what, drawn in (("modules", graph), ("rooms", rooms(graph)), ("rooms, imports for types included", typed)):
        print(f"{what}: {floors(drawn)} floors, {len(cycles(drawn))} cycles")
        for cycle in cycles(drawn):
            print(f"  {', '.join(sorted(cycle))}")
    print(
        f"functions: {len(lengths)}, median {statistics.median(lengths):.0f} lines, {long} over 35 ({long / len(lengths):.1%})"
    )


if __name__ == "__main__":
    main()
