"""One line of the report of `bench doctor`."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "optional", "broken"]


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, and the command that mends it, if there is one."""

    topic: str
    name: str
    state: State  # optional: it is not there, and bench works without it
    detail: str
    remedy: str = ""
