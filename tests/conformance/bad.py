"""How a bad plugin is marked: with the promise it breaks and with a part of the reason that is reported."""

from collections.abc import Callable


def breaks(promise: str, reason: str) -> Callable[[type], type]:
    """Mark a class as breaking `promise`, to be reported with a reason that contains `reason`."""

    def mark(cls: type) -> type:
        cls.breaks = (promise, reason)  # type: ignore[attr-defined]
        return cls

    return mark


def bad_ones(namespace: dict[str, object]) -> list[type]:
    """The marked classes of a module."""
    return [value for value in namespace.values() if isinstance(value, type) and "breaks" in vars(value)]
