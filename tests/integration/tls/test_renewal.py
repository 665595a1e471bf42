"""Certificates are renewed while the node runs, and a broken file changes nothing but the log."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dicom_node.request.verification import verify_peer
from settings.tls import DicomTls
from tests.builders.dicom.issuer import Issued
from tests.integration.tls.hospital import Hospital, pacs_at, secured_node
from tests.peers.dicom.dcmtk import Dcmtk

pytestmark = pytest.mark.integration


def own_files(hospital: Hospital, folder: Path) -> tuple[DicomTls, Issued]:
    """Settings whose files a test may write over."""
    folder.mkdir()
    ours = Issued(folder / "firstread.pem", folder / "firstread.key")
    hospital["firstread"].put_in_place_of(ours)
    issuers = folder / "ca.pem"
    shutil.copy(hospital.issuer.file, issuers)
    tls = hospital.dicom_tls(certificate_file=ours.certificate, key_file=ours.key, ca_file=issuers)
    return tls, ours


def test_our_certificate_is_renewed(hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """The next association shows the new one; half a renewal and nonsense leave the old one."""
    tls, ours = own_files(hospital, tmp_path / "tls")
    renewed = hospital.issuer.issue("firstread.hospital", "127.0.0.1", file_name="renewed")
    with secured_node(tmp_path / "node", hospital, tls=tls) as node:

        def works() -> bool:
            return node.echo(dcmtk, "CT1", *hospital.options("ct1")).ok

        assert works()
        ours.certificate.write_text("no certificate")
        with capture_logs() as logged:
            assert works()
        assert [one["event"] for one in logged if one.get("of") == "dicom_tls"] == [
            "certificates_not_renewed"
        ]
        ours.certificate.write_bytes(renewed.certificate.read_bytes())  # and the key is the old one
        assert works()
        ours.key.write_bytes(renewed.key.read_bytes())
        with capture_logs() as logged:
            assert works()
        assert "certificates_renewed" in [one["event"] for one in logged]
        assert not any("PRIVATE" in str(one) for one in logged)


def test_issuers_are_renewed(hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A second issuer is added, the first one goes; broken, the file shuts nobody out."""
    tls, _ = own_files(hospital, tmp_path / "tls")
    first, second = hospital.issuer.file, hospital.strange_issuer.file
    with secured_node(tmp_path / "node", hospital, tls=tls) as node:

        def lets_in(who: str) -> bool:
            return node.echo(dcmtk, "CT1", *hospital.options(who)).ok

        assert [lets_in("ct1"), lets_in("stranger")] == [True, False]
        tls.ca_file.write_bytes(first.read_bytes() + second.read_bytes())
        assert [lets_in("ct1"), lets_in("stranger")] == [True, True]
        tls.ca_file.write_text("-----BEGIN CERTIFICATE-----\nbroken")
        assert [lets_in("ct1"), lets_in("stranger")] == [True, True]
        tls.ca_file.write_bytes(second.read_bytes())
        assert [lets_in("ct1"), lets_in("stranger")] == [False, True]


def test_what_we_show_a_pacs_is_renewed(hospital: Hospital, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A worker calls with the new one, without a restart; a broken one is not used."""
    mine = Issued(tmp_path / "mine.pem", tmp_path / "mine.key")
    hospital["firstread"].put_in_place_of(mine)
    here = replace(hospital, certificates={**hospital.certificates, "mine": mine})
    pacs = dcmtk.storescp(ae_title="PACS", options=("+xa", *hospital.options("pacs")))
    peer = pacs_at(pacs.port, here, who="mine")

    def verify() -> None:
        verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=20)

    verify()
    mine.key.write_text("nonsense")
    with capture_logs() as logged:
        verify()
    assert "certificates_not_renewed" in [one["event"] for one in logged]
    hospital["ct1"].put_in_place_of(mine)
    with capture_logs() as logged:
        verify()
    assert "certificates_renewed" in [one["event"] for one in logged]
