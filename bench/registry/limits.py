"""What a method says that it is not for, before anything is trained."""

from typing import Any

from bench.api import Model, Spec, capabilities


def needs_classes(target: type[Model]) -> bool:
    """Whether a method needs two or more classes: it says so, or it classifies images itself."""
    return target.needs_classes or "SelfClassifying" in capabilities(target)


def limit_of(target: type[Model], config: Any, spec: Spec) -> str:
    """Why a method with these settings is not for images of this format, or "".

    Raises `TypeError` if `not_for` returns anything but text, and whatever `not_for` raises.
    """
    if needs_classes(target) and not spec.has_classes:
        return f"it needs classes, and {spec.name} has none"
    reason = target.not_for(config, spec)
    if not isinstance(reason, str):
        raise TypeError(f"not_for: expected a reason as text, or '', got {reason!r}")
    return reason.strip()
