"""Where a request is carried out, and within which limits: nothing here changes a result."""

import shutil
from dataclasses import dataclass
from pathlib import Path

LARGEST_FILE = 16 * 2**10  # MB


@dataclass(frozen=True)
class Conditions:
    """Folders and limits of a run, and whether it may start while an installed plugin is broken.

    A limit of None is the default: the time of the budget, and an even share among the jobs that run at once of 90 % of
    the memory and of half of the free disk.
    """

    runs: Path = Path("runs")
    boards: Path = Path("runs/leaderboards")
    timeout: float | None = None  # seconds per job
    memory: float | None = None  # GB per job
    disk: float | None = None  # GB of one file
    checkpoint_every: float = 30.0  # seconds
    strict: bool = False
    share_anchors: bool = True  # reuse the measurements in the cache; False: measure them again

    def memory_mb(self, jobs: int) -> float:
        """The limit of each of `jobs` processes, in MB."""
        import psutil

        return self.memory * 1024 if self.memory else 0.9 * float(psutil.virtual_memory().total) / 2**20 / jobs

    def file_mb(self, jobs: int) -> float:
        """The limit of the size of a file for each of `jobs` processes, in MB."""
        if self.disk:
            return self.disk * 1024
        whole = self.runs.absolute()
        there = next(folder for folder in (whole, *whole.parents) if folder.is_dir())
        return min(LARGEST_FILE, shutil.disk_usage(there).free / 2**20 / 2 / jobs)
