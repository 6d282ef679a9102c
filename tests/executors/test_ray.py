"""A real Ray cluster of two nodes on loopback: the same board as on this machine, whatever becomes of a node."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from clusters import RUN, RayCluster, needs_ray, numbers, ray_cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"
TOYS = {"PYTHONPATH": str(HOSTILE), "OMP_NUM_THREADS": "1"}


def ray(cluster: RayCluster) -> tuple[str, ...]:
    return ("--executor", "ray", "--device", "cpu", "--ray", f"address={cluster.address}")


@pytest.fixture
def cluster(tmp_path_factory):
    needs_ray()
    with ray_cluster(tmp_path_factory.mktemp("ray")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory, bench_in):
    """The same run on this machine."""
    needs_ray()
    answer = bench_in(tmp_path_factory.mktemp("local"))(*RUN, "--set", "toys.pause=0.1")
    assert answer.code == 0, answer.err
    return numbers(answer.out)


def test_a_lost_node_loses_nothing_and_the_board_is_that_of_one_machine(bench, cluster, local):
    """The node on which the toy trains is killed; the other one takes its work over."""
    cluster.start(0, **TOYS)
    nodes = [cluster.start(1, **TOYS), cluster.start(1, **TOYS)]
    command = (*RUN, "--set", "toys.pause=0.1", "--checkpoint-every", "0.3", *ray(cluster))
    run = bench.popen(*command)
    while not (found := [log for log in bench.folder.glob("runs/*/toys/*/log.txt") if "step 8" in log.read_text()]):
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    cluster.stop(next(node for node in nodes if _owns(node, found[0])))
    out, err = run.communicate(timeout=900)
    assert run.returncode == 0, err
    assert numbers(out) == local
    steps = [int(step) for step in re.findall(r"^step (\d+)$", found[0].read_text(), re.MULTILINE)]
    assert sorted(set(steps)) == list(range(40))
    assert len(steps) < 40 + 15, "it did not go on from its checkpoint"


def test_a_node_without_the_plugin_is_named_and_not_used(bench, cluster, local):
    cluster.start(1, **TOYS)
    cluster.start(1, PYTHONPATH="", OMP_NUM_THREADS="1")
    answer = bench(*RUN, "--set", "toys.pause=0.1", *ray(cluster))
    assert answer.code == 0, answer.err
    assert numbers(answer.out) == local
    assert re.search(r"the node [\d.]+ \(\w{8}\) is not used: the plugin 'toys' is not installed there", answer.err)


def test_a_cluster_without_the_plugin_is_one_sentence(bench, cluster):
    cluster.start(1, PYTHONPATH="", OMP_NUM_THREADS="1")
    answer = bench(*RUN, *ray(cluster))
    assert answer.code == 1
    assert "--executor ray: no node can be used; " in answer.err
    assert "the plugin 'toys' is not installed there" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, to give a node its own files")
def test_records_and_models_come_back_from_a_node_that_shares_no_files(bench, cluster, local, tmp_path):
    """The node sees an empty folder where the host has its runs and its cache."""
    cluster.start(0, **TOYS)
    hide = f'mount -t tmpfs none {bench.folder} && mount -t tmpfs none {bench.cache} && exec "$@"'
    mine = {"BENCH_CACHE": str(bench.cache / "of-the-node")}
    cluster.start(2, ("unshare", "-m", "sh", "-c", hide, "sh"), **TOYS, **mine)
    answer = bench(*RUN, "--set", "toys.pause=0.1", *ray(cluster))
    assert answer.code == 0, answer.err
    assert numbers(answer.out) == local
    [folder] = (bench.folder / "runs" / "toys-dots" / "toys").iterdir()
    assert (folder / "model.safetensors").exists()
    assert list(folder.glob("samples-*.npz"))
    again = bench(*RUN, "--set", "toys.pause=0.1", *ray(cluster))
    assert again.code == 0, again.err
    assert "nothing to do" in again.err


def _owns(node: subprocess.Popen, log: Path) -> bool:
    """Whether the process that writes to this log belongs to the node."""
    import psutil

    family = psutil.Process(node.pid).children(recursive=True)
    return any(_writes(process, log) for process in family)


def _writes(process, log: Path) -> bool:
    try:
        return os.readlink(f"/proc/{process.pid}/fd/1") == str(log)
    except OSError:
        return False
