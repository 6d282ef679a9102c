"""Fidelity metrics agree with independent implementations and closed forms, each within a stated tolerance."""

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("fidelity_reference", Path(__file__).parent / "reference.py")
assert spec is not None
assert spec.loader is not None
reference = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = reference
spec.loader.exec_module(reference)


@pytest.mark.parametrize("package", reference.SOURCES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_values_agree_with_an_independent_implementation(package: str):
    pytest.importorskip(package)
    rows = list(reference.SOURCES[package]())
    assert rows
    for row in rows:
        assert row.difference <= row.tolerance, row
