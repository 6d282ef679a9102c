"""A real Slurm of one node and a real Ray cluster of two, on this machine, for as long as a test needs them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COSTS = ("train-seconds", "images-per-second", "sample-seconds-per-1000", "peak-memory-mb")
RUN = ("run", "--plugins", "toys", "--dataset", "toys-dots", "--budget", "smoke", "--json")
SLURM = ("slurmctld", "slurmd", "sbatch", "squeue", "munged")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def numbers(out: str) -> dict[tuple[str, str], float]:
    """Every measured number that a run has printed and that is not a cost."""
    rows = json.loads(out)["records"]
    return {(row["entry"], row["metric"]): row["value"] for row in rows if row["metric"] not in COSTS}


def needs_slurm() -> None:
    """Skip the test unless a Slurm can be started here."""
    pytest.importorskip("submitit", reason="needs submitit: pip install 'classifier-bench[slurm]'")
    missing = [program for program in SLURM if shutil.which(program, path=PATH) is None]
    if missing:
        pytest.skip("needs Slurm: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge")
    if os.geteuid():
        pytest.skip("needs root to start Slurm's daemons")
    if Path("/etc/slurm/slurm.conf").exists():
        pytest.skip("this machine belongs to a Slurm cluster already")


def _slurm_conf(folder: Path) -> str:
    host = socket.gethostname().partition(".")[0]
    return f"""
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """The variables with which commands reach a Slurm of one node, whose partition is `main`."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    conf = folder / "slurm.conf"
    conf.write_text(_slurm_conf(folder))
    variables = {"SLURM_CONF": str(conf), "PATH": PATH}
    environment = os.environ | variables
    munge = _munge()
    daemons = [
        subprocess.Popen([program, "-D"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for program in ("slurmctld", "slurmd")
    ]
    try:
        _wait(lambda: "idle" in _said(["sinfo", "-h", "-o", "%T"], environment), "Slurm")
        yield variables
    finally:
        subprocess.run(["scancel", "-u", "root"], env=environment, capture_output=True, check=False)
        for daemon in [*reversed(daemons), *munge]:
            daemon.terminate()
        for daemon in [*daemons, *munge]:
            daemon.wait(30)


def _munge() -> list[subprocess.Popen]:
    """The daemon that vouches for users, unless it is running."""
    if _works(["munge", "-n"]):
        return []
    for folder in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
        Path(folder).mkdir(exist_ok=True)
        shutil.chown(folder, "munge", "munge")
    Path("/run/munge").chmod(0o755)
    command = [
        "setpriv",
        "--reuid=munge",
        "--regid=munge",
        "--clear-groups",
        "/usr/sbin/munged",
        "--foreground",
        "--force",
    ]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait(lambda: _works(["munge", "-n"]), "munged")
    return [daemon]


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _said(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def _wait(ready, what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"{what} did not start within {seconds} seconds"
        time.sleep(0.1)


def needs_ray() -> None:
    """Skip the test unless Ray is installed."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'classifier-bench[ray]'")


class RayCluster:
    """Nodes on loopback, each with its own environment."""

    def __init__(self, folder: Path, port: int = 26379) -> None:
        self.folder, self.address = folder, f"127.0.0.1:{port}"
        self._port = port
        self._nodes: list[subprocess.Popen] = []

    def start(self, cpus: int, prefix: tuple[str, ...] = (), **variables: str) -> subprocess.Popen:
        """Add a node, the first one as the head. Returns the process of `ray start`, whose end is that of the node."""
        role = ["--head", f"--port={self._port}"] if not self._nodes else [f"--address={self.address}"]
        command = [
            *prefix,
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            *role,
            "--block",
            f"--num-cpus={cpus}",
        ]
        command += ["--node-ip-address=127.0.0.1", "--disable-usage-stats", "--object-store-memory=100000000"]
        command += ["--include-dashboard=false"] if not self._nodes else []
        log = open(self.folder / f"node-{len(self._nodes)}.txt", "w")  # noqa: SIM115  the node writes to it
        environment = os.environ | {"RAY_worker_niceness": "0"} | variables
        node = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        self._nodes.append(node)
        return node

    def stop(self, node: subprocess.Popen) -> None:
        """Kill a node at once, as a power cut would."""
        import psutil

        for process in [*psutil.Process(node.pid).children(recursive=True), psutil.Process(node.pid)]:
            process.kill()
        node.wait(30)

    def close(self) -> None:
        for node in reversed(self._nodes):
            if node.poll() is None:
                self.stop(node)


@contextmanager
def ray_cluster(folder: Path) -> Iterator[RayCluster]:
    cluster = RayCluster(folder)
    try:
        yield cluster
    finally:
        cluster.close()
