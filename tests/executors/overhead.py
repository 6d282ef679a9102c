"""What an executor adds to each job: tasks that find a guide in the cache and end.

    python tests/executors/overhead.py 200
    python tests/executors/overhead.py 200 --executor ray --device cpu --ray address=HOST:PORT
    python tests/executors/overhead.py 200 --executor slurm --device cpu --slurm partition=main,bundle=20

Run it in an empty folder. Every process starts, reads the data and the network, and reports; nothing is trained.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"


def main(count: str, *words: str) -> None:
    sys.path.insert(0, str(HOSTILE))
    from bench.cli import parser
    from bench.cli.progress import Silent
    from bench.cli.run import conditions_from, request_from
    from bench.execution.carry_out import prepare
    from bench.execution.executors.base import Limits, Task
    from bench.execution.executors.engines import executor_of
    from bench.execution.messages import Ended, FitClassifier
    from bench.execution.session import Session
    from bench.execution.worker_server import worker_server
    from bench.util.paths import cache_dir

    asked = ["run", "--plugins", "toys", "--dataset", "toys-dots", "--budget", "smoke", *words]
    options = parser().parse_args(asked)
    with worker_server():
        request, conditions = request_from(options), conditions_from(options)
        plan = prepare(request, conditions, isolated=False)
        executor = executor_of(plan, conditions.runs, cache_dir())
        session = Session(plan, conditions.runs, conditions.boards, cache_dir(), Limits(600), Silent(), executor)
        conditions.runs.mkdir(exist_ok=True)
        first = FitClassifier("guide", conditions.runs.absolute() / "logs" / "guide.txt", session._settings())
        tasks = [Task(f"task {n}", first) for n in range(int(count))]
        for name, some in (("the first one", [replace(tasks[0], name="first")]), (f"{count} tasks", tasks)):
            started, ends, at_work = time.monotonic(), [], time.process_time()
            for _, event in executor.run(some, Limits(600)):
                ends += [event] if isinstance(event, Ended) else []
            assert all(event.end == "ok" for event in ends), ends
            spent = time.monotonic() - started
            host = (time.process_time() - at_work) / len(some)
            print(f"{name}: {spent:.1f} s, {spent / len(some):.3f} s each; the host: {1000 * host:.1f} CPU ms each")


if __name__ == "__main__":
    main(*sys.argv[1:])
