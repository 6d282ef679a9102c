"""The two sides of a CSV file in which git left a merge conflict."""

import re

_OPEN, _MIDDLE, _CLOSE, _BASE = "<<<<<<<", "=======", ">>>>>>>", "|||||||"


def has_conflict(text: str) -> bool:
    """Whether a line is one of git's marks."""
    return bool(re.search(rf"^(?:{_OPEN}|{_CLOSE})(?: |$)", text, re.MULTILINE))


def both_sides(text: str) -> tuple[str, str]:
    """The file as it was on either side. What git shows of a common ancestor belongs to neither."""
    sides: tuple[list[str], list[str]] = ([], [])
    where = "both"
    for line in text.splitlines(keepends=True):
        mark = line.rstrip("\r\n").partition(" ")[0]
        if mark in (_OPEN, _BASE, _MIDDLE, _CLOSE):
            where = {_OPEN: "first", _BASE: "base", _MIDDLE: "second", _CLOSE: "both"}[mark]
            continue
        for side, name in zip(sides, ("first", "second"), strict=True):
            if where in ("both", name):
                side.append(line)
    return "".join(sides[0]), "".join(sides[1])
