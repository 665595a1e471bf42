"""Files in the spool: begun, made durable, placed, swept."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from pydicom import dcmread

from dicom_node.receive.file_meta import encode_file_meta
from dicom_node.spool import Spool, instance_path
from radiology.errors import SpoolFull
from tests.unit.dicom_node.small_ct import SERIES, STUDY, encoded, file_around, small_ct


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path / "spool", min_free_bytes=0)


def test_a_file_is_placed_whole(spool: Spool) -> None:
    """What was written in pieces is one DICOM file in its place, and its digest is right."""
    content = encoded(small_ct())
    file = spool.begin(file_around(b""))
    file.write(content[:100])
    file.write(content[100:])
    assert file.read_at(90, 20) == content[90:110]
    file.make_durable()
    relative = instance_path(STUDY, SERIES, f"{SERIES}.1")
    changed = spool.place(file, relative)
    spool.sync(changed)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.size == len(content)
    assert dcmread(spool.folder / relative).PatientID == "P1"
    assert changed == {
        str(spool.folder),
        str(spool.folder / STUDY),
        str(spool.folder / STUDY / SERIES),
    }
    file.discard()  # does no harm any more
    assert (spool.folder / relative).exists()


def test_a_discarded_file_leaves_nothing(spool: Spool) -> None:
    """Nor does closing it twice hurt."""
    file = spool.begin(b"meta")
    file.write(b"data")
    file.discard()
    file.discard()
    assert not list(spool.folder.rglob("*.dcm"))


def test_too_little_room(tmp_path: Path) -> None:
    """Nothing is begun when the disk is fuller than the settings allow."""
    spool = Spool(tmp_path, min_free_bytes=10**18)
    with pytest.raises(SpoolFull) as raised:
        spool.begin(b"meta")
    assert raised.value.facts["min_free_bytes"] == 10**18


def test_a_disk_that_fills_up_while_writing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENOSPC in the middle is the same as too little room before."""
    file = spool.begin(b"meta")

    def full(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SpoolFull) as raised:
        file.write(b"data")
    assert raised.value.facts["errno"] == errno.ENOSPC


def test_a_disk_that_cannot_sync(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that the kernel could not bring to disk are not taken for durable."""
    file = spool.begin(b"meta")

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(SpoolFull):
        file.make_durable()


def test_leftovers_of_a_dead_node_are_swept(spool: Spool) -> None:
    """What a node left that closed nothing is removed when the next one starts."""
    begun = spool.begin(b"meta")
    os.close(spool._lock)  # what the kernel does when the process dies
    again = Spool(spool.folder, min_free_bytes=0)
    assert again.left.files == 1
    assert not begun.path.exists()
    begun.close()


def test_a_living_nodes_files_are_left_alone(spool: Spool) -> None:
    """A second node on the same spool sweeps nothing of the first."""
    begun = spool.begin(b"meta")
    assert not Spool(spool.folder, min_free_bytes=0).left
    assert begun.path.exists()


def test_closing_removes_what_was_begun(spool: Spool) -> None:
    """Nothing but placed files stays."""
    spool.begin(b"meta").close()
    spool.close()
    assert not list((spool.folder / ".incoming").iterdir())


def test_file_meta_is_readable() -> None:
    """pydicom reads every element of it; a wrong UID is left empty."""
    import io

    content = encode_file_meta(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid="../../etc/passwd",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        calling_ae_title="SCANNER",
        called_ae_title="FIRSTREAD",
    )
    meta = dcmread(io.BytesIO(content + encoded(small_ct()))).file_meta
    assert meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert meta.MediaStorageSOPInstanceUID == ""
    assert meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert meta.SourceApplicationEntityTitle == "SCANNER"
    assert meta.FileMetaInformationGroupLength == len(content) - 144
