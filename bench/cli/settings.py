"""The settings of a Config: their types, defaults, and what the comments behind the fields say about them."""

import inspect
import io
import tokenize
import typing
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any


def settings_of(config: type) -> list[dict[str, str]]:
    """One row a field, as text: name, type, default, meaning."""
    if not is_dataclass(config):
        return []
    hints: dict[str, Any] = {}
    with suppress(NameError, TypeError):
        hints = typing.get_type_hints(config)
    comments = field_comments(config)
    return [
        {"name": field.name, "type": _type(hints.get(field.name, field.type)), "default": _default(field),
         "meaning": str(field.metadata.get("help", "")) or comments.get(field.name, "")}
        for field in fields(config) if field.init
    ]  # fmt: skip


def field_comments(config: type) -> dict[str, str]:
    """The comment behind each field, also of inherited ones; none for a class whose source cannot be read."""
    found: dict[str, str] = {}
    for base in reversed(config.__mro__):
        with suppress(OSError, TypeError, SyntaxError, tokenize.TokenError):
            found |= _comments(inspect.getsource(base))
    return found


def _comments(source: str) -> dict[str, str]:
    """By the name that a line starts with: the comment at its end."""
    found: dict[str, str] = {}
    line: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(inspect.cleandoc(source)).readline):
        if token.type == tokenize.COMMENT and len(line) > 1 and line[1].string == ":":
            found[line[0].string] = token.string.lstrip("# ").strip()
        if token.type in (tokenize.NEWLINE, tokenize.NL):
            line = line if token.type == tokenize.NL and line else []
        elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT):
            line.append(token)
    return found


def _type(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(str(choice) for choice in typing.get_args(kind))
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind).replace("typing.", "")


def _default(field: "Field[Any]") -> str:
    if field.default is not MISSING:
        return str(field.default)
    return str(field.default_factory()) if field.default_factory is not MISSING else "required"
