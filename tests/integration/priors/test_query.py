"""C-FIND and C-MOVE at a real PACS: which earlier studies it has, and how they come to us."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.study.analysis import Study
from database.views.worklist.worklist_rows import rank_counts
from dicom_node.request.query import find_studies, retrieve_study
from dicom_node.stand_in_pacs import start_stand_in_pacs
from phantom import make_phantom, phantom_grid
from phantom.study import StudyIdentity, write_phantom_study
from radiology.errors import PeerRefused, PeerUnreachable
from settings.peers import Peer, PeerRole
from tests.builders.stored.listed import listed_rows
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import SCANNER, running_node

pytestmark = pytest.mark.integration

PATIENT = StudyIdentity(
    key="earlier",
    patient_id="4711",
    patient_name="Doe^Jane",
    moment=datetime(2026, 1, 1, 12),  # noqa: DTZ001 a scanner's clock has no zone
    patient_birth_date="19610203",
    patient_sex="F",
    issuer_of_patient_id="HOSPITAL A",
)
LATER = replace(PATIENT, key="later", moment=datetime(2026, 1, 3, 12))  # noqa: DTZ001
TODAY = date(2026, 1, 2)


@pytest.fixture
def pacs(orthanc: OrthancPeer, tmp_path: Path) -> Iterator[Peer]:
    """An Orthanc with two studies of the patient and one of a namesake."""
    phantom = make_phantom(grid=phantom_grid((3, 32, 32), (60.0, 12.0, 12.0)), twigs=2)
    for identity in (PATIENT, LATER, replace(PATIENT, key="namesake", patient_id="47110")):
        folder = tmp_path / identity.key
        for path in write_phantom_study(phantom, folder, identity=identity):
            orthanc.upload(path)
    yield Peer(
        name="pacs",
        ae_title=orthanc.ae_title,  # type: ignore[arg-type]
        host=orthanc.host,
        port=orthanc.dicom_port,
        roles=frozenset({PeerRole.QUERY, PeerRole.SOURCE}),
    )
    orthanc.forget_all()


def test_only_earlier_studies_of_the_id_are_found(pacs: Peer, orthanc: OrthancPeer) -> None:
    """Neither a later one nor one of an ID that only begins alike; with what tells whose it is."""
    orthanc.know_peer("FIRSTREAD", port=free_port())
    (found,) = find_studies(
        pacs, "4711", before=TODAY, calling_ae_title="FIRSTREAD", timeout_s=10.0
    )
    assert found.study_instance_uid == PATIENT.uid("study")
    assert found.study_date == "20260101"
    assert found.header.PatientBirthDate == "19610203"
    assert found.header.PatientSex == "F"
    assert "Doe" not in repr(found)


@pytest.mark.parametrize("patient_id", ["", " ", "*", "471?", "4711\\47110"])
def test_an_id_that_would_match_others_is_not_asked_for(pacs: Peer, patient_id: str) -> None:
    """A wildcard in a patient ID would bring other patients' studies."""
    assert (
        find_studies(pacs, patient_id, before=TODAY, calling_ae_title="FIRSTREAD", timeout_s=10.0)
        == ()
    )


def test_a_study_comes_by_c_move(pacs: Peer, orthanc: OrthancPeer, tmp_path: Path) -> None:
    """The PACS sends every instance to the address that it knows us by."""
    ours = start_stand_in_pacs(tmp_path / "ours", port=0, ae_title="FIRSTREAD")
    orthanc.know_peer("FIRSTREAD", port=ours.port)
    try:
        stored = retrieve_study(
            pacs, PATIENT.uid("study"), calling_ae_title="FIRSTREAD", timeout_s=20.0
        )
    finally:
        ours.stop()
    assert stored == len(ours.files()) == 3


def test_what_we_asked_for_is_neither_listed_nor_delivered(
    pacs: Peer, orthanc: OrthancPeer, tmp_path: Path
) -> None:
    """It comes with our name as Move Originator; sent once more by itself, it is listed."""
    orthanc.know_peer("FIRSTREAD", port=free_port())
    listener = orthanc_as_source(orthanc)
    with running_node(tmp_path / "node", peers=(listener, SCANNER)) as node:
        orthanc.know_peer("FIRSTREAD", port=node.port)
        uid = PATIENT.uid("study")
        assert retrieve_study(pacs, uid, calling_ae_title="FIRSTREAD", timeout_s=20.0) == 3
        with query(node.engine) as session:
            study = session.scalars(select(Study)).one()
            assert (study.study_instance_uid, study.asked_for) == (uid, True)
            assert listed_rows(session) == ()
            assert sum(rank_counts(session).values()) == 0
        node.send(sorted((tmp_path / PATIENT.key).iterdir()))
        with query(node.engine) as session:
            assert not session.scalars(select(Study)).one().asked_for
            assert len(listed_rows(session)) == 1


def orthanc_as_source(orthanc: OrthancPeer) -> Peer:
    """A PACS that may send to us."""
    return Peer(name="orthanc", ae_title=orthanc.ae_title)  # type: ignore[arg-type]


def test_a_pacs_that_does_not_know_us_is_told_of(pacs: Peer) -> None:
    """Orthanc hangs up on a stranger; the message says what to change there all the same."""
    with pytest.raises((PeerRefused, PeerUnreachable), match="AE title"):
        retrieve_study(pacs, PATIENT.uid("study"), calling_ae_title="STRANGER", timeout_s=10.0)


def test_nobody_at_the_address() -> None:
    """A PACS that is down is unavailable, not a refusal."""
    peer = Peer(
        name="pacs",
        ae_title="PACS",  # type: ignore[arg-type]
        host="127.0.0.1",
        port=free_port(),
        roles=frozenset({PeerRole.QUERY}),
    )
    with pytest.raises(PeerUnreachable):
        find_studies(peer, "4711", before=TODAY, calling_ae_title="FIRSTREAD", timeout_s=5.0)
