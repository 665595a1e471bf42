"""One flush of a whole file system, where its answer can be believed.

syncfs(2): "In mainline kernel versions prior to 5.8, syncfs() will fail only when passed a bad file
descriptor". A file system over a network or in user space may only hand its bytes on, where fsync
would have the other side write them to its disk. And an error is told once: whose bytes it was is
not said, so that those of an instance that still arrives may be among them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
from pathlib import Path
from typing import Final

import psutil

_SYNCFS: Final = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # of Linux alone
_TELLS_FAULTS: Final = (5, 8)
_OF_THIS_MACHINE: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
)


class WholeFlush:
    """Flushes the file system that a folder lies on.

    Parameters
    ----------
    folder : is there

    Attributes
    ----------
    is_sure : whether one flush does what one of each file would do; False for good after an error
    """

    def __init__(self, folder: Path) -> None:
        kernel = kernel_version(platform.release())
        self.is_sure = (
            _SYNCFS is not None
            and kernel >= _TELLS_FAULTS
            and file_system_of(folder) in _OF_THIS_MACHINE
        )
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def flush(self) -> None:
        """Wait until all files and folders of it would outlive a power cut.

        Raises
        ------
        OSError
            One of them could not be written; from now on each must be asked for its own.
        """
        assert _SYNCFS is not None  # or nobody is sure
        if _SYNCFS(self._descriptor) != 0:
            self.is_sure = False
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def close(self) -> None:
        """Let go of it; a flush that comes later fails, whatever the number then belongs to."""
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)


def kernel_version(release: str) -> tuple[int, int]:
    """The first two numbers of a kernel's release; (0, 0) where it has none."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def file_system_of(folder: Path) -> str:
    """The kind of file system that a folder lies on, as the kernel calls it; "" if not known.

    Not by device number: that of a subvolume of btrfs stands in no table of mounts.
    """
    place, kind, longest = folder.resolve(), "", -1
    for mount in psutil.disk_partitions(all=True):
        at = Path(mount.mountpoint)
        if place.is_relative_to(at) and len(at.parts) >= longest:  # a later one hides the former
            kind, longest = mount.fstype, len(at.parts)
    return kind
