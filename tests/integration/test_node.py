"""The node with real peers: what it stores, what it refuses and how, and that it stays alive."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from database.schema import upgrade_schema
from database.session import open_engine, transaction
from database.states import AssociationEnding, StudyState
from database.studies import Quiet, quiet_studies
from database.tables import Study
from dicom_node import status
from dicom_node.node import start_node
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from settings.environment import Settings
from settings.peers import Peer, RequestPriority
from tests.peers.dcmtk import Dcmtk
from tests.peers.orthanc import OrthancPeer
from tests.peers.ports import answers
from tests.peers.process import ServerProcess
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, node_settings, running_node
from tests.unit.dicom_node.small_ct import SERIES, encoded, file_around, small_ct, write

pytestmark = pytest.mark.integration


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node that knows one scanner, SCANNER."""
    with running_node(tmp_path / "node") as running:
        yield running


def a_file(folder: Path, content: bytes, name: str = "object") -> Path:
    """Bytes as a file."""
    path = folder / f"{name}.dcm"
    path.write_bytes(content)
    return path


# What is stored


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


# Priority


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


# Duplicates and conflicts


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


def test_another_object_under_the_same_uid_is_refused(node: RunningNode, tmp_path: Path) -> None:
    """The first object stays; the second is answered 0x0111 and kept in quarantine."""
    other = small_ct(1, PatientID="P2")
    sent = node.statuses(write(small_ct(1), tmp_path, "a"), write(other, tmp_path, "b"))
    assert sent == [0x0000, status.DUPLICATE_SOP_INSTANCE]
    assert dcmread(node.spooled()[0]).PatientID == "P1"
    (kept,) = node.quarantine()
    assert (kept.error_kind, kept.status) == ("InstanceConflict", 0x0111)
    assert kept.path is not None
    assert dcmread(node.settings.quarantine_folder / kept.path).PatientID == "P2"


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
        other = small_ct(1, PatientID="P2")
        assert second.statuses(write(other, tmp_path)) == [status.DUPLICATE_SOP_INSTANCE]


# Refusals: a status, a quarantine with the reason, and the association goes on


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


# Associations


def test_callers_must_be_on_the_list(
    node: RunningNode, dcmtk: Dcmtk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger is rejected for its calling AE title; the log says what to add to the settings."""
    known = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
    stranger = dcmtk.echoscu(
        port=node.port, called_ae_title="FIRSTREAD", calling_ae_title="STRANGER"
    )
    assert known.ok
    assert not stranger.ok
    assert "Calling AE Title Not Recognized" in stranger.output
    rows = node.ended_associations(2)
    assert rows[1].calling_ae_title == "STRANGER"
    assert rows[1].ending is AssociationEnding.REJECTED
    logged = "".join(capsys.readouterr()).replace('\\"', '"')  # in JSON quotes are escaped
    assert 'ae_title = "STRANGER" host = "127.0.0.1"' in logged


def test_the_called_title_must_be_ours(node: RunningNode, dcmtk: Dcmtk) -> None:
    """A caller that means somebody else is rejected for the called AE title."""
    asked = dcmtk.echoscu(port=node.port, called_ae_title="ELSEWHERE")
    assert not asked.ok
    assert "Called AE Title Not Recognized" in asked.output


def test_a_peer_with_a_host_must_call_from_there(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The title alone is not enough where the settings name an address."""
    elsewhere = Peer(name="scanner", ae_title="SCANNER", host="192.0.2.7")  # type: ignore[arg-type]
    with running_node(tmp_path / "node", peers=(elsewhere,)) as node:
        asked = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
        assert "Calling AE Title Not Recognized" in asked.output


def test_anybody_may_call_when_the_settings_say_so(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """The demo lets every caller in."""
    with running_node(tmp_path / "node", peers=(), accept_any_peer=True) as node:
        dcmtk.echoscu(
            port=node.port, called_ae_title="FIRSTREAD", calling_ae_title="WHOEVER"
        ).check()


def test_a_released_association_makes_its_study_quiet(node: RunningNode, tmp_path: Path) -> None:
    """What assembly waits for is there: the association that carried the study was released."""
    node.send([write(small_ct(), tmp_path)])
    (row,) = node.ended_associations(1)
    assert row.ending is AssociationEnding.RELEASED
    with transaction(node.engine) as session:
        now = datetime.now(UTC)
        assert quiet_studies(session, now, Quiet(after_instance_s=60.0, after_release_s=0.0))


def test_an_abort_is_noted(node: RunningNode, dcmtk: Dcmtk) -> None:
    """A peer that aborts leaves an aborted association, not an open one."""
    dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD", options=["--abort"])
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED


def test_too_many_associations(tmp_path: Path, dcmtk: Dcmtk) -> None:
    """One association more than allowed is rejected for now; the others are served."""
    with running_node(tmp_path / "node", max_associations=2) as node:
        held = [open_association_and_hold(node) for _ in range(2)]
        wait_until(lambda: len(node.associations()) == 2, what="two associations")
        asked = dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD")
        assert "Local Limit Exceeded" in asked.output
        for connection in held:
            connection.close()
        wait_until(
            lambda: dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD").ok,
            what="room for another association",
        )


def open_association_and_hold(node: RunningNode) -> socket.socket:
    """An association that is established and then says nothing more."""
    connection = socket.create_connection(("127.0.0.1", node.port))
    connection.sendall(associate_request())
    assert connection.recv(1) == b"\x02"  # A-ASSOCIATE-AC
    return connection


def associate_request(calling: str = "SCANNER", called: str = "FIRSTREAD") -> bytes:
    """An A-ASSOCIATE-RQ for CT Image Storage in Explicit VR Little Endian (PS3.8 9.3.2)."""

    def item(kind: int, content: bytes) -> bytes:
        return bytes([kind, 0]) + len(content).to_bytes(2, "big") + content

    context = b"\x01\0\0\0" + item(0x30, b"1.2.840.10008.5.1.4.1.1.2")
    context += item(0x40, b"1.2.840.10008.1.2.1")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"2.25.99")
    body = b"\0\1\0\0" + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, context) + item(0x50, user)
    return b"\x01\0" + len(body).to_bytes(4, "big") + body


def test_an_association_left_open_is_ended(tmp_path: Path) -> None:
    """A scanner that forgets its association loses it after the idle time."""
    with running_node(tmp_path / "node", association_idle_s=0.5) as node:
        connection = open_association_and_hold(node)
        assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
        connection.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x01\0\x7f\xff\xff\xff" + bytes(100), bytes(600)],
    ids=["nothing", "one byte", "HTTP", "2 GB announced", "zeros"],
)
def test_connections_that_are_no_associations(node: RunningNode, sent: bytes) -> None:
    """Health checks, port scanners and half requests leave no thread behind."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", node.port)) as connection:
            connection.sendall(sent)
    wait_until(lambda: not acceptors(), what="the end of all association threads")
    node.verify()


def acceptors() -> list[str]:
    """Threads of associations that have not ended."""
    return [thread.name for thread in threading.enumerate() if "Acceptor" in thread.name]


def test_a_peer_that_stalls_within_a_pdu_is_cut_off(tmp_path: Path) -> None:
    """Half a PDU and then silence: the association ends after the idle time."""
    with running_node(tmp_path / "node", association_idle_s=0.5) as node:
        connection = open_association_and_hold(node)
        connection.sendall(b"\x04\0\0\0\x10\0" + bytes(10))
        assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
        wait_until(lambda: not acceptors(), what="the end of its threads")
        connection.close()


def fragment(content: bytes, control: int) -> bytes:
    """A P-DATA-TF with one fragment in presentation context 1 (PS3.8 Annex E.2)."""
    value = bytes([1, control]) + content
    item = len(value).to_bytes(4, "big") + value
    return b"\x04\0" + len(item).to_bytes(4, "big") + item


def element(number: int, value: bytes) -> bytes:
    """A command element (PS3.7 Section 6.3.1), implicit VR little endian."""
    return b"\0\0" + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


# A C-STORE-RQ for a CT image, without Affected SOP Instance UID
INCOMPLETE_COMMAND = (
    element(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0")
    + element(0x0100, b"\x01\0")
    + element(0x0110, b"\x01\0")
    + element(0x0700, b"\0\0")
    + element(0x0800, b"\0\0")
)


@pytest.mark.parametrize(
    "sent",
    [
        fragment(bytes(10_000), 1) * 10,
        fragment(INCOMPLETE_COMMAND, 3) + fragment(encoded(small_ct()), 2),
        fragment(b"not a command", 3),
        b"\x02\0\0\0\0\x04\0\0\0\0",
    ],
    ids=["endless command", "no instance UID", "no command", "unexpected PDU"],
)
def test_what_cannot_be_answered_is_aborted(node: RunningNode, sent: bytes) -> None:
    """The peer hears an A-ABORT, the row is ended, and the next caller is served."""
    with open_association_and_hold(node) as connection:
        connection.settimeout(10)
        connection.recv(4096)  # the rest of the A-ASSOCIATE-AC
        connection.sendall(sent)
        assert connection.recv(1) == b"\x07"  # A-ABORT
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
    wait_until(lambda: not acceptors(), what="the end of its threads")
    node.verify()


def test_a_fault_in_deciding_lets_nobody_in(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the decision about a caller fails the caller stays outside."""

    def broken(*_: object) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(node.node, "admit", broken)
    with pytest.raises(PeerUnreachable):
        node.verify()
    monkeypatch.undo()
    node.verify()


def test_a_connection_lost_while_sending(node: RunningNode, tmp_path: Path) -> None:
    """The begun instance leaves no file; what was answered before stays."""
    connection = open_association_and_hold(node)
    command = INCOMPLETE_COMMAND + element(0x1000, f"{SERIES}.1".encode())
    connection.sendall(fragment(command, 3) + fragment(encoded(small_ct())[:200], 0))
    wait_until(node.begun, what="the beginning of an instance")
    connection.close()
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
    wait_until(lambda: not acceptors(), what="the end of its threads")
    assert not node.begun()
    node.verify()


# The process


def node_environment(settings: Settings) -> dict[str, str]:
    """The settings of a node in a process of its own."""
    return {
        "FIRSTREAD_DATA_FOLDER": str(settings.data_folder),
        "FIRSTREAD_DICOM_HOST": settings.dicom_host,
        "FIRSTREAD_DICOM_PORT": str(settings.dicom_port),
        "FIRSTREAD_MIN_FREE_BYTES": "0",
        "FIRSTREAD_PEERS": json.dumps([{"name": "scanner", "ae_title": "SCANNER"}]),
    }


@pytest.fixture
def node_process(tmp_path: Path) -> Iterator[Callable[..., tuple[Settings, ServerProcess]]]:
    """Give a function that starts `python -m dicom_node`, or a program around it."""
    settings = node_settings(tmp_path / "process")
    settings.data_folder.mkdir(parents=True)
    upgrade_schema(open_engine(settings.database_address))
    started: list[ServerProcess] = []

    def start(*arguments: str) -> tuple[Settings, ServerProcess]:
        process = ServerProcess(
            f"node-{len(started)}",
            [sys.executable, *(arguments or ("-m", "dicom_node"))],
            folder=tmp_path,
            environment={
                **node_environment(settings),
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            },
        )
        started.append(process)
        process.wait_until_ready(lambda: answers(settings.dicom_port))
        return settings, process

    yield start
    for process in started:
        process.kill()


def test_the_node_ends_cleanly_on_sigterm(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """An open association is aborted, its row ended, and the exit code is 0."""
    settings, process = node_process()
    engine = open_engine(settings.database_address)
    running = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    running.send([write(small_ct(), tmp_path)])
    connection = open_association_and_hold(running)
    process.send_signal(signal.SIGTERM)
    assert process.process.wait(timeout=20) == 0
    connection.close()
    assert "node_stopped" in process.log()
    assert [row.ending for row in running.associations()] == [
        AssociationEnding.RELEASED,
        AssociationEnding.ABORTED,
    ]
    assert "Not^To^Be^Logged" not in process.log()


class _Port:
    def __init__(self, port: int) -> None:
        self.port = port


_KILLED_BETWEEN_RENAME_AND_ROW = """
import os, signal
from dicom_node.spool import Spool
from dicom_node.__main__ import main

sync = Spool.sync

def sync_and_die(self, folders):
    sync(self, folders)
    if self.folder.parent not in folders:  # not the call that makes the spool
        os.kill(os.getpid(), signal.SIGKILL)

Spool.sync = sync_and_die
raise SystemExit(main())
"""


def test_killed_between_file_and_row(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """The sender got no answer and comes again: one row, one file, nothing left over."""
    settings, process = node_process("-c", _KILLED_BETWEEN_RENAME_AND_ROW)
    path = write(small_ct(), tmp_path)
    engine = open_engine(settings.database_address)
    node = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    (sent,) = node.send([path])
    assert sent.status is None
    assert process.process.wait(timeout=10) == -signal.SIGKILL
    assert len(node.spooled()) == 1
    assert not node.instances()

    node_process()
    assert node.statuses(path) == [0x0000]
    assert len(node.instances()) == len(node.spooled()) == 1
    assert not node.begun()


def test_killed_while_receiving(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """What a killed node had begun to write is swept when the next one starts."""
    settings, process = node_process()
    begun = next((settings.spool_folder / ".incoming").glob("*.lock")).with_suffix("")
    (begun / "half.dcm").write_bytes(b"half")
    process.kill()
    _, again = node_process()
    assert "spool_swept" in again.log()
    assert not list((settings.spool_folder / ".incoming").rglob("*.dcm"))


def test_a_second_node_leaves_the_first_ones_files_alone(tmp_path: Path) -> None:
    """Two nodes on one spool: what the first is receiving is not swept by the second."""
    with running_node(tmp_path / "node") as first:
        begun = next((first.settings.spool_folder / ".incoming").glob("*.lock")).with_suffix("")
        (begun / "half.dcm").write_bytes(b"half")
        other = node_settings(tmp_path / "node")
        second = start_node(other, first.engine)
        second.stop()
        assert (begun / "half.dcm").exists()


def test_a_taken_port_is_a_clear_error(
    node: RunningNode, tmp_path: Path, node_process: Callable[..., tuple[Settings, ServerProcess]]
) -> None:
    """The error names the port, and the program ends with a code that is not 0."""
    taken = node_settings(tmp_path / "other", dicom_port=node.port)
    with pytest.raises(SettingsRefused, match="port"):
        start_node(taken, node.engine)

    settings, _ = node_process()
    second = ServerProcess(
        "second",
        [sys.executable, "-m", "dicom_node"],
        folder=tmp_path,
        environment={**node_environment(settings), "PYTHONPATH": str(Path.cwd())},
    )
    assert second.process.wait(timeout=20) == 1
    assert "node_not_started" in second.log()


def test_rejections_are_told_to_the_administrator(node: RunningNode) -> None:
    """Our own SCU turns the rejection into what must be changed at the peer."""
    with pytest.raises(PeerRefused, match="add AE title STRANGER"):
        node.verify(calling="STRANGER")
