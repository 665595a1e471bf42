"""We call by TLS: dcmtk's storescp takes our results, or is none of ours and gets nothing."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dicom_node.request.c_store import send_instances
from dicom_node.request.verification import verify_peer
from radiology.errors import PeerUnreachable
from settings.peers import Peer
from settings.tls import TlsProfile
from tests.integration.tls.hospital import Hospital, pacs_at, secured_node
from tests.peers.dicom.dcmtk import Dcmtk, StoreScpPeer
from tests.peers.ports import free_port
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def storescp(dcmtk: Dcmtk, hospital: Hospital, who: str, *further: str) -> StoreScpPeer:
    """A PACS that shows a certificate, and asks for one."""
    options = ("+xa", *hospital.options(who, *further))
    return dcmtk.storescp(ae_title="PACS", options=options)


def refused(peer: Peer) -> tuple[PeerUnreachable, str]:
    """Ask by C-ECHO in vain; the error, and the word in the log."""
    with capture_logs() as logged, pytest.raises(PeerUnreachable) as error:
        verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=10)
    reasons = [one["reason"] for one in logged if one["event"] == "peer_not_secured"]
    return error.value, reasons[0] if reasons else ""


def in_clear(port: int) -> Peer:
    """A PACS that is called without TLS."""
    return Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=port)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", list(TlsProfile))
def test_results_go_by_every_profile(
    hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path, profile: TlsProfile
) -> None:
    """Both sides show their certificates, and what arrives is what was sent."""
    pacs = storescp(dcmtk, hospital, "pacs")
    file = write(small_ct(), tmp_path / "results")
    peer = pacs_at(pacs.port, hospital, profile=profile)
    (answer,) = send_instances([file], peer, calling_ae_title="FIRSTREAD", timeout_s=20)
    assert answer.status == 0
    (received,) = pacs.data_sets()
    assert received.PixelData == small_ct().PixelData


def test_a_pacs_by_name_or_fingerprint(hospital: Hospital, dcmtk: Dcmtk) -> None:
    """Where the address in its certificate is another one."""
    pacs = storescp(dcmtk, hospital, "ct2")
    for peer in (
        pacs_at(pacs.port, hospital, names=("ct2.hospital",)),
        pacs_at(pacs.port, hospital, names=("CN=ct2.hospital",)),
        pacs_at(pacs.port, hospital, fingerprints=(hospital["ct2"].fingerprint,)),
    ):
        verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=20)


@pytest.mark.parametrize(
    ("who", "reason", "said"),
    [
        ("ct1", "certificate", "another certificate"),  # of this issuer, for another host
        ("stranger", "unknown_issuer", "name it in ca_file"),
        ("expired", "certificate_expired", "renew it there"),
        ("not-yet", "certificate_not_yet_valid", "compare the clocks"),
    ],
)
def test_whom_nothing_is_sent_to(
    hospital: Hospital, dcmtk: Dcmtk, who: str, reason: str, said: str
) -> None:
    """The results wait, and the reason says what to mend and where."""
    error, word = refused(pacs_at(storescp(dcmtk, hospital, who).port, hospital))
    assert word == reason
    assert said in error.message


def test_a_pacs_that_refuses_us(hospital: Hospital, dcmtk: Dcmtk) -> None:
    """Its alert comes after the handshake (TLS 1.3), and is told for what it is."""
    pacs = storescp(dcmtk, hospital, "pacs")
    error, word = refused(pacs_at(pacs.port, hospital, who="stranger"))
    assert word == "our_certificate_refused"
    assert "let it trust the issuer of ours" in error.message


def test_a_pacs_without_a_suite_of_ours(hospital: Hospital, dcmtk: Dcmtk) -> None:
    """AES in CBC with RSA key exchange, as PACS of 2010 speak it."""
    pacs = storescp(dcmtk, hospital, "pacs", "+pa")
    error, word = refused(pacs_at(pacs.port, hospital))
    assert word == "cipher_suite"
    assert "our profile" in error.message


def test_a_pacs_that_speaks_plainly(hospital: Hospital, dcmtk: Dcmtk) -> None:
    """TLS to a port without it: nothing is sent in clear in its place."""
    pacs = dcmtk.storescp(ae_title="PACS")
    error, word = refused(pacs_at(pacs.port, hospital))
    assert word == "broken_off"
    assert "does it speak TLS at this port" in error.message
    assert not pacs.files()


def test_a_plain_call_to_a_port_with_tls(hospital: Hospital, dcmtk: Dcmtk) -> None:
    """dcmtk hangs up without a word, and TLS is among what may be wrong."""
    pacs = storescp(dcmtk, hospital, "pacs")
    error, _ = refused(in_clear(pacs.port))
    assert "does it want TLS" in error.message


def test_an_alert_in_answer_to_plain_dicom() -> None:
    """Others answer with an alert (RFC 8446 Section 6), and the reason is certain."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def alert() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(bytes.fromhex("15030300020246"))
                connection.recv(1)

        thread = threading.Thread(target=alert)
        thread.start()
        error, word = refused(in_clear(server.getsockname()[1]))
        thread.join()
    assert word == "tls_to_plain_port"
    assert "give it [peers.tls]" in error.message


def test_a_pacs_that_never_ends_the_handshake(hospital: Hospital) -> None:
    """A worker waits for so long as for any answer, and no longer."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        peer = pacs_at(port, hospital)
        with pytest.raises(PeerUnreachable), capture_logs() as logged:
            verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=1)
    assert logged[0]["reason"] == "handshake_too_slow"


def test_two_of_us(hospital: Hospital, tmp_path: Path) -> None:
    """Our client and our server, many objects at once, with nothing lost or mixed up."""
    files = [write(small_ct(number), tmp_path / "images") for number in range(1, 21)]
    with secured_node(tmp_path / "node", hospital) as node:
        peer = pacs_at(node.port, hospital, who="ct1", names=("firstread.hospital",))
        peer = peer.model_copy(update={"ae_title": "FIRSTREAD"})
        answers: list[int | None] = []

        def send(part: list[Path]) -> None:
            sent = send_instances(part, peer, calling_ae_title="CT1", timeout_s=60)
            answers.extend(one.status for one in sent)

        threads = [threading.Thread(target=send, args=(files[at::4],)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [0] * 20
        assert len(node.running.spooled()) == 20
