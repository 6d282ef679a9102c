"""Content keys: digests of everything that decides a result, so that unchanged work is reused."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

TRAINING_VERSION = 1  # raised if the host trains differently with the same inputs
LENGTH = 24  # hex digits


def content_key(parts: Mapping[str, Any]) -> str:
    """The key of these parts: plain JSON values only."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
