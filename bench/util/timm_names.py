"""Names of timm's architectures, checked without building one."""

from bench.errors import BenchError, nearest


def check_architecture(name: str) -> None:
    """Raise `BenchError` unless this is the name of an architecture alone: no weights, no hub, no former name."""
    import timm

    known, plain = timm.list_models(), _plain(name)
    if name in known:
        return
    former = timm.models.get_deprecated_models().get(plain)
    hint = f"use {_plain(former or plain)!r}" if former or plain in known else nearest(plain, known)
    if plain != name:
        raise BenchError(f"{name!r} names pretrained weights, which are not used, not an architecture of timm: {hint}")
    if former:
        raise BenchError(f"{name!r} is a former name of an architecture of timm: {hint}")
    raise BenchError(f"unknown timm architecture {name!r}: {hint}")


def architecture_hint(name: str) -> str:
    """How an architecture of timm is asked for as a classifier; empty if the name is none."""
    import timm

    plain = _plain(name).lower()
    return f"for timm's architecture of that name, use {f'timm:{plain}'!r}" if plain in timm.list_models() else ""


def _plain(name: str) -> str:
    """The name without the hub and the owner before it, and without the tag of weights behind it."""
    return name.replace(":", "/").rpartition("/")[2].partition(".")[0]
