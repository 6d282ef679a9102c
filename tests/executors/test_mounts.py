"""Data are not prepared where locks do not reach the other machines that see the folder."""

import pytest

from bench.data import prepared
from bench.errors import BenchError
from bench.util.mounts import local_locks

ROOT = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard"
NFS = "40 22 0:50 / /home rw,relatime shared:2 - {system} server:/home rw,vers=4.2,{option},addr=10.0.0.2"


@pytest.fixture
def mounts(tmp_path):
    def written(*lines: str):
        path = tmp_path / "mountinfo"
        path.write_text("\n".join(lines) + "\n")
        return path

    return written


@pytest.mark.parametrize(("system", "option", "found"), [
    ("nfs", "nolock", "NFS mounted with nolock"), ("nfs4", "local_lock=all", "NFS mounted with local_lock=all"),
    ("nfs4", "local_lock=none", ""), ("lustre", "localflock", "lustre mounted with localflock"), ("lustre", "flock", ""),
    ("ext4", "nolock", ""),
])  # fmt: skip
def test_a_mount_with_local_locks_is_told_apart(mounts, system, option, found):
    from pathlib import Path

    path = mounts(ROOT, NFS.format(system=system, option=option))
    assert local_locks(Path("/home/ada/cache"), path) == found
    assert local_locks(Path("/homely/cache"), path) == ""


def test_the_innermost_mount_counts(mounts):
    from pathlib import Path

    inner = "41 40 254:1 / /home/ada/my\\040disk rw - ext4 /dev/vdb rw"
    path = mounts(ROOT, NFS.format(system="nfs", option="nolock"), inner)
    assert local_locks(Path("/home/ada/my disk/cache"), path) == ""
    assert local_locks(Path("/home/ada"), path) == "NFS mounted with nolock"


def test_what_cannot_be_read_is_no_complaint(mounts, tmp_path):
    assert local_locks(tmp_path, tmp_path / "missing") == ""
    assert local_locks(tmp_path, mounts("nonsense", "", "1 2 3 - nfs")) == ""


def test_data_are_not_prepared_there(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "local_locks", lambda folder: "NFS mounted with nolock")
    with pytest.raises(BenchError, match="two machines could write it at once, since it is on NFS mounted with nolock"):
        prepared.load_or_build(tmp_path / "prepared" / "digits-1", lambda: pytest.fail("it was built"))
