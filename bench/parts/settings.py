"""Checks of settings, for the `__post_init__` of a Config."""

from typing import Any


def require(config: Any, low: float, high: float, *names: str) -> None:
    """Raises ValueError where one of these settings is outside of [low, high]."""
    for name in names:
        if not low <= getattr(config, name) <= high:
            bounds = f"be at least {low:g}" if high == float("inf") else f"lie in {low:g} ... {high:g}"
            raise ValueError(f"{name} must {bounds}, got {getattr(config, name)}")
