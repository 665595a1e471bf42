"""One flush of a whole file system: where it is believed, and that an error ends that."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from dicom_node import whole_flush
from dicom_node.spool import Spool
from dicom_node.whole_flush import WholeFlush, file_system_of, kernel_version
from radiology.errors import SpoolFull

_MOUNTS = {
    "/": "ext4",
    "/mnt/data": "cifs",
    "/mnt/with space": "btrfs",
}


@pytest.fixture
def fails_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A kernel that tells of a write fault once, as Linux does (errseq), and then of none."""
    answers: list[int] = []

    def syncfs(_descriptor: int) -> int:
        answers.append(-1 if not answers else 0)
        ctypes.set_errno(errno.EIO)
        return answers[-1]

    monkeypatch.setattr(whole_flush, "_SYNCFS", syncfs)
    monkeypatch.setattr(whole_flush.platform, "release", lambda: "6.1.0-21-amd64")
    monkeypatch.setattr(whole_flush, "file_system_of", lambda _folder: "ext4")
    return answers


def test_after_an_error_each_file_is_asked_for_its_own(
    tmp_path: Path, fails_once: list[int]
) -> None:
    """The error may have been of an instance that still arrives: the next flush says nothing."""
    spool = Spool(tmp_path / "spool", min_free_bytes=0)
    assert spool.can_sync_everything
    with pytest.raises(SpoolFull):
        spool.sync_everything()
    assert not spool.can_sync_everything
    assert fails_once == [-1]


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("4.18.0-553.el8_10.x86_64", "xfs"),  # RHEL 8: syncfs says nothing of faults
        ("5.7.19", "ext4"),
        ("6.1.0", "cifs"),
        ("6.1.0", "fuse.mergerfs"),
        ("6.1.0", ""),
    ],
)
def test_where_it_would_say_less_than_fsync_it_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, kind: str
) -> None:
    """Each file is flushed by itself there."""
    monkeypatch.setattr(whole_flush.platform, "release", lambda: release)
    monkeypatch.setattr(whole_flush, "file_system_of", lambda _folder: kind)
    whole = WholeFlush(tmp_path)
    assert not whole.is_sure
    whole.close()


def test_a_flush_that_comes_after_the_end_fails(tmp_path: Path) -> None:
    """Not: flushes whatever has got the number of its descriptor since."""
    whole = WholeFlush(tmp_path)
    whole.is_sure = True
    whole.close()
    with (tmp_path / "other").open("wb"), pytest.raises(OSError, match="descriptor"):
        whole.flush()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/mnt/data/spool", "cifs"),
        ("/mnt/database", "ext4"),
        ("/mnt/with space/spool", "btrfs"),
        ("/srv", "fuse.mergerfs"),  # mounted over the other one
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(
    monkeypatch: pytest.MonkeyPatch, folder: str, kind: str
) -> None:
    """And of two at one place that of the later one, which hides the other."""
    mounts = [*_MOUNTS.items(), ("/srv", "ext4"), ("/srv", "fuse.mergerfs")]
    known = [SimpleNamespace(mountpoint=at, fstype=one) for at, one in mounts]
    monkeypatch.setattr(whole_flush.psutil, "disk_partitions", lambda **_: known)
    assert file_system_of(Path(folder)) == kind


def test_this_kernel_is_known() -> None:
    """Of this machine, against what another reader of the same says."""
    first, second = (int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    assert kernel_version(os.uname().release) == (first, second)
    assert kernel_version("generic") == (0, 0)


def test_a_write_after_the_end_goes_into_no_other_file(tmp_path: Path) -> None:
    """A thread that still writes while its association ends: the number is another file's."""
    spool = Spool(tmp_path / "spool", min_free_bytes=0)
    late = spool.begin(b"")
    late.close()
    other = spool.begin(b"")
    with pytest.raises(SpoolFull):
        late.write(b"stray")
    assert other.path.read_bytes() == b""
    other.discard()
