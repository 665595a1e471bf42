"""What a caller is offered by TLS is what its entry with that certificate allows."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pynetdicom import AE

from dicom_node.presentation_contexts import STORAGE_COMMITMENT, UPS_PULL, VERIFICATION
from settings.peers import Peer, PeerRole
from settings.tls import PeerTls
from tests.integration.tls.hospital import CT1, Hospital, secured_node
from tests.peers.ports import free_port

pytestmark = pytest.mark.integration

ASKED = (VERIFICATION, CTImageStorage, STORAGE_COMMITMENT, UPS_PULL)


def pacs(name: str, *roles: PeerRole, tls: PeerTls | None) -> Peer:
    """One entry of a PACS that stands in the settings twice."""
    return Peer(
        name=name,
        ae_title="PACS",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=104,
        roles=frozenset(roles),
        tls=tls,
    )


def offered(port: int, title: str, context: ssl.SSLContext | None) -> set[str]:
    """The SOP classes that are accepted; of work items one is asked for too."""
    entity = AE(title)
    for one in ASKED:
        entity.add_requested_context(one)
    tls_args = None if context is None else (context, "firstread.hospital")
    association = entity.associate("127.0.0.1", port, ae_title="FIRSTREAD", tls_args=tls_args)
    assert association.is_established
    found = {str(one.abstract_syntax) for one in association.accepted_contexts}
    if UPS_PULL in found:
        keys = Dataset()
        keys.ProcedureStepState = "SCHEDULED"
        statuses = [status.Status for status, _ in association.send_c_find(keys, UPS_PULL)]
        assert statuses == [0]  # none yet
    association.release()
    return found


def test_one_pacs_two_entries(tmp_path: Path, hospital: Hospital) -> None:
    """Images by TLS, work items in clear: each port has what its entry allows, and no more."""
    by_tls = pacs("pacs", PeerRole.SOURCE, tls=PeerTls(names=("pacs.hospital",)))
    plain = pacs("pacs-items", PeerRole.WORKLIST_CLIENT, tls=None)
    tls = hospital.dicom_tls(plain_port=free_port())
    with secured_node(tmp_path / "node", hospital, tls=tls, peers=(by_tls, plain)) as node:
        context = certified(hospital, "pacs")
        found = offered(node.port, "PACS", context)
        assert {VERIFICATION, CTImageStorage} <= found
        assert UPS_PULL not in found
        assert node.plain_port is not None
        assert UPS_PULL in offered(node.plain_port, "PACS", None)
        assert CTImageStorage not in offered(node.plain_port, "PACS", None)


def test_work_items_and_reports_by_tls(tmp_path: Path, hospital: Hospital) -> None:
    """UPS and storage commitment for the peer that has the certificate and the roles."""
    tls = PeerTls(names=("pacs.hospital",))
    roles = (PeerRole.DESTINATION, PeerRole.WORKLIST_CLIENT)
    peer = pacs("pacs", *roles, tls=tls).model_copy(update={"storage_commitment": True})
    with secured_node(tmp_path / "node", hospital, peers=(CT1, peer)) as node:
        assert offered(node.port, "PACS", certified(hospital, "pacs")) >= {
            UPS_PULL,
            STORAGE_COMMITMENT,
        }
        assert UPS_PULL not in offered(node.port, "CT1", certified(hospital, "ct1"))


def certified(hospital: Hospital, who: str) -> ssl.SSLContext:
    """A client with a certificate, that checks ours for its name."""
    context = ssl.create_default_context(cafile=hospital.issuer.file)
    context.check_hostname = False
    context.load_cert_chain(hospital[who].certificate, hospital[who].key)
    return context
