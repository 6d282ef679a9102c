"""What all tests share: a cache of their own, and hypothesis without deadlines on a busy machine."""

import os

import pytest
from hypothesis import settings

settings.register_profile("bench", deadline=None)
settings.load_profile("bench")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test reads or writes the user's cache."""
    before = os.environ.get("BENCH_CACHE")
    os.environ["BENCH_CACHE"] = str(tmp_path_factory.mktemp("bench-cache"))
    yield
    if before is None:
        del os.environ["BENCH_CACHE"]
    else:
        os.environ["BENCH_CACHE"] = before
