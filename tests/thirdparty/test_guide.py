"""The guide for plugin authors says what is so: its quotations, its signatures, its promises."""

import importlib.util
import re
from pathlib import Path

import pytest

from bench import Spec

_spec = importlib.util.spec_from_file_location("guide", Path(__file__).parent / "guide.py")
guide = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(guide)

PAGE = guide.PAGE.read_text(encoding="utf-8")
STRANGERS = [Path(__file__).parent / name for name in ("bench-gaussian", "bench-spectrum")]


def test_every_quotation_is_as_its_source():
    assert guide.fill(PAGE) == PAGE, "run python tests/thirdparty/guide.py"


def test_a_changed_source_would_be_found():
    assert guide.fill(PAGE.replace("class Gaussian(Generator)", "class Gaussian(Model)", 1)) == PAGE
    assert guide.fill(PAGE.replace("samples are images**", "samples are pictures**", 1)) == PAGE


def test_every_file_of_the_strangers_that_matters_is_quoted():
    patterns = ("pyproject.toml", "src/**/*.py", "src/**/*.toml", "tests/*.py")
    files = [path for folder in STRANGERS for pattern in patterns for path in folder.glob(pattern)]
    quoted = set(re.findall(r"<!-- quote (\S+) -->", PAGE))
    assert quoted == {str(path.relative_to(guide.ROOT)) for path in files} | {"tests/runs/pretrained_plugin.py"}


def test_the_limit_in_the_page_refuses_what_it_says():
    (lines,) = re.findall(r"^```python\n(    @classmethod\n    def not_for.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    found = {"MyConfig": object, "Spec": Spec}
    exec(f"class Model:\n{lines}", found)
    reasons = [found["Model"].not_for(None, Spec("photos", 3, size, ("a", "b"))) for size in (32, 36)]
    assert reasons == ["", "it needs a side that is a multiple of 16, and photos has 36"]


@pytest.mark.parametrize("signature", guide.hooks())
def test_every_hook_has_a_heading_with_its_signature(signature):
    assert f"\n### `{signature}`\n" in PAGE


def test_there_are_four_hooks():
    assert len(guide.hooks()) == 4


@pytest.mark.parametrize("capability", guide.capabilities())
def test_every_capability_is_listed_with_its_methods(capability):
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{capability}` "))
    for method in guide.capabilities()[capability]:
        assert f"`{method}(" in row


@pytest.mark.parametrize("kind", guide.PROMISES)
def test_every_promise_is_quoted(kind):
    for promise in guide.PROMISES[kind]:
        assert promise.sentence in PAGE


def test_every_public_name_is_mentioned():
    import bench

    assert [name for name in bench.__all__ if not re.search(rf"\b{name}\b", PAGE)] == []
