"""Attempts to get in, by dcmtk: the way, the certificate, the AE title, the address; and what came.

Each that is turned away is noted with a word that does not change, and with what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.peers import Peer
from settings.tls import PeerTls
from tests.integration.tls.hospital import CT1, CT2, Hospital, SecuredNode, secured_node
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.ports import free_port
from tests.unit.dicom_node.small_ct import small_ct, write

NAME = "Not^To^Be^Logged"

pytestmark = pytest.mark.integration


def test_an_image_comes_in(
    node: SecuredNode,
    hospital: Hospital,
    dcmtk: Dcmtk,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """storescu with its certificate and its title; the log says who called and nothing of whom."""
    file = write(small_ct(), tmp_path / "images")
    sent = dcmtk.storescu(
        [file],
        port=node.port,
        called_ae_title="FIRSTREAD",
        calling_ae_title="CT1",
        options=hospital.options("ct1"),
    )
    assert sent.ok, sent.output
    (row,) = node.running.instances()
    assert row.sop_instance_uid == small_ct().SOPInstanceUID
    (ended,) = node.running.ended_associations(1)
    assert ended.ending is not None
    assert ended.ending.value == "released"
    said = capsys.readouterr()
    assert NAME not in said.out + said.err


@pytest.mark.parametrize("profile", ["+py", "+px", "+pz"])
def test_every_bcp_195_profile_of_a_caller(
    node: SecuredNode, hospital: Hospital, dcmtk: Dcmtk, profile: str
) -> None:
    """Non-downgrading, plain and extended: each finds a version and a suite with ours."""
    answer = node.echo(dcmtk, "CT1", *hospital.options("ct1", profile))
    assert answer.ok, answer.output


@pytest.mark.parametrize(
    ("title", "who", "further", "reason", "hint"),
    [
        ("CT1", "ct1", ("+pa",), "cipher_suite", "enable ECDHE"),  # AES128-SHA, RSA key exchange
        ("CT1", "ct1", ("+pn",), "cipher_suite", "enable ECDHE"),  # no encryption
        ("CT1", "stranger", (), "unknown_issuer", "ca_file"),
        ("CT1", "expired", (), "certificate_expired", "renew it there"),
        ("CT1", "not-yet", (), "certificate_not_yet_valid", "clocks"),
        ("CT1", "server-only", (), "certificate_purpose", "clientAuth"),
        ("CT1", "ct2", (), "certificate", "shows the certificate of peer ct2"),
        ("CT2", "ct1", (), "certificate", "shows the certificate of peer ct1"),
        ("CT1", "pacs", (), "certificate", "shows another certificate"),
        ("CT3", "ct1", (), "calling_ae_title", "add [[peers]]"),
    ],
)
def test_who_is_turned_away(
    node: SecuredNode,
    hospital: Hospital,
    dcmtk: Dcmtk,
    title: str,
    who: str,
    further: tuple[str, ...],
    reason: str,
    hint: str,
) -> None:
    """For the suite, for the certificate, or for a title that is not the certificate's."""
    answer = node.echo(dcmtk, title, *hospital.options(who, *further))
    assert not answer.ok, answer.output
    (noted,) = node.turned_away()
    assert noted["reason"] == reason
    assert hint in noted["hint"]
    assert noted["address"] == "127.0.0.1"


def test_a_caller_without_a_certificate(
    node: SecuredNode, hospital: Hospital, dcmtk: Dcmtk
) -> None:
    """Encryption alone says nothing of who calls."""
    answer = node.echo(dcmtk, "CT1", "+tla", "+cf", str(hospital.issuer.file))
    assert not answer.ok
    assert node.turned_away()[0]["reason"] == "no_certificate"


def test_a_plain_caller(node: SecuredNode, dcmtk: Dcmtk) -> None:
    """No DICOM in clear on the port for TLS, and no other port."""
    assert not node.echo(dcmtk, "CT1").ok
    (noted,) = node.turned_away()
    assert noted["reason"] == "plain_dicom"
    assert "switch TLS on there" in noted["hint"]


def test_the_right_certificate_from_another_address(
    tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk
) -> None:
    """A peer with a host is let in from there only, whatever it shows."""
    elsewhere = CT1.model_copy(update={"host": "10.0.0.1"})
    with secured_node(tmp_path / "node", hospital, peers=(elsewhere, CT2)) as node:
        assert not node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
        (noted,) = node.turned_away()
    assert noted["reason"] == "calling_ae_title"
    assert "known at another address" in noted["hint"]


def test_a_peer_known_by_fingerprint(tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk) -> None:
    """That certificate and no other, of whatever name; two while it is renewed."""
    two = (hospital["ct1"].fingerprint, hospital["pacs"].fingerprint)
    peer = Peer(name="ct1", ae_title="CT1", tls=PeerTls(fingerprints=two))  # type: ignore[arg-type]
    with secured_node(tmp_path / "node", hospital, peers=(peer,)) as node:
        assert node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
        assert node.echo(dcmtk, "CT1", *hospital.options("pacs")).ok
        assert not node.echo(dcmtk, "CT1", *hospital.options("ct2")).ok


def test_a_peer_has_an_issuer_of_its_own(tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk) -> None:
    """What one issuer may say of a peer, the other may not."""
    foreign = PeerTls(names=("ct1.hospital",), ca_file=hospital.strange_issuer.file)
    peer = CT1.model_copy(update={"tls": foreign})
    with secured_node(tmp_path / "node", hospital, peers=(peer, CT2)) as node:
        assert node.echo(dcmtk, "CT1", *hospital.options("stranger")).ok
        assert not node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
        assert node.turned_away()[0]["reason"] == "certificate"


def test_a_plain_port_beside_it(tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk) -> None:
    """For peers that are set up without TLS, and for nobody else; TLS does not work there."""
    old = Peer(name="old", ae_title="OLD")  # type: ignore[arg-type]
    tls = hospital.dicom_tls(plain_port=free_port())
    with secured_node(tmp_path / "node", hospital, tls=tls, peers=(CT1, old)) as node:
        assert node.plain_port is not None

        def plainly(title: str, *options: str) -> bool:
            return dcmtk.echoscu(
                port=node.plain_port or 0,
                called_ae_title="FIRSTREAD",
                calling_ae_title=title,
                options=options,
            ).ok

        assert plainly("OLD")
        assert not plainly("CT1")
        assert not node.echo(dcmtk, "OLD", *hospital.options("pacs")).ok
        assert not plainly("CT1", *hospital.options("ct1"))
        reasons = [one["reason"] for one in node.turned_away(3)]
    assert reasons == ["not_encrypted", "encrypted", "tls_to_plain_port"]


def test_any_peer_is_not_every_title(tmp_path: Path, hospital: Hospital, dcmtk: Dcmtk) -> None:
    """With `accept_any_peer` a stranger of a known issuer is let in, but not as somebody else."""
    with secured_node(tmp_path / "node", hospital, accept_any_peer=True) as node:
        assert node.echo(dcmtk, "CT9", *hospital.options("pacs")).ok
        assert not node.echo(dcmtk, "CT1", *hospital.options("pacs")).ok
        assert node.turned_away()[0]["reason"] == "certificate"
