"""Which GPUs `--device` means, how many jobs they get, and which one a process sees. No GPU is needed."""

import pytest

from bench.cli import parser
from bench.cli.run import request_from
from bench.errors import BenchError
from bench.execution.executors.engines import executor_of
from bench.experiment import defaults, device, gpus
from bench.experiment.device import find_device

A, B = "NVIDIA A100", "NVIDIA T4"


@pytest.fixture
def machine(monkeypatch):
    """`machine(names)`: this machine has GPUs of these names."""

    def have(*names: str) -> None:
        for module in (gpus, defaults, device):
            monkeypatch.setattr(module, "visible_gpus", lambda: list(names))
        from bench.execution.executors import engines

        monkeypatch.setattr(engines, "visible_gpus", lambda: list(names))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    return have


def request(*arguments: str):
    return request_from(parser().parse_args(["run", "--plugins", "gmm", *arguments]))


def executor(*arguments: str):
    from types import SimpleNamespace

    asked = request(*arguments)
    plan = SimpleNamespace(request=asked, device=find_device(asked.device, asked.threads))
    return executor_of(plan, None, None)


def test_cuda_means_all_gpus_with_one_job_each(machine):
    machine(A, A, A)
    assert executor("--device", "cuda").jobs == 3
    assert executor("--device", "cuda").gpus == ("0", "1", "2")


def test_some_gpus_can_be_named(machine):
    machine(A, A, A)
    assert executor("--device", "cuda:0,2").gpus == ("0", "2")
    assert executor("--device", "cuda:0,2").jobs == 2
    assert executor("--device", "cuda:1").gpus == ("1",)


def test_small_jobs_can_share_a_gpu(machine):
    machine(A, A)
    assert executor("--device", "cuda", "--jobs-per-gpu", "3").jobs == 6
    assert executor("--device", "cuda", "--jobs-per-gpu", "3", "--jobs", "4").jobs == 4
    assert executor("--device", "cuda", "--jobs", "4").jobs == 4


def test_a_process_sees_the_gpu_that_the_user_sees_under_that_number(machine, monkeypatch):
    machine(A, A)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-7f")
    assert executor("--device", "cuda:1").gpus == ("GPU-7f",)


def test_a_gpu_of_another_kind_is_left_out_with_a_warning(machine, caplog):
    machine(A, B, A)
    assert executor("--device", "cuda").gpus == ("0", "2")
    assert "cuda:1 (NVIDIA T4) is not used: it is not a NVIDIA A100 like cuda:0" in caplog.text


WRONG = {
    "cuda:0,1": "expected GPUs of one kind, since the device is part of every result; cuda:0 is NVIDIA A100, cuda:1 is",
    "cuda:7": "device 'cuda:7' not found (3 CUDA devices available); try --device cuda",
    "cuda:0,0": "a GPU is given twice",
    "cuda:0;1": "unknown device 'cuda:0;1': expected auto, cpu, cuda, cuda:i or several as cuda:i,j",
}


@pytest.mark.parametrize("text", WRONG)
def test_gpus_that_cannot_be_used_together_are_refused(machine, text):
    machine(A, B, A)
    with pytest.raises(BenchError) as refused:
        find_device(text, 1)
    assert WRONG[text] in str(refused.value)


def test_without_a_gpu_cuda_is_refused(machine):
    machine()
    with pytest.raises(BenchError, match=r"0 CUDA devices available\); try --device cpu"):
        executor("--device", "cuda")


def test_the_device_of_a_row_does_not_depend_on_which_gpu_computed_it(machine):
    machine(A, A)
    assert find_device("cuda", 1).name == find_device("cuda:1", 4).name == "NVIDIA A100, bfloat16"


def test_a_job_that_runs_out_of_gpu_memory_says_so(monkeypatch):
    import torch

    from bench.execution import worker

    def perform(assignment, emit):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nmore")

    monkeypatch.setattr(worker, "perform", perform)
    ended = worker._outcome(None, None)
    assert ended.end == "failed"
    assert ended.reason.startswith(
        "out of GPU memory: OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB"
    )


def test_a_process_sees_its_gpu_alone(tmp_path, monkeypatch):
    """A real process, whose assignment is to say what it sees."""
    import multiprocessing
    import os

    from bench.execution import worker
    from bench.execution.messages import Ended, FitClassifier, RunSettings, encode_assignment, parse_event
    from bench.experiment.request import ClassifierRef, DatasetRef

    monkeypatch.setattr(worker, "perform", lambda assignment, emit: os.environ["CUDA_VISIBLE_DEVICES"])
    guide, data = ClassifierRef("resnet-xs"), DatasetRef("digits")
    settings = RunSettings(tmp_path, tmp_path, data, guide, guide, "smoke", find_device("cpu", 1), 30.0, None, ())
    payload = encode_assignment(FitClassifier("guide", tmp_path / "log.txt", settings))
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker.work, args=(theirs, payload, "5"))
    process.start()
    theirs.close()
    assert ours.poll(60)
    assert parse_event(os.read(ours.fileno(), 2**16)) == Ended("ok", "5")
    ours.close()
    process.join(60)
