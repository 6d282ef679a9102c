"""The toys and the bad plugins next to the tests are imported as modules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
