"""Results that are withdrawn at a real PACS: the rejection note, and what it is about.

What PACS holds is asked by C-FIND, with dcmtk's findscu.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select

from database.session import query, transaction
from database.states import RejectionReason, WorklistRank
from database.tables.study.analysis import Result, Study
from database.views.worklist.worklist_rows import study_page
from radiology.errors import ResultNotWithdrawable
from tests.builders.dicom.rejections import held, notes, referenced, site_at, withdraw
from tests.builders.stored.results import STUDY_UID, object_uids
from tests.builders.stored.rows import BUNDLE
from tests.peers.dicom.committing_pacs import Answers, running_committing_pacs
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import ConformanceReport
from tests.peers.dicom.orthanc import OrthancPeer
from worklist.words.verdict import Kind, verdict_of

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (RejectionReason.QUALITY, "113001"),
        (RejectionReason.PATIENT_SAFETY, "113037"),
        (RejectionReason.INCORRECT_WORKLIST, "113038"),
        (RejectionReason.DATA_RETENTION, "113039"),
    ],
)
def test_a_withdrawal(
    reason: RejectionReason,
    title: str,
    orthanc: OrthancPeer,
    dcmtk: Dcmtk,
    dciodvfy: Callable[[Path | Dataset], ConformanceReport],
    tmp_path: Path,
) -> None:
    """PACS gets a valid note about every object; the page strikes the answer and says why."""
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    site.deliver()
    site.later(60)
    done = withdraw(site, reason)
    assert done.destinations == ("pacs",)
    site.deliver()
    (note,) = notes(site)
    assert held(orthanc, dcmtk) == set(object_uids().values()) | {note.sop_instance_uid}
    stored = orthanc.data_set(note.sop_instance_uid)
    assert stored.Modality == "KO"
    assert stored.ConceptNameCodeSequence[0].CodeValue == title
    assert referenced(stored) == set(object_uids().values())
    evidence = stored.CurrentRequestedProcedureEvidenceSequence
    assert len(evidence) == 1
    assert len(evidence[0].ReferencedSeriesSequence) == 3
    source = dcmread(site.settings.results_folder / STUDY_UID / f"{object_uids()['SR']}.dcm")
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"):
        assert stored[keyword] == source[keyword]
    report = dciodvfy(stored)
    assert not report.errors, report
    dcmtk.dsrdump(site.settings.results_folder / note.path)
    with query(site.engine) as session:
        page = study_page(session, STUDY_UID)
    assert page is not None
    verdict = verdict_of(page.row)
    assert (verdict.kind, verdict.struck) == (Kind.WITHDRAWN, "Urgent")
    assert page.row.study.worklist_rank is WorklistRank.UNANSWERED


def test_a_withdrawal_is_done_once(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """A second one is refused and changes nothing."""
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    site.deliver()
    withdraw(site)
    with pytest.raises(ResultNotWithdrawable):
        withdraw(site, RejectionReason.PATIENT_SAFETY)
    site.deliver()
    assert len(notes(site)) == 1
    with query(site.engine) as session:
        assert session.scalars(select(Result.withdrawal_reason)).one() is RejectionReason.QUALITY


def test_there_is_nothing_to_withdraw(tmp_path: Path, orthanc: OrthancPeer) -> None:
    """A study without a result is told as such."""
    site = site_at(tmp_path, orthanc.dicom_port)
    with pytest.raises(ResultNotWithdrawable, match="no result"):
        withdraw(site)


def test_a_result_that_was_not_sent_yet(orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """It is never sent, and no note is either: PACS knows nothing of it."""
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    assert withdraw(site).destinations == ()
    assert site.deliver() == 0
    assert held(orthanc, dcmtk) == set()
    assert [one.state.value for one in site.deliveries()] == ["withdrawn"]


def test_a_note_waits_for_a_pacs_that_is_down(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """A note is as durable as a result: it is tried again until PACS is there."""
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    site.deliver()
    withdraw(site)
    there = site.settings
    away = there.peers[0].model_copy(update={"port": 1})
    site.settings = there.model_copy(update={"peers": (away,)})
    site.deliver()
    assert [one.state.value for one in site.deliveries()] == ["delivered", "waiting"]
    site.settings = there
    site.later(301)
    site.deliver()
    (note,) = notes(site)
    assert note.sop_instance_uid in held(orthanc, dcmtk)


def test_an_older_version_is_withdrawn_by_its_number(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """The result in force keeps its rank, and the note is about the older one only."""
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    site.deliver()
    site.later(60)
    site.make_result(version=2)
    site.deliver()
    withdraw(site, version=1)
    site.deliver()
    (note,) = notes(site)
    assert referenced(orthanc.data_set(note.sop_instance_uid)) == set(object_uids(1).values())
    assert len(held(orthanc, dcmtk)) == 7
    with query(site.engine) as session:
        assert session.scalars(select(Study.worklist_rank)).one() is WorklistRank.URGENT


def test_a_withdrawn_report_is_no_predecessor(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """The next version's SR does not name a report that must not be shown."""
    from database.results.stored import newest_report

    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    with query(site.engine) as session:
        assert newest_report(session, 1, bundle=BUNDLE, before_version=2) is not None
    withdraw(site)
    with query(site.engine) as session:
        assert newest_report(session, 1, bundle=BUNDLE, before_version=2) is None


def test_the_note_is_committed_too(tmp_path: Path) -> None:
    """A destination that commits is asked to keep the note as well."""
    with running_committing_pacs(Answers.SAME_ASSOCIATION) as pacs:
        site = site_at(tmp_path, pacs.port, "PACS", storage_commitment=True)
        site.make_result()
        site.deliver()
        withdraw(site)
        site.deliver()
        assert [one.state.value for one in site.deliveries()] == ["committed", "committed"]
        assert len(pacs.requests[1][1]) == 1


def test_a_withdrawal_while_a_worker_is_sending(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """The note comes after whatever the worker still sends, and the worker cannot revive it."""
    from database.deliveries.claimed import claim_delivery, end_delivery
    from database.lease import LeaseLost
    from database.states import DeliveryState

    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    with transaction(site.engine) as session:
        claim = claim_delivery(session, lease_s=120, now=site.now)
    assert claim is not None
    assert withdraw(site).destinations == ("pacs",)
    with pytest.raises(LeaseLost), transaction(site.engine) as session:
        end_delivery(session, claim, DeliveryState.DELIVERED, site.now)
    assert site.deliver() == 0
    site.later(121)
    site.deliver()
    (note,) = notes(site)
    assert held(orthanc, dcmtk) == {note.sop_instance_uid}
