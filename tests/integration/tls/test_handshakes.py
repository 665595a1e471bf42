"""Peers that begin a handshake and do something else, and versions that nobody should speak."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from dicom_node.places import Places
from tests.builders.dicom.issuer import Issued
from tests.builders.dicom.upper_layer import associate_request
from tests.integration.tls.hospital import Hospital, SecuredNode, secured_node
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration


def caller(hospital: Hospital, issued: Issued) -> ssl.SSLContext:
    """A client that would speak anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_verify_locations(hospital.issuer.file)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


def associate(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> bytes:
    """Ask for an association; the type of the PDU that comes back."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, session=session) as connection,
    ):
        connection.sendall(associate_request("CT1"))
        assert connection.session_reused is (session is not None)
        return connection.recv(1)


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda one: one.name
)
@pytest.mark.filterwarnings("ignore:.*TLSv1:DeprecationWarning")
def test_old_versions(node: SecuredNode, hospital: Hospital, version: ssl.TLSVersion) -> None:
    """RFC 8996: neither 1.0 nor 1.1, whatever the peer would like."""
    context = caller(hospital, hospital["ct1"])
    context.minimum_version = context.maximum_version = version
    with pytest.raises(OSError):
        associate(node.port, context)
    (noted,) = node.turned_away()
    assert noted["reason"] == "protocol_version"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_spoken(
    node: SecuredNode, hospital: Hospital, version: ssl.TLSVersion
) -> None:
    """1.2 and 1.3."""
    context = caller(hospital, hospital["ct1"])
    context.minimum_version = context.maximum_version = version
    assert associate(node.port, context) == b"\x02"  # A-ASSOCIATE-AC


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-GCM-SHA384",
    ],
)
def test_the_suites_of_the_profile(node: SecuredNode, hospital: Hospital, suite: str) -> None:
    """The four that PS3.15 B.10 names, each alone."""
    context = caller(hospital, hospital["ct1"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    assert associate(node.port, context) == b"\x02"


@pytest.mark.parametrize(
    ("profile", "taken"), [("non-downgrading-bcp-195", False), ("bcp-195", True)]
)
def test_an_older_suite(tmp_path: Path, hospital: Hospital, profile: str, taken: bool) -> None:
    """CBC with SHA-256 and forward secrecy: only where the site chose the wider profile."""
    context = caller(hospital, hospital["ct1"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-SHA256")
    tls = hospital.dicom_tls(profile=profile)
    with secured_node(tmp_path / "node", hospital, tls=tls) as node:
        if taken:
            assert associate(node.port, context) == b"\x02"
        else:
            with pytest.raises(OSError):
                associate(node.port, context)
            assert node.turned_away()[0]["reason"] == "cipher_suite"


def test_a_short_key(node: SecuredNode, hospital: Hospital) -> None:
    """RSA of 1024 bits proves nothing."""
    weak = hospital.issuer.issue("ct1.hospital", bits=1024, file_name="weak")
    with pytest.raises(OSError):
        associate(node.port, caller(hospital, weak))
    assert node.turned_away()[0]["reason"] == "certificate_weak"


def test_a_session_that_is_resumed(node: SecuredNode, hospital: Hospital) -> None:
    """It does not show its chain again, and is the same peer all the same."""
    context = caller(hospital, hospital["ct1"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=20) as plain,
        context.wrap_socket(plain) as connection,  # open: what breaks off is not resumed
    ):
        assert associate(node.port, context, connection.session) == b"\x02"


def test_who_never_ends_a_handshake_holds_up_nobody(
    tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk
) -> None:
    """Nor by a byte now and then: the limit is one of the whole handshake."""
    tls = hospital.dicom_tls(handshake_s=2)
    took_s: list[float] = []
    with (
        secured_node(tmp_path / "node", hospital, tls=tls) as node,
        socket.create_connection(("127.0.0.1", node.port)) as silent,
    ):

        def trickle() -> None:
            began = time.monotonic()
            with (
                contextlib.suppress(OSError),  # closed by the node although bytes keep coming
                socket.create_connection(("127.0.0.1", node.port)) as connection,
            ):
                connection.sendall(b"\x16\x03\x01\x02\x00\x01")  # a ClientHello begins
                while time.monotonic() - began < 15:
                    connection.sendall(b"\0")
                    time.sleep(0.1)  # the pace is what is tried: always a byte, never an end
            took_s.append(time.monotonic() - began)

        thread = threading.Thread(target=trickle)
        thread.start()
        assert node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
        thread.join()
        assert took_s[0] < 12
        assert silent.recv(1) == b""
        assert {one["reason"] for one in node.turned_away()} == {"handshake_too_slow"}


def test_one_address_does_not_take_every_place(
    tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk
) -> None:
    """Handshakes that do not end are few for each address; threads do not grow with connections."""
    before = threading.active_count()
    with secured_node(tmp_path / "node", hospital, max_associations=4) as node:
        opened = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(30)]
        noted = node.turned_away()
        assert noted[0]["reason"] == "too_many_handshakes"
        assert threading.active_count() - before < 15
        for connection in opened:
            connection.close()

        def answered() -> bool:
            return node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok

        wait_until(answered, what="a place for a handshake")


def test_places() -> None:
    """Some for one address, and all of them for all."""
    places = Places(16, of_one=4)
    assert [places.begin("a") for _ in range(5)] == [True] * 4 + [False]
    assert all(places.begin(address) for address in "bcd" for _ in range(4))
    assert not places.begin("e")
    places.end("a")
    assert places.begin("e")


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"GET / HTTP/1.1\r\n\r\n", "not_tls"), (b"\x16\x03\x01\x00\x04abcd", "broken_off")],
)
def test_noise(node: SecuredNode, said: bytes, reason: str) -> None:
    """What is no handshake ends at once, with a word for the log."""
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.sendall(said)
        connection.settimeout(20)
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(100):
                pass
    assert node.turned_away()[0]["reason"] == reason


def test_a_health_check_is_no_attempt(node: SecuredNode, hospital: Hospital, dcmtk: Dcmtk) -> None:
    """A load balancer that connects and hangs up each second fills no table."""
    for with_reset in (False, True, True):
        probe = socket.create_connection(("127.0.0.1", node.port))
        if with_reset:
            linger = struct.pack("ii", 1, 0)  # on, for no time: the connection is reset
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        probe.close()
    time.sleep(0.5)  # nothing is to be seen of them, so there is nothing to wait for
    assert not node.echo(dcmtk, "CT1").ok  # the one that is noted
    assert [one["reason"] for one in node.turned_away()] == ["plain_dicom"]


def test_what_is_repeated_is_one_row(node: SecuredNode, dcmtk: Dcmtk) -> None:
    """A device that is set up wrongly tries every second; the page needs to say it once."""
    for _ in range(3):
        assert not node.echo(dcmtk, "CT1").ok
    assert len(node.turned_away()) == 1


def test_a_certificate_that_ends_while_its_session_lives(
    node: SecuredNode, hospital: Hospital
) -> None:
    """A resumed session is checked against the clock like a new one."""
    short = hospital.issuer.issue(
        "ct1.hospital", ends=timedelta(seconds=4), file_name="short-lived"
    )
    context = caller(hospital, short)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", node.port), timeout=20) as plain,
        context.wrap_socket(plain) as connection,  # open: what breaks off is not resumed
    ):
        left_s = short.read().not_valid_after_utc.timestamp() - time.time()
        time.sleep(max(0.0, left_s) + 0.5)
        with contextlib.suppress(OSError):
            assert associate(node.port, context, connection.session) == b""
    assert node.turned_away()[0]["reason"] == "certificate_expired"
