"""C-STORE as SCU, to real peers: what arrives, and what is said when it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    ComprehensiveSRStorage,
    JPEGLSLossless,
    MRImageStorage,
    SegmentationStorage,
)
from pynetdicom import AllStoragePresentationContexts

from dicom_node.guard.guarded_socket import GuardedSocket
from dicom_node.request.c_store import StoreAnswer, error_of_answers, send_instances
from dicom_node.request.verification import verify_peer
from dicom_node.stand_in_pacs import start_stand_in_pacs
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from settings.peers import Peer, PeerRole
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.unit.dicom_node.running_node import running_node
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def peer_at(port: int, ae_title: str = "STORESCP", host: str = "127.0.0.1") -> Peer:
    """A destination."""
    return Peer(
        name="pacs",
        ae_title=ae_title,  # type: ignore[arg-type]
        host=host,
        port=port,
        roles=frozenset({PeerRole.DESTINATION}),
    )


def send(paths: list[Path], peer: Peer, timeout_s: float = 10.0) -> tuple[StoreAnswer, ...]:
    """Send as FIRSTREAD."""
    return send_instances(paths, peer, calling_ae_title="FIRSTREAD", timeout_s=timeout_s)


def test_orthanc_has_what_was_sent(orthanc: OrthancPeer, shared_ct: Path) -> None:
    """A compressed study arrives as it is encoded, an answer for each instance."""
    paths = sorted((shared_ct / "covid-P001").rglob("*.dcm"))[:10]
    shown: list[StoreAnswer] = []
    answers = send_instances(
        paths,
        peer_at(orthanc.dicom_port, orthanc.ae_title),
        calling_ae_title="FIRSTREAD",
        timeout_s=30,
        on_answer=shown.append,
    )
    assert [answer.path for answer in answers] == paths
    assert tuple(shown) == answers
    assert {answer.status for answer in answers} == {0x0000}
    assert not any(answer.converted for answer in answers)
    assert error_of_answers(answers) is None
    original = dcmread(paths[3])
    stored = orthanc.data_set(original.SOPInstanceUID)
    assert stored.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert stored.PixelData == original.PixelData


def test_storescp_has_what_was_sent(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """Several SOP classes go in one association."""
    pacs = dcmtk.storescp()
    paths = [
        write(small_ct(1), tmp_path),
        write(small_ct(2, SOPClassUID=SegmentationStorage), tmp_path),
        write(small_ct(3, SOPClassUID=ComprehensiveSRStorage, PixelData=None), tmp_path),
    ]
    answers = send(paths, peer_at(pacs.port))
    assert [answer.status for answer in answers] == [0, 0, 0]
    assert len(pacs.files()) == 3
    assert pacs.process.log().count("Association Acknowledged") == 1


def test_a_peer_without_the_transfer_syntax_gets_it_uncompressed(
    dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """storescp that takes uncompressed only gets the same pixels, and the answer says so."""
    pacs = dcmtk.storescp(options=("+xi",))
    compressed = small_ct(1)
    compressed.compress(JPEGLSLossless, generate_instance_uid=False)
    (answer,) = send([write(compressed, tmp_path)], peer_at(pacs.port))
    assert answer.status == 0
    assert answer.converted
    (stored,) = pacs.data_sets()
    assert stored.PixelData == small_ct(1).PixelData
    assert stored.SOPInstanceUID == compressed.SOPInstanceUID


def test_a_sop_class_that_the_peer_does_not_store(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """That instance is refused for good with what to do; the others are stored."""
    profile = tmp_path / "only-ct.cfg"
    profile.write_text(
        "[[TransferSyntaxes]]\n[Uncompressed]\nTransferSyntax1 = LittleEndianExplicit\n"
        "[[PresentationContexts]]\n[OnlyCT]\n"
        "PresentationContext1 = CTImageStorage\\Uncompressed\n"
        "[[Profiles]]\n[Default]\nPresentationContexts = OnlyCT\n"
    )
    pacs = dcmtk.storescp(options=("-xf", str(profile), "Default"))
    paths = [
        write(small_ct(1), tmp_path),
        write(small_ct(2, SOPClassUID=MRImageStorage), tmp_path),
        write(small_ct(3), tmp_path),
    ]
    answers = send(paths, peer_at(pacs.port))
    assert [answer.status for answer in answers] == [0, None, 0]
    error = answers[1].error
    assert isinstance(error, PeerRefused)
    assert error.facts["sop_class"] == "MR Image Storage"
    assert error_of_answers(answers) is error


def test_a_file_that_cannot_be_read_does_not_stop_the_others(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A file that is no DICOM, and one that is not there, have answers of their own."""
    pacs = dcmtk.storescp()
    text = tmp_path / "notes.dcm"
    text.write_text("not DICOM" * 100)
    good = write(small_ct(1), tmp_path)
    answers = send([text, tmp_path / "absent.dcm", good], peer_at(pacs.port))
    assert [answer.status for answer in answers] == [None, None, 0]
    assert [answer.error.kind for answer in answers if answer.error] == ["DataSetUnreadable"] * 2


def test_nobody_listens(free_port: Callable[[], int], tmp_path: Path) -> None:
    """It may pass: the peer is tried again."""
    with pytest.raises(PeerUnreachable, match="Nothing listens"):
        send([write(small_ct(), tmp_path)], peer_at(free_port()))


def test_a_host_that_does_not_exist(tmp_path: Path) -> None:
    """A misspelt host name is said to be one."""
    with pytest.raises(PeerUnreachable, match="host name"):
        send([write(small_ct(), tmp_path)], peer_at(104, host="no-such-host.invalid"))


def test_a_port_that_is_not_dicom(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """A web server does not answer an association request."""
    http_port = int(orthanc.http_url.rsplit(":", 1)[1])
    with pytest.raises(PeerUnreachable, match="DICOM node"):
        send([write(small_ct(), tmp_path)], peer_at(http_port), timeout_s=2)


def test_a_peer_that_does_not_know_us(tmp_path: Path) -> None:
    """The message names the AE title that the peer's administrator must add."""
    with (
        running_node(tmp_path / "node") as node,
        pytest.raises(PeerRefused, match="add AE title FIRSTREAD to its list"),
    ):
        send([write(small_ct(), tmp_path)], node.as_peer)


def test_a_peer_by_another_title(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """The message says that the title in our settings is wrong."""
    with pytest.raises(PeerRefused, match="does not go by AE title WRONG"):
        send([write(small_ct(), tmp_path)], peer_at(orthanc.dicom_port, "WRONG"))


def test_a_rejection_is_read_after_the_connection_was_closed(
    orthanc: OrthancPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the peer may have answered and gone before our thread looks."""

    class _LateEvent(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            passed = super().wait(timeout)
            closed.wait(10)
            return passed

    closed = threading.Event()
    begin, close = GuardedSocket.__init__, GuardedSocket.close

    def begin_late(transport: GuardedSocket, *args: Any, **kwargs: Any) -> None:
        begin(transport, *args, **kwargs)
        transport._ready = _LateEvent()

    def close_and_say(transport: GuardedSocket) -> None:
        close(transport)
        closed.set()

    monkeypatch.setattr(GuardedSocket, "__init__", begin_late)
    monkeypatch.setattr(GuardedSocket, "close", close_and_say)
    with pytest.raises(PeerRefused, match="does not go by AE title WRONG"):
        send([write(small_ct(), tmp_path)], peer_at(orthanc.dicom_port, "WRONG"))
    assert closed.is_set()


def test_a_peer_that_has_no_room_for_an_association(tmp_path: Path) -> None:
    """A transient rejection is tried again."""
    with running_node(tmp_path / "node", max_associations=1, accept_any_peer=True) as node:
        from pynetdicom.presentation import build_context

        from dicom_node.presentation_contexts import VERIFICATION
        from dicom_node.request.requested_association import requested_association

        with (
            requested_association(
                node.as_peer, [build_context(VERIFICATION)], calling_ae_title="A", timeout_s=5
            ),
            pytest.raises(PeerBusy),
        ):
            send([write(small_ct(), tmp_path)], node.as_peer)


def test_a_peer_that_aborts(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A peer that breaks off every association is not tried without end; all is answered."""
    pacs = dcmtk.storescp(options=("+xa", "--abort-after"))
    paths = [write(small_ct(number), tmp_path) for number in range(1, 6)]
    began = time.monotonic()
    answers = send(paths, peer_at(pacs.port), timeout_s=30)
    assert time.monotonic() - began < 20  # an abort is noticed, not waited out
    assert len(answers) == 5
    assert all(isinstance(answer.error, PeerUnreachable) for answer in answers)


def test_a_peer_that_is_slow(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """An answer that does not come in time is no answer; nothing hangs."""
    pacs = dcmtk.storescp(options=("+xa", "--sleep-during", "5"))
    (answer,) = send([write(small_ct(), tmp_path)], peer_at(pacs.port), timeout_s=0.5)
    assert answer.status is None
    assert isinstance(answer.error, PeerUnreachable)


def test_more_presentation_contexts_than_an_association_has(tmp_path: Path) -> None:
    """64 SOP classes in two transfer syntaxes and their fallbacks take several associations."""
    pacs = start_stand_in_pacs(tmp_path / "pacs", port=0)
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts[:64]]
    paths = []
    for number, sop_class_uid in enumerate(classes):
        data_set = small_ct(number + 1, SOPClassUID=sop_class_uid)
        if number % 2:
            data_set.compress(JPEGLSLossless, generate_instance_uid=False)
        paths.append(write(data_set, tmp_path / "ct"))
    try:
        answers = send(paths, peer_at(pacs.port, "PACS"))
    finally:
        pacs.stop()
    assert {answer.status for answer in answers} == {0}
    assert len(pacs.files()) == 64


def test_verify_peer(orthanc: OrthancPeer, free_port: Callable[[], int]) -> None:
    """C-ECHO says whether the peer is there and lets us in."""
    there = peer_at(orthanc.dicom_port, orthanc.ae_title)
    verify_peer(there, calling_ae_title="FIRSTREAD", timeout_s=5)
    with pytest.raises(PeerUnreachable):
        verify_peer(peer_at(free_port()), calling_ae_title="FIRSTREAD", timeout_s=5)


def test_the_stand_in_pacs(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """It stores what dcmtk sends and answers its C-ECHO; a taken port is a clear error."""
    stored: list[Path] = []
    pacs = start_stand_in_pacs(tmp_path / "pacs", port=0, on_stored=stored.append)
    try:
        dcmtk.echoscu(port=pacs.port, called_ae_title="PACS").check()
        path = write(small_ct(), tmp_path)
        dcmtk.storescu([path], port=pacs.port, called_ae_title="PACS").check()
        assert stored == pacs.files()
        assert dcmread(stored[0]).PixelData == small_ct().PixelData
        with pytest.raises(SettingsRefused, match="taken"):
            start_stand_in_pacs(tmp_path / "other", port=pacs.port)
    finally:
        pacs.stop()
