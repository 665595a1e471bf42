"""Revocation lists: what stands in one is refused, and what no list in force speaks of.

By dcmtk's programs, in both directions. Lists are made with the library `cryptography`, and read by
OpenSSL.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dicom_node.request.verification import verify_peer
from radiology.errors import PeerUnreachable
from tests.integration.tls.hospital import CT1, CT2, Hospital, SecuredNode, pacs_at, secured_node
from tests.peers.dicom.dcmtk import Dcmtk
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration

_DAY = timedelta(days=1)


def _sends(node: SecuredNode, dcmtk: Dcmtk, hospital: Hospital, who: str, file: Path) -> bool:
    return dcmtk.storescu(
        [file],
        port=node.port,
        called_ae_title="FIRSTREAD",
        calling_ae_title=who.upper(),
        options=hospital.options(who),
    ).ok


def test_a_revoked_certificate_comes_in_no_more(
    hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """From the moment that the list lies there, without a restart; and back again."""
    file = write(small_ct(), tmp_path / "images")
    lists = tmp_path / "revoked.pem"
    lists.write_bytes(hospital.issuer.list_revoked())
    tls = hospital.dicom_tls(crl_file=lists)
    with secured_node(tmp_path / "node", hospital, tls=tls, peers=(CT1, CT2)) as node:
        assert _sends(node, dcmtk, hospital, "ct1", file)
        lists.write_bytes(hospital.issuer.list_revoked(hospital["ct1"]))
        assert not _sends(node, dcmtk, hospital, "ct1", file)
        (noted,) = node.turned_away()
        assert noted["reason"] == "certificate_revoked"
        assert "have a new one issued" in noted["hint"]
        assert _sends(node, dcmtk, hospital, "ct2", file)  # and nobody else's
        lists.write_bytes(hospital.issuer.list_revoked())
        assert _sends(node, dcmtk, hospital, "ct1", file)
        assert len(node.running.instances()) == 1  # each time the same image


@pytest.mark.parametrize(
    ("which", "reason", "hint"),
    [
        ("expired", "revocation_list_expired", "fetch the new list"),
        ("early", "revocation_list_expired", "fetch the new list"),
        ("of another issuer", "no_revocation_list", "of every issuer in ca_file"),
        ("forged", "no_revocation_list", "of every issuer in ca_file"),
    ],
)
def test_nobody_comes_in_without_a_list_in_force(
    hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path, which: str, reason: str, hint: str
) -> None:
    """Nobody knows then what was revoked; the reason says what to do, and a new list ends it."""
    issuer, strange = hospital.issuer, hospital.strange_issuer
    forger = type(issuer)(issuer.folder, issuer.name, issuer.file, strange.key, issuer.certificate)
    content = {
        "expired": issuer.list_revoked(begins=-9 * _DAY, ends=-_DAY),
        "early": issuer.list_revoked(begins=_DAY, ends=9 * _DAY),
        "of another issuer": strange.list_revoked(),
        "forged": forger.list_revoked(),
    }[which]
    lists = tmp_path / "revoked.pem"
    lists.write_bytes(content)
    tls = hospital.dicom_tls(crl_file=lists)
    with secured_node(tmp_path / "node", hospital, tls=tls) as node:
        assert not node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
        (noted,) = node.turned_away()
        assert (noted["reason"], hint in noted["hint"]) == (reason, True)
        lists.write_bytes(issuer.list_revoked())
        assert node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok


def test_a_file_without_a_list_leaves_the_old_one(
    hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Half a download shuts nobody out and lets nobody in."""
    lists = tmp_path / "revoked.pem"
    lists.write_bytes(hospital.issuer.list_revoked(hospital["ct2"]))
    tls = hospital.dicom_tls(crl_file=lists)
    with secured_node(tmp_path / "node", hospital, tls=tls, peers=(CT1, CT2)) as node:
        for broken in (b"", hospital.strange_issuer.file.read_bytes()):
            lists.write_bytes(broken)
            assert node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok
            assert not node.echo(dcmtk, "CT2", *hospital.options("ct2")).ok
            assert not node.echo(dcmtk, "CT1", *hospital.options("stranger")).ok


def test_nothing_goes_to_a_pacs_whose_certificate_was_revoked(
    hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """We call storescp by TLS: it is let be from the moment that its list says so."""
    lists = tmp_path / "revoked.pem"
    lists.write_bytes(hospital.issuer.list_revoked())
    options = ("+xa", *hospital.options("pacs"))
    pacs = dcmtk.storescp(ae_title="PACS", options=options)
    peer = pacs_at(pacs.port, hospital, crl_file=lists)
    verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=10)
    lists.write_bytes(hospital.issuer.list_revoked(hospital["pacs"]))
    with pytest.raises(PeerUnreachable, match="has revoked it"):
        verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=10)
