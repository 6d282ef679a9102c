"""In which order tasks start, and on which GPU."""

from types import SimpleNamespace

from bench.execution.executors.base import Task
from bench.execution.executors.waiting import Places, Waiting


def task(name: str, *after: str) -> Task:
    return Task(name, SimpleNamespace(), frozenset(after))


def test_tasks_start_in_their_order_and_none_before_those_it_comes_after_have_ended():
    guide, first, judge, second = task("guide"), task("first", "guide"), task("judge"), task("second", "guide", "judge")
    waiting = Waiting([guide, first, judge, second])
    assert [waiting.next(), waiting.next(), waiting.next()] == [guide, judge, None]
    waiting.end(judge)
    assert waiting.next() is None
    waiting.end(guide)
    assert len(waiting) == 2
    assert waiting.all_ready() == [first, second]
    assert len(waiting) == 0


def test_a_task_does_not_wait_for_one_that_is_not_part_of_the_run():
    assert Waiting([task("job", "the guide of a data set without classes")]).next()


class Counted(str):
    """A name that counts how often it is compared or hashed."""

    uses = 0

    def __hash__(self):
        Counted.uses += 1
        return super().__hash__()

    def __eq__(self, other):
        Counted.uses += 1
        return super().__eq__(other)


def uses(jobs: int) -> int:
    """How often names are looked at while that many jobs pass."""
    Counted.uses = 0
    waiting = Waiting(
        [task("guide"), *(Task(Counted(n), SimpleNamespace(), frozenset({"guide"})) for n in range(jobs))]
    )
    while one := waiting.next():
        waiting.end(one)
    assert not waiting
    return Counted.uses


def test_ten_times_as_many_jobs_are_ten_times_the_work():
    assert uses(2_000) <= 10 * uses(200)


def test_each_gpu_gets_one_task_before_any_gets_a_second_one():
    places = Places(4, ("0", "2"))
    taken = [places.take() for _ in range(5)]
    assert [places.gpu(place) for place in taken[:4]] == ["0", "2", "0", "2"]
    assert taken[4] is None
    places.give_back(taken[1])
    assert places.gpu(places.take()) == "2"


def test_on_a_cpu_no_gpu_is_assigned():
    places = Places(1)
    assert places.gpu(places.take()) is None
