"""The same samples have the same values on machines with other instruction sets, so that their rows share a section."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "instruction_sets.py"
pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="instruction sets can be chosen on x86 alone"
)
SETS = {"avx2": "AVX2", "default": "SSE41"}  # ATEN_CPU_CAPABILITY and ONEDNN_MAX_CPU_ISA


def measured(**variables: str) -> dict:
    own = {
        name: value for name, value in os.environ.items() if name not in ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
    }
    answer = subprocess.run(
        [sys.executable, str(SCRIPT)], env=own | {"OMP_NUM_THREADS": "1"} | variables, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def here() -> dict:
    """With all that this processor has."""
    return measured()


@pytest.mark.parametrize("capability", SETS)
def test_values_agree_to_a_thousandth_under_another_instruction_set(here: dict, capability: str) -> None:
    there = measured(ATEN_CPU_CAPABILITY=capability, ONEDNN_MAX_CPU_ISA=SETS[capability])
    assert there["capability"].lower() == capability
    assert there["label"] == here["label"]
    assert len(here["values"]) == 8
    distances = {name for name in here["values"] if "fd-" in name}
    assert {name: there["values"][name] for name in distances} == pytest.approx(
        {name: here["values"][name] for name in distances}, rel=1e-3
    )
    one_image = 1.5 / there["n"]
    for name in here["values"].keys() - distances:
        assert there["values"][name] == pytest.approx(here["values"][name], abs=one_image), name
