"""What the node stores, with what priority, and what it does with an object that it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import (
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from database.session import transaction
from database.states import StudyState
from database.tables.study.analysis import Study
from dicom_node import status
from dicom_node.spool import Spool
from radiology.errors import SpoolFull
from settings.peers import Peer, RequestPriority
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import SERIES, encoded, small_ct, write

pytestmark = pytest.mark.integration


def test_a_real_study_from_a_real_scanner(
    node: RunningNode, dcmtk: Dcmtk, shared_ct: Path, tmp_path: Path
) -> None:
    """Every instance that dcmtk sends is a file with the same data set, and a row."""
    files = sorted((shared_ct / "tiny-64x64").iterdir())
    sent = dcmtk.storescu(files, port=node.port, called_ae_title="FIRSTREAD").check()
    assert "Refused" not in sent.output

    assert len(node.instances()) == len(node.spooled()) == len(files)
    assert not node.begun()
    stored = {
        row.sop_instance_uid: node.settings.spool_folder / row.path for row in node.instances()
    }
    for path in files:
        original = dcmread(path)
        assert dcmread(stored[original.SOPInstanceUID]).PixelData == original.PixelData


def test_the_path_follows_from_the_uids(node: RunningNode, tmp_path: Path) -> None:
    """A stored instance lies at study/series/instance, as a DICOM file of its own."""
    assert node.statuses(write(small_ct(), tmp_path)) == [0x0000]
    (path,) = node.spooled()
    assert path.relative_to(node.settings.spool_folder) == Path("2.25.1", SERIES, f"{SERIES}.1.dcm")
    read = dcmread(path)
    assert read.file_meta.SourceApplicationEntityTitle == "SCANNER"
    assert read.file_meta.ReceivingApplicationEntityTitle == "FIRSTREAD"
    assert read.PatientID == "P1"


def test_the_row_says_what_came(node: RunningNode, tmp_path: Path) -> None:
    """Digest and size are those of the encoded data set; the association is the one that came."""
    import hashlib

    data_set = small_ct()
    node.send([write(data_set, tmp_path)])
    (row,) = node.instances()
    assert row.sha256 == hashlib.sha256(encoded(small_ct())).hexdigest()
    assert row.size_bytes == len(encoded(small_ct()))
    assert row.association_id == node.ended_associations(1)[0].id


def test_every_transfer_syntax_is_stored_as_it_came(
    node: RunningNode, shared_ct: Path, tmp_path: Path
) -> None:
    """The same CT image in sixteen encodings is stored sixteen times, byte for byte."""
    files = sorted((shared_ct / "transfer-syntaxes").iterdir())
    for number, path in enumerate(files):
        # They share one SOP Instance UID: give each its own, of the same length.
        content = path.read_bytes()
        uid = str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)
        deflated = "Deflated" in path.name
        own = uid if deflated else uid[:-2] + str(number + 10)
        (tmp_path / path.name).write_bytes(content.replace(uid.encode(), own.encode()))
    sent = node.send([tmp_path / path.name for path in files])
    assert {answer.status for answer in sent} == {0x0000}
    assert not any(answer.converted for answer in sent)


def test_enhanced_ct_is_stored(node: RunningNode, tmp_path: Path) -> None:
    """A multi-frame object is kept like any other CT."""
    data_set = small_ct(SOPClassUID=EnhancedCTImageStorage)
    assert node.statuses(write(data_set, tmp_path)) == [0x0000]
    assert node.instances()[0].sop_class_uid == EnhancedCTImageStorage


def test_orthanc_sends_to_the_node(tmp_path: Path, orthanc: OrthancPeer) -> None:
    """A PACS sends a study with a compressed CT, a dose report and a capture; only CT is kept."""
    pacs = Peer(name="pacs", ae_title=orthanc.ae_title, host="127.0.0.1")  # type: ignore[arg-type]
    with running_node(tmp_path / "node", peers=(pacs,)) as node:
        compressed = small_ct(1)
        compressed.compress(JPEGLSLossless, generate_instance_uid=False)
        report = small_ct(2, SOPClassUID=XRayRadiationDoseSRStorage, PixelData=None, Modality="SR")
        capture = small_ct(3, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
        for data_set in (compressed, report, capture):
            orthanc.upload(write(data_set, tmp_path))
        name = orthanc.know_peer("FIRSTREAD", port=node.port)
        orthanc.send_to(name, orthanc.study_ids())

        assert [row.sop_instance_uid for row in node.instances()] == [f"{SERIES}.1"]
        assert not node.quarantine()


def test_priority_from_the_peer_and_from_the_request(tmp_path: Path) -> None:
    """The request's priority goes before the peer's rule, and the most urgent one stays."""
    emergency = Peer(name="emergency", ae_title="ED-CT", priority=RequestPriority.HIGH)  # type: ignore[arg-type]
    with running_node(tmp_path / "node", peers=(emergency,)) as node:
        node.send([write(small_ct(1), tmp_path)], calling="ED-CT")
        assert _study(node).priority is RequestPriority.HIGH
        node.send(
            [write(small_ct(2, RequestedProcedurePriority="STAT"), tmp_path)], calling="ED-CT"
        )
        assert _study(node).priority is RequestPriority.STAT


def _study(node: RunningNode) -> Study:
    with transaction(node.engine) as session:
        return session.query(Study).one()


def test_the_same_object_again_changes_nothing(node: RunningNode, tmp_path: Path) -> None:
    """A second Success, still one row and one file, and the study is not touched."""
    path = write(small_ct(), tmp_path)
    node.send([path])
    with transaction(node.engine) as session:
        session.query(Study).one().state = StudyState.DELIVERED
    before = node.spooled()[0].stat()
    assert node.statuses(path) == [0x0000]
    assert len(node.instances()) == len(node.spooled()) == 1
    assert node.spooled()[0].stat().st_ino == before.st_ino
    assert _study(node).state is StudyState.DELIVERED
    assert not node.begun()
    assert not node.quarantine()


@pytest.mark.parametrize("syntax", [RLELossless, ImplicitVRLittleEndian])
def test_the_same_object_encoded_otherwise_is_a_duplicate(
    node: RunningNode, tmp_path: Path, syntax: str
) -> None:
    """A PACS that sends the object again in another transfer syntax gets Success."""
    first = write(small_ct(), tmp_path, "first")
    again = small_ct()
    if syntax == RLELossless:
        again.compress(RLELossless, generate_instance_uid=False)
    else:
        again.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert node.statuses(first, write(again, tmp_path, "again")) == [0x0000, 0x0000]
    assert len(node.instances()) == len(node.spooled()) == 1


def test_a_duplicate_encoded_otherwise_waits_for_a_flush(
    node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever brought the first one may still wait for its own."""
    node.send([write(small_ct(), tmp_path, "first")])
    again = small_ct()
    again.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    def broken(_: Spool) -> None:
        raise SpoolFull

    monkeypatch.setattr(Spool, "sync_everything", broken)
    assert node.statuses(write(again, tmp_path, "again")) == [status.OUT_OF_RESOURCES]


def test_another_object_under_the_same_uid_is_refused(node: RunningNode, tmp_path: Path) -> None:
    """The first object stays; the second is answered 0x0111 and kept in quarantine."""
    other = small_ct(1, PatientID="P2", RescaleSlope="2")
    sent = node.statuses(write(small_ct(1), tmp_path, "a"), write(other, tmp_path, "b"))
    assert sent == [0x0000, status.DUPLICATE_SOP_INSTANCE]
    assert dcmread(node.spooled()[0]).PatientID == "P1"
    (kept,) = node.quarantine()
    assert (kept.error_kind, kept.status) == ("InstanceConflict", 0x0111)
    assert kept.path is not None
    assert dcmread(node.settings.quarantine_folder / kept.path).PatientID == "P2"


def test_a_corrected_patient_takes_the_place_of_the_wrong_one(
    node: RunningNode, tmp_path: Path, dcmtk: Dcmtk
) -> None:
    """By storescu, as a scanner sends after somebody has corrected it; the old file is kept."""
    for name, patient in (("wrong", "P1"), ("corrected", "P2")):
        path = write(small_ct(1, PatientID=patient), tmp_path, name)
        assert dcmtk.storescu([path], port=node.port, called_ae_title="FIRSTREAD").ok
    (instance,) = node.instances()
    assert instance.corrected
    assert dcmread(node.settings.spool_folder / instance.path).PatientID == "P2"
    assert {str(dcmread(path).PatientID) for path in node.spooled()} == {"P1", "P2"}
    assert node.quarantine() == []


def test_two_senders_bring_the_same_instances_at_once(
    node: RunningNode, tmp_path: Path, dcmtk: Dcmtk
) -> None:
    """Four associations with the same study at the same time leave one row for each instance."""
    files = [write(small_ct(number), tmp_path / "ct") for number in range(1, 31)]
    with ThreadPoolExecutor(4) as pool:
        sent = list(
            pool.map(
                lambda _: dcmtk.storescu(files, port=node.port, called_ae_title="FIRSTREAD"),
                range(4),
            )
        )
    assert all(one.ok for one in sent)
    assert len(node.instances()) == len(node.spooled()) == 30
    assert not node.begun()


def test_two_nodes_on_one_database(tmp_path: Path, postgres_url: str, dcmtk: Dcmtk) -> None:
    """At hospital size two nodes may share spool and database: still one row for each instance."""
    files = [write(small_ct(number), tmp_path / "ct") for number in range(1, 31)]
    with (
        running_node(tmp_path / "node", database_url=postgres_url) as first,
        running_node(tmp_path / "node", database_url=postgres_url) as second,
        ThreadPoolExecutor(4) as pool,
    ):
        ports = [first.port, second.port] * 2
        sent = list(
            pool.map(
                lambda port: dcmtk.storescu(files, port=port, called_ae_title="FIRSTREAD"), ports
            )
        )
        assert all(one.ok for one in sent), [one.output[-500:] for one in sent]
        assert len(first.instances()) == len(first.spooled()) == 30
        assert not first.begun()
        other = small_ct(1, PatientID="P2", RescaleSlope="2")
        assert second.statuses(write(other, tmp_path)) == [status.DUPLICATE_SOP_INSTANCE]
