"""Orthanc as a PACS that speaks TLS only: every service of ours, in both directions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID

from dicom_node.request.query import find_studies, retrieve_study
from settings.peers import PeerRole
from settings.tls import PeerTls
from tests.builders.dicom.commitment import destination, site_with, states
from tests.builders.stored.results import STUDY_UID
from tests.integration.tls.hospital import CT1, Hospital
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration

EARLIER = "2.25.77"


def test_a_pacs_by_tls(
    hospital: Hospital, another_orthanc: Callable[..., OrthancPeer], tmp_path: Path
) -> None:
    """C-STORE, storage commitment with its report, C-FIND, C-MOVE, and what Orthanc sends us."""
    theirs = hospital["pacs"]
    orthanc = another_orthanc(
        options={
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(theirs.certificate),
            "DicomTlsPrivateKey": str(theirs.key),
            "DicomTlsTrustedCertificates": str(hospital.issuer.file),
            "DicomTlsRemoteCertificateRequired": True,
        }
    )
    roles = [PeerRole.SOURCE, PeerRole.DESTINATION, PeerRole.QUERY]
    tls = PeerTls(names=("pacs.hospital",))
    pacs = destination("pacs", orthanc.ae_title, orthanc.dicom_port, tls=tls, roles=roles)
    given: dict[str, Any] = {"sources": (CT1,), "dicom_tls": hospital.dicom_tls()}
    with site_with(tmp_path / "site", pacs, **given) as (site, node):
        name = orthanc.know_peer("FIRSTREAD", port=node.port, tls=True)
        site.make_result()
        site.deliver()
        wait_until(lambda: states(site) == ["committed"], what="the promise of Orthanc")
        assert orthanc.count(StudyInstanceUID=STUDY_UID) == 3

        us: dict[str, Any] = {"calling_ae_title": "FIRSTREAD", "timeout_s": 20.0}
        completed = next(one for one in node.settings.peers if one.name == "pacs")
        uids = [f"{EARLIER}.{number}" for number in (1, 2)]
        for uid in uids:
            image = small_ct(StudyInstanceUID=EARLIER, SeriesInstanceUID=f"{EARLIER}.0")
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(uid)
            image.StudyDate = "20250102"
            orthanc.upload(write(image, tmp_path / "earlier"))
        (found,) = find_studies(completed, "P1", before=date(2026, 1, 1), **us)
        assert found.study_instance_uid == EARLIER
        assert retrieve_study(completed, EARLIER, **us) == 2
        assert {one.sop_instance_uid for one in node.instances()} >= set(uids)
        orthanc.send_to(name, orthanc.find("Instance", SOPInstanceUID=uids[0]))
