"""A data set while its fragments arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.spool import Spool, SpoolFile
from dicom_node.status import InstanceTooLarge
from radiology.errors import SpoolFull


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path, min_free_bytes=0)


def begun(spool: Spool) -> list[Path]:
    """Files that are being written."""
    return list(spool.folder.rglob("*.dcm"))


def test_fragments_go_to_the_file(spool: Spool) -> None:
    """The file holds them in order."""
    incoming = IncomingDataSet(lambda: spool.begin(b""), max_bytes=100)
    incoming.write(b"one")
    incoming.write(b"two")
    assert incoming.file().read_at(0, 10) == b"onetwo"
    assert incoming.received_bytes == 6


def test_a_data_set_that_is_too_large_is_dropped_as_it_comes(spool: Spool) -> None:
    """The file goes at once; what still comes is only counted."""
    incoming = IncomingDataSet(lambda: spool.begin(b""), max_bytes=5)
    incoming.write(b"12345")
    assert begun(spool)
    incoming.write(b"6")
    assert not begun(spool)
    incoming.write(b"7" * 1000)
    assert incoming.received_bytes == 1006
    with pytest.raises(InstanceTooLarge):
        incoming.file()
    assert incoming.kept_file() is None


def test_a_full_disk_is_told_at_the_end(spool: Spool) -> None:
    """Nothing is raised into the thread that receives; the handler gets the reason."""

    def full() -> SpoolFile:
        raise SpoolFull

    incoming = IncomingDataSet(full, max_bytes=100)
    incoming.write(b"one")
    incoming.write(b"two")
    with pytest.raises(SpoolFull):
        incoming.file()


def test_what_is_not_kept_stays_in_memory_if_it_is_small() -> None:
    """Messages other than C-STORE are decoded by the library from memory; large ones are not."""
    incoming = IncomingDataSet(lambda: None, max_bytes=10**9)
    incoming.write(b"small")
    assert incoming.getvalue() == b"small"
    for _ in range(40):
        incoming.write(bytes(100_000))
    assert len(incoming.getvalue()) < 1_100_000
    assert incoming.received_bytes == 4_000_005


def test_discarding(spool: Spool) -> None:
    """Twice does no harm."""
    incoming = IncomingDataSet(lambda: spool.begin(b""), max_bytes=100)
    incoming.write(b"one")
    incoming.discard()
    incoming.discard()
    assert not begun(spool)
