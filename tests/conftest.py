"""Settings shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Workers share the cores. Threads of torch that wait for each other spin, and that was most of the
# time of every test that trains something.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A first example may compile a kernel, so time limits per example mean nothing here. CI tries the
# same examples each time, so that it speaks of the change; elsewhere they are new in every run.
settings.register_profile(
    "tokenkit",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=int(os.environ.get("TOKENKIT_EXAMPLES", "100")),
    derandomize="CI" in os.environ,
)
settings.load_profile("tokenkit")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of ``TOKENKIT_DATA``; the test is skipped, visibly, where it is unset."""
    place = os.environ.get("TOKENKIT_DATA")
    if not place or not Path(place).is_dir():
        pytest.skip("TOKENKIT_DATA names no folder: conformance data is not here")
    return Path(place)
