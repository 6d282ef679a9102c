"""The stranger's own tests run where the stranger is installed, not here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # environment.py

collect_ignore = ["bench-gaussian", "bench-spectrum"]
