"""What planning, starting and merging many jobs costs the host: the jobs themselves do nothing.

    python tests/executors/many.py 140 1400

prints a line for each number of jobs. The rows are made up and lie in a temporary folder.
"""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"


class Instant:
    """An executor whose jobs end at once, with a row for each metric."""

    overlaps = True

    def run(self, tasks, limits):
        from bench.execution.executors.waiting import Waiting
        from bench.execution.messages import Ended, Fitted, RunJob, Started

        waiting = Waiting(tasks)
        while task := waiting.next():
            yield task, Started()
            if isinstance(task.assignment, RunJob):
                write_rows(task.assignment)
            else:
                yield task, Fitted(task.assignment.role, "made-up@0", 1.0, "cached")
            waiting.end(task)
            yield task, Ended("ok")


def write_rows(assignment) -> None:
    from bench.evaluation.pending import measurements
    from bench.results.record import Record
    from bench.results.run_dir import RunDir

    job, folder = assignment.job, RunDir(assignment.settings.runs, assignment.job)
    folder.create()
    for name, key in measurements(job):
        record = Record.of(job, name, key, name, value=1.0, n=1, guide="made-up@0", judge="made-up@0")
        folder.write_record(name, key, [record])


def measure(jobs: int, folder: Path) -> dict[str, float]:
    """CPU seconds of this process for a plan of about so many jobs, and for the same command again."""
    from bench.cli import parser
    from bench.cli.progress import Silent
    from bench.cli.run import request_from
    from bench.evaluation.anchors import ANCHORS
    from bench.execution.executors.base import Limits
    from bench.execution.outline import time_needed
    from bench.execution.plan import make_plan
    from bench.execution.session import Session

    seeds = f"0-{max(0, jobs // (1 + len(ANCHORS)) - 1)}"
    words = ["run", "--plugins", "toys", "--dataset", "toys-dots", "--budget", "smoke", "--jobs", "2", "--seeds", seeds]
    clock, found = time.process_time, {}
    started = clock()
    plan = make_plan(request_from(parser().parse_args(words)))
    found["plan"], found["jobs"] = clock() - started, len(plan.jobs)
    for name in ("run", "again"):
        show = Silent()
        session = Session(plan, folder / "runs", folder / "boards", folder / "cache", Limits(), show, Instant())
        started = clock()
        show.expect(time_needed(plan, folder / "runs"))
        found["outline" if name == "run" else "outline again"] = clock() - started
        started = clock()
        session._run_jobs(list(plan.jobs)) if name == "run" else [session._finish(job, "cached") for job in plan.jobs]
        found[name] = clock() - started
    return found


def main(sizes: list[str]) -> None:
    sys.path.insert(0, str(HOSTILE))
    for size in map(int, sizes):
        with TemporaryDirectory() as folder:
            os.environ["BENCH_CACHE"] = str(Path(folder, "cache"))
            found = measure(size, Path(folder))
        jobs = found.pop("jobs")
        print(
            f"{jobs:,.0f} jobs:",
            ", ".join(f"{name} {1000 * spent / jobs:.1f} ms a job" for name, spent in found.items()),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
