"""Modules beside the tests of other folders."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # environment.py
