"""Text to frozen settings: whatever can be set is a field of a config dataclass."""

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from bench.errors import BenchError, nearest
from bench.util.text import items

ALLOWED = "bool, int, float, str, Literal, a tuple of these, or one of these or None"
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def build(config_cls: type, settings: Mapping[str, str], owner: str) -> Any:
    """An instance of `config_cls` with `settings` parsed by the types of its fields.

    Raises `BenchError` for an unknown name (with the nearest), a value of the wrong type, or a value for which
    the `__post_init__` of the class raises `ValueError`.
    """
    if not (isinstance(config_cls, type) and is_dataclass(config_cls)):
        raise BenchError(f"{owner}: Config must be a frozen dataclass, got {config_cls!r}")
    hints = typing.get_type_hints(config_cls)
    known = {field.name for field in fields(config_cls) if field.init}
    for name in settings:
        if name not in known:
            raise BenchError(f"{owner} has no setting {name!r}: {nearest(name, known)}")
    values = {name: parse(text, hints[name], f"{owner}.{name}") for name, text in settings.items()}
    try:
        return config_cls(**values)
    except (TypeError, ValueError) as error:
        raise BenchError(f"{owner}: {error}") from error


def check_config(config_cls: Any) -> None:
    """Raise `BenchError` unless `config_cls` is a frozen dataclass whose fields have defaults and are read from text."""
    if not (isinstance(config_cls, type) and is_dataclass(config_cls)):
        raise BenchError(f"Config: expected a frozen dataclass, got {config_cls!r}")
    name = config_cls.__name__
    if not config_cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise BenchError(f"{name} is not frozen: use @dataclass(frozen=True)")
    try:
        hints, default = typing.get_type_hints(config_cls), config_cls()
    except Exception as error:
        raise BenchError(f"{name}() fails: {type(error).__name__}: {error}") from error
    for field in fields(config_cls):
        if field.init:
            _check_field(config_cls, field.name, hints[field.name], getattr(default, field.name))


def _check_field(config_cls: type, name: str, kind: Any, value: Any) -> None:
    """Raise `BenchError` for a setting of a type that text cannot give, or whose default is another one as text."""
    what, text = f"{config_cls.__name__}.{name}", to_text(value)
    if not _is_readable(kind):
        raise BenchError(f"{what} has the type {_type_name(kind)}: expected {ALLOWED}")
    try:
        parse(text, kind, what)
    except BenchError as error:
        raise BenchError(f"{what} has the default {value!r}, which is not of its type: {error}") from error
    again = getattr(build(config_cls, {name: text}, config_cls.__name__), name)
    if again != value and value == value:
        raise BenchError(f"{what}={text}: expected {value!r} when read from text, got {again!r}")


def _is_readable(kind: Any) -> bool:
    """Whether `parse` knows this type."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return all(isinstance(option, str | int | bool) for option in args)
    if origin in (Union, types.UnionType):
        return all(_is_readable(arg) for arg in args if arg is not type(None))
    if origin is tuple:
        return bool(args) and all(_is_readable(arg) for arg in args if arg is not Ellipsis)
    return kind in (bool, int, float, str)


def _type_name(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) and not get_args(kind) else str(kind)


def non_default_settings(config: Any, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The settings in `names` that differ from their defaults, sorted, as text that `build` reads.

    Equal configurations give equal text: 1e-3 and 0.001 are both "0.001".
    """
    defaults = {field.name: _default(field) for field in fields(config)}
    values = {name: getattr(config, name) for name in sorted(names)}
    return tuple((name, to_text(value)) for name, value in values.items() if value != defaults[name])


def parse(text: str, kind: Any, what: str) -> Any:
    """`text` as a `kind`: bool, int, float, str, Literal, Optional, or a tuple of these ("1,2,3")."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _literal(text, args, what)
    if origin in (Union, types.UnionType):
        return _union(text, args, what)
    if origin is tuple:
        return _tuple(text, args, what)
    if kind is bool:
        return _bool(text, what)
    if kind in (int, float, str):
        try:
            return kind(text)
        except ValueError:
            raise BenchError(f"{what}: expected {_name(kind)}, got {text!r}") from None
    raise TypeError(f"{what}: settings of type {kind!r} cannot be parsed from text")


def require_between(config: Any, low: float, high: float, *names: str) -> None:
    """For the `__post_init__` of a Config: raise `ValueError` if one of these settings is outside [low, high]."""
    for name in names:
        if not low <= getattr(config, name) <= high:
            bounds = f"be at least {low:g}" if high == float("inf") else f"lie in {low:g} ... {high:g}"
            raise ValueError(f"{name} must {bounds}, got {getattr(config, name)}")


def to_dict(config: Any) -> dict[str, Any]:
    """Plain values for JSON."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()}


def to_text(value: Any) -> str:
    """A setting as text that `parse` reads; equal values give equal text."""
    if isinstance(value, tuple):
        return ",".join(map(to_text, value))
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _literal(text: str, options: tuple[Any, ...], what: str) -> Any:
    known = {str(option): option for option in options}
    if text not in known:
        raise BenchError(f"{what}: expected one of {', '.join(known)}, got {text!r}")
    return known[text]


def _union(text: str, kinds: tuple[Any, ...], what: str) -> Any:
    if type(None) in kinds and text.lower() in ("none", ""):
        return None
    problem = BenchError(f"{what}: got {text!r}")
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return parse(text, kind, what)
        except BenchError as error:
            problem = error
    raise problem


def _tuple(text: str, kinds: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    parts = items(text)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(parse(part, kinds[0], what) for part in parts)
    if len(parts) != len(kinds):
        raise BenchError(f"{what}: expected {len(kinds)} values, got {len(parts)}")
    return tuple(parse(part, kind, what) for part, kind in zip(parts, kinds, strict=True))


def _bool(text: str, what: str) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise BenchError(f"{what}: expected true or false, got {text!r}")


def _name(kind: type) -> str:
    return {int: "a whole number", float: "a number", str: "text"}[kind]
