"""Commands that install into the environment of this process, as the user would type them."""

import shlex
import sys
from importlib.util import find_spec


def install_command(*arguments: str) -> str:
    """With pip or, in an environment without it, with uv."""
    words = " ".join(map(shlex.quote, arguments))
    return f"python -m pip install {words}" if find_spec("pip") else f"uv pip install -p {sys.executable} {words}"
