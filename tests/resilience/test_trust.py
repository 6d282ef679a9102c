"""What the trust boundary promises of the host's own code: nothing that a stranger could have written is unpickled."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST = sorted((ROOT / "bench").rglob("*.py"))
READER = ROOT / "bench" / "data" / "unpickle.py"  # of published data sets: arrays and nothing else


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, str]]]:
    """Each call as (its name, its keyword arguments)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg or "**": ast.unparse(word.value) for word in node.keywords}


def unsafe(source: str) -> list[str]:
    tree = ast.parse(source)
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    found = sorted(names & {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"})
    for name, words in calls(tree):
        if name == "torch.load" and words.get("weights_only") != "True":
            found.append(name)
        if name.endswith("np.load") and words.get("allow_pickle", "False") != "False":
            found.append(name)
        if name.endswith(".recv") or name in ("eval", "exec"):
            found.append(name)
    return found


@pytest.mark.parametrize("path", [path for path in HOST if path != READER], ids=lambda path: path.name)
def test_the_host_unpickles_nothing(path):
    assert unsafe(path.read_text(encoding="utf-8")) == []


def test_one_that_did_would_be_found():
    bad = "import pickle\nimport torch\ntorch.load(x)\nnp.load(y, allow_pickle=True)\npipe.recv()\nmodel.eval()\n"
    assert unsafe(bad) == ["pickle", "torch.load", "np.load", "pipe.recv"]
