"""The tools beside these tests are modules of their own. The fixtures for real `bench` processes are in tests/conftest.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
