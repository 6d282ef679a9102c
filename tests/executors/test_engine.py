"""What --executor, --ray and --slurm accept, and what wrong usage is answered with."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.experiment.engine import OPTIONS, Engine, parse_engine


def slurm(text: str) -> Engine:
    return parse_engine("slurm", {"slurm": text, "ray": None})


def test_options_are_pairs_and_a_comma_within_a_value_stays():
    engine = slurm("partition=gpu,time=60, exclude=n1,n2,cpus=4")
    assert engine.options == (("cpus", "4"), ("exclude", "n1,n2"), ("partition", "gpu"), ("time", "60"))
    assert engine.number("time", 5) == 60
    assert engine.number("bundle", 1) == 1


def test_an_engine_needs_no_options():
    assert parse_engine("ray", {"ray": None, "slurm": None}) == Engine("ray")
    assert parse_engine("local", {}).is_local


WRONG = {
    "partition": "expected KEY=VALUE pairs such as partition=gpu,time=60, got 'partition'",
    "partition=": "expected KEY=VALUE pairs",
    "partitoin=gpu": "unknown option 'partitoin': did you mean 'partition'?",
    "time=soon": "time: expected a positive whole number, got 'soon'",
    "time=0": "time: expected a positive whole number, got '0'",
    "time=1,time=2": "time is given twice",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_options_are_one_sentence(text):
    with pytest.raises(BenchError) as refused:
        slurm(text)
    assert WRONG[text] in str(refused.value)


def test_options_of_another_engine_are_refused():
    with pytest.raises(BenchError, match="--slurm: expected --executor slurm with it, got --executor local"):
        parse_engine("local", {"slurm": "partition=gpu"})
    with pytest.raises(BenchError, match="unknown executor 'slrum': did you mean 'slurm'"):
        parse_engine("slrum", {})


@given(st.text())
def test_any_text_is_parsed_or_refused(text):
    try:
        found = slurm(text)
    except BenchError:
        return
    assert {name for name, _ in found.options} <= set(OPTIONS["slurm"])


CALLS = {
    ("--executor", "ray"): "expected --device cpu or --device cuda, which the nodes are to compute on, got auto",
    ("--executor", "slurm", "--device", "cuda:1"): "since the cluster assigns the GPUs, got cuda:1",
    ("--executor", "dask"): "unknown executor 'dask'",
    ("--jobs-per-gpu", "0"): "at least 1",
}


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_wrong_usage_is_exit_code_2(capsys, arguments):
    from bench.cli import main

    with pytest.raises(SystemExit) if "--jobs-per-gpu" in arguments else _nothing():
        assert main(["run", "--plugins", "gmm", "--dataset", "digits", *arguments]) == 2
    assert CALLS[arguments] in capsys.readouterr().err


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


@pytest.mark.parametrize(("engine", "line"), [("ray", "Ray is not installed; install it with pip install 'classifier-bench[ray]'"),
                                              ("slurm", "pip install 'classifier-bench[slurm]'")])  # fmt: skip
def test_an_engine_that_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch, engine, line):
    from bench.execution.executors import ray_connection, slurm_queue

    monkeypatch.setattr(slurm_queue.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(BenchError) as refused:
        ray_connection.connect(Engine("ray")) if engine == "ray" else slurm_queue._import_submitit()
    assert line in str(refused.value)


def test_without_slurm_on_the_machine_the_command_is_told_where_to_run(monkeypatch):
    from bench.execution.executors import slurm_queue

    monkeypatch.setattr(slurm_queue.shutil, "which", lambda name: None)
    with pytest.raises(BenchError, match="sbatch was not found; run this command on a login node"):
        slurm_queue._import_submitit()


def test_nothing_of_an_engine_is_imported_unless_it_is_asked_for():
    code = (
        "import sys, bench.execution.executors.ray_cluster, bench.execution.executors.slurm, bench.execution.carry_out;"
        "import bench.execution.executors.engines; print(sorted({'ray', 'submitit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ADDRESSES = {
    "10.0.0.1": "expected HOST:PORT of a cluster that this machine belongs to, or local, got '10.0.0.1'",
    "ray://head:10001": "got 'ray://head:10001'",
    "127.0.0.1:1": "no Ray cluster at 127.0.0.1:1",
    "127.0.0.1:99999": "no Ray cluster at 127.0.0.1:99999",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_without_a_cluster_is_one_sentence(address):
    from bench.execution.executors.ray_connection import _check

    with pytest.raises(BenchError) as refused:
        _check(address)
    assert ADDRESSES[address] in str(refused.value)
