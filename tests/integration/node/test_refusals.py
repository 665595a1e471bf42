"""What the node does not store: a status, the reason in quarantine, and it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, MRImageStorage, SecondaryCaptureImageStorage

from database.states import AssociationEnding
from dicom_node import status
from radiology.errors import PeerBusy
from tests.peers.dicom.dcmtk import Dcmtk
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import SERIES, encoded, file_around, small_ct, write

pytestmark = pytest.mark.integration


def a_file(folder: Path, content: bytes, name: str = "object") -> Path:
    """Bytes as a file."""
    path = folder / f"{name}.dcm"
    path.write_bytes(content)
    return path


def refusals(folder: Path) -> dict[str, tuple[Path, int, str]]:
    """Objects that are not stored: file, status, kind of error."""
    cut = encoded(small_ct(9))

    def made(name: str, content: bytes, **facts: str) -> Path:
        return a_file(folder, file_around(content, **facts), name)

    whole = encoded(small_ct())
    return {
        "no study": (
            made("no-study", encoded(small_ct(StudyInstanceUID=None))),
            status.ATTRIBUTE_MISSING,
            "AttributeMissing",
        ),
        "empty series": (
            made("empty-series", encoded(small_ct(SeriesInstanceUID=""))),
            status.ATTRIBUTE_MISSING,
            "AttributeMissing",
        ),
        "path in a UID": (
            made("path", whole.replace(b"\x0d\x00UI\x06\x002.25.1", b"\x0d\x00UI\x06\x00../../")),
            status.UID_NOT_VALID,
            "InvalidUid",
        ),
        "wrong instance UID": (
            made("wrong-uid", whole.replace(f"{SERIES}.1".encode(), f"{SERIES}.x".encode())),
            status.INVALID_SOP_INSTANCE,
            "InvalidUid",
        ),
        "leading zero in the instance UID": (
            made("zero", whole.replace(f"{SERIES}.1".encode(), b"2.25.1.001")),
            status.INVALID_SOP_INSTANCE,
            "InvalidUid",
        ),
        "another instance than announced": (
            made("other", encoded(small_ct(2))),
            status.DATA_SET_MISMATCH,
            "CommandMismatch",
        ),
        "another class than announced": (
            made("class", encoded(small_ct(SOPClassUID=MRImageStorage))),
            status.DATA_SET_MISMATCH,
            "CommandMismatch",
        ),
        "cut in the pixels": (
            made("cut", cut[:-100], sop_instance_uid=f"{SERIES}.9"),
            status.CANNOT_UNDERSTAND,
            "DataSetUnreadable",
        ),
        "cut in the header": (
            made("cut-early", cut[:70], sop_instance_uid=f"{SERIES}.9"),
            status.CANNOT_UNDERSTAND,
            "DataSetUnreadable",
        ),
        "random bytes": (
            made("random", b"\x08\x00\x16\x00UI\xff\xff" + bytes(range(256)) * 20),
            status.CANNOT_UNDERSTAND,
            "DataSetUnreadable",
        ),
        "not deflated": (
            made("deflate", whole, transfer_syntax_uid=DeflatedExplicitVRLittleEndian),
            status.CANNOT_UNDERSTAND,
            "DataSetUnreadable",
        ),
    }


def test_each_fault_has_its_status_and_the_association_goes_on(
    node: RunningNode, tmp_path: Path
) -> None:
    """Bad objects between good ones, in one association: each is answered, the good are stored."""
    bad = refusals(tmp_path)
    good = [write(small_ct(number), tmp_path / "good") for number in (101, 102)]
    sent = node.send([good[0], *(path for path, _, _ in bad.values()), good[1]])

    found = {name: answer.status for name, answer in zip(bad, sent[1:-1], strict=True)}
    assert found == {name: wanted for name, (_, wanted, _) in bad.items()}
    assert (sent[0].status, sent[-1].status) == (0x0000, 0x0000)
    assert len(node.ended_associations(1)) == 1
    assert node.associations()[0].ending is AssociationEnding.RELEASED
    assert len(node.instances()) == len(node.spooled()) == 2
    kept = node.quarantine()
    assert [row.error_kind for row in kept] == [kind for _, _, kind in bad.values()]
    assert [row.status for row in kept] == [wanted for _, wanted, _ in bad.values()]
    for row in kept:
        assert row.path is not None
        assert (node.settings.quarantine_folder / row.path).is_file()
    assert not node.begun()


def test_a_data_set_that_is_missing(node: RunningNode, tmp_path: Path) -> None:
    """An empty data set is answered, not waited for."""
    sent = node.statuses(a_file(tmp_path, file_around(b"\0\0")), write(small_ct(), tmp_path))
    assert sent[0] in (status.CANNOT_UNDERSTAND, status.ATTRIBUTE_MISSING)
    assert sent[1] == 0x0000


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_invalid_uid_in_the_command(node: RunningNode, tmp_path: Path) -> None:
    """A UID of 70 characters in the command itself gets a status; pynetdicom would abort."""
    long = file_around(encoded(small_ct()), sop_instance_uid="1.2")
    announced = b"1" * 70
    # In the file meta information, whose length grows by what the UID grows
    long = long.replace(b"\x03\0UI\x04\x001.2\0", b"\x03\0UI\x46\0" + announced)
    length = int.from_bytes(long[140:144], "little") + 66
    long = long[:140] + length.to_bytes(4, "little") + long[144:]
    sent = node.send([a_file(tmp_path, long), write(small_ct(), tmp_path)])
    assert [answer.status for answer in sent] == [status.DATA_SET_MISMATCH, 0x0000]
    assert sent[0].sop_instance_uid == announced.decode()
    assert len(node.ended_associations(1)) == 1


def test_a_deflate_bomb_is_refused(tmp_path: Path) -> None:
    """100 kB that inflate to 100 MB are answered with a status."""
    import zlib

    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflater.compress(encoded(small_ct())) + deflater.compress(bytes(100_000_000))
    bomb += deflater.flush()
    content = file_around(bomb, transfer_syntax_uid=DeflatedExplicitVRLittleEndian)
    with running_node(tmp_path / "node", max_instance_bytes=1_000_000) as node:
        assert node.statuses(a_file(tmp_path, content)) == [status.CANNOT_UNDERSTAND]
        assert node.quarantine()[0].error_kind == "DataSetUnreadable"


def test_an_instance_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """It is read to its end and answered, without taking memory or disk."""
    with running_node(tmp_path / "node", max_instance_bytes=100_000) as node:
        large = write(small_ct(1, PixelData=bytes(2_000_000)), tmp_path, "large")
        sent = node.statuses(large, write(small_ct(2), tmp_path))
        assert sent == [status.INSTANCE_TOO_LARGE, 0x0000]
        (row,) = node.quarantine()
        assert row.path is None
        assert row.size_bytes > 2_000_000
        assert not node.begun()


def test_a_full_disk_is_out_of_resources(tmp_path: Path) -> None:
    """The status is 0xA700, so that the scanner tries again; nothing goes into quarantine."""
    with running_node(tmp_path / "node", min_free_bytes=10**18) as node:
        path = write(small_ct(), tmp_path)
        (answer,) = node.send([path])
        assert answer.status == 0xA700
        assert isinstance(answer.error, PeerBusy)
        assert not node.quarantine()
        assert not node.spooled()
        assert not node.begun()
        node.verify()


def test_a_broken_database_is_out_of_resources(node: RunningNode, tmp_path: Path) -> None:
    """Without its tables the database cannot record; what comes is answered, and tried again."""
    path = write(small_ct(), tmp_path)
    with node.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE instance RENAME TO away")
    assert node.statuses(path) == [0xA700]
    with node.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO instance")
    assert node.statuses(path) == [0x0000]
    assert len(node.instances()) == len(node.spooled()) == 1


def test_another_modality_is_noted_and_does_not_stop_the_rest(
    node: RunningNode, tmp_path: Path, dcmtk: Dcmtk
) -> None:
    """MR images get a warning, so that storescu goes on to the CT; one note is kept."""
    files = [write(small_ct(n, SOPClassUID=MRImageStorage), tmp_path / "mr") for n in range(1, 6)]
    files.append(write(small_ct(10), tmp_path / "z"))
    dcmtk.storescu(files, port=node.port, called_ae_title="FIRSTREAD").check()
    assert [row.sop_instance_uid for row in node.instances()] == [f"{SERIES}.10"]
    (kept,) = node.quarantine()
    assert (kept.error_kind, kept.status, kept.path) == ("NotStorable", 0xB006, None)
    assert MRImageStorage in kept.reason


def test_our_own_results_come_back(node: RunningNode, tmp_path: Path) -> None:
    """A capture of ours that PACS routes to us is answered with Success and makes no study."""
    ours = small_ct(5, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    assert node.statuses(write(ours, tmp_path)) == [0x0000]
    assert not node.instances()
    assert not node.spooled()
    assert not node.quarantine()
