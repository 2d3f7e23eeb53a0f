"""Looking for the smallest example that breaks something, the same way in every run."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")


def search(examples: st.SearchStrategy[T], hold: Callable[[T], None], max_examples: int) -> None:
    """Call ``hold`` with ``max_examples`` examples; what it raises for the smallest is raised."""

    @settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(examples)
    def try_one(example: T) -> None:
        hold(example)

    try_one()
