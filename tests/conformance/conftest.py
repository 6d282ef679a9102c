"""The toys and the bad plugins next to the tests are imported as modules; all tests share one guide."""

import copy
import sys
from pathlib import Path

import pytest

from bench.freeze import freeze
from bench.testing import TinyClassifier
from bench.testing.guide import tiny_guide

sys.path.insert(0, str(Path(__file__).parent))

STATES = {}  # of guides, by the digest of their data set


@pytest.fixture(autouse=True, scope="module")
def one_guide_for_all():
    """Train the guide of a data set once; each check gets a copy, in case a plugin changes it."""

    def guide(dataset, device="cpu"):
        if dataset.digest not in STATES:
            STATES[dataset.digest] = copy.deepcopy(tiny_guide(dataset, device).state_dict())
        fresh = TinyClassifier(TinyClassifier.Config(), dataset.spec)
        fresh.load_state_dict(STATES[dataset.digest])
        return freeze(fresh)

    with pytest.MonkeyPatch.context() as patch:
        for room in ("subject", "metric_subject"):
            patch.setattr(f"bench.testing.{room}.tiny_guide", guide)
        yield
