"""The life of a result at a real PACS: superseded, withdrawn, sent again after a kill.

What PACS holds is asked by C-FIND, with dcmtk's findscu.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select, text

from database.events import record_event
from database.schema import schema_differences, upgrade_schema
from database.session import Engine, open_engine, reading, transaction
from database.states import RejectionReason, WorklistRank
from database.tables import Delivery, Event, Result, ResultObject, Study
from database.worklist_rows import study_page
from radiology.errors import ResultNotWithdrawable
from settings.environment import Settings
from settings.peers import Peer
from tests.builders.results import STUDY_UID, Site, object_uids
from tests.builders.rows import later
from tests.peers.committing_pacs import Answers, running_committing_pacs
from tests.peers.dcmtk import Dcmtk
from tests.peers.dicom3tools import ConformanceReport
from tests.peers.orthanc import OrthancPeer
from tests.peers.stalling_proxy import stalling_proxy
from worker.deliver_results import deliver_one
from worker.housekeeping import sweep_once
from worker.reject_results import reject_superseded, withdraw_result
from worklist.verdict import Kind, verdict_of

pytestmark = pytest.mark.integration


def site_at(
    folder: Path,
    port: int,
    ae_title: str = "ORTHANC",
    *,
    database_url: str | None = None,
    **more: object,
) -> Site:
    """A site with one destination on this machine; in SQLite, unless a URL is given."""
    peer = Peer.model_validate(
        {
            "name": "pacs",
            "ae_title": ae_title,
            "host": "127.0.0.1",
            "port": port,
            "roles": ["destination"],
            **more,
        }
    )
    settings = Settings.model_validate(
        {
            "data_folder": folder,
            "peers": (peer,),
            "delivery_timeout_s": 5,
            "database_url": database_url,
        }
    )
    engine = open_engine(settings.database_address)
    upgrade_schema(engine)
    return Site(settings, engine)


def held(orthanc: OrthancPeer, dcmtk: Dcmtk) -> set[str]:
    """What Orthanc says by C-FIND that it holds of the study."""
    orthanc.know_peer("SCANNER", port=11112)
    return dcmtk.findscu(STUDY_UID, port=orthanc.dicom_port, called_ae_title=orthanc.ae_title)


def notes(site: Site) -> list[ResultObject]:
    """The rejection notes that were made."""
    with reading(site.engine) as session:
        made = session.scalars(select(ResultObject).order_by(ResultObject.id))
        return [one for one in made if one.kind.value == "KO"]


def referenced(note: Dataset) -> set[str]:
    """SOP Instance UIDs in the content of a Key Object Selection."""
    return {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item
    }


def withdraw(site: Site, reason: RejectionReason = RejectionReason.QUALITY, **more: Any) -> Any:
    """Withdraw the result of the study."""
    return withdraw_result(site.settings, site.engine, STUDY_UID, reason, site.now, **more)


def test_a_second_version(orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """PACS holds both versions, each once; the database marks the older one."""
    site = site_at(tmp_path, orthanc.dicom_port)
    first = site.make_result()
    site.deliver()
    site.later(60)
    second = site.make_result(version=2)
    site.deliver()
    expected = set(object_uids(1).values()) | set(object_uids(2).values())
    assert len(expected) == 6
    assert held(orthanc, dcmtk) == expected
    with reading(site.engine) as session:
        old = session.get(Result, first)
        assert old is not None
        assert old.superseded_by_id == second
    assert reject_superseded(site.settings, site.engine, site.now) == 0


def test_a_second_version_rejects_the_first_where_it_is_asked_for(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """Once the newer result is stored, and not before, the older one gets exactly one note."""
    site = site_at(tmp_path, orthanc.dicom_port, reject_superseded=True)
    site.make_result()
    site.deliver()
    site.later(60)
    site.make_result(version=2)
    sweep_once(site.settings, site.engine, site.now)
    assert notes(site) == []
    site.deliver()
    for _ in range(3):
        sweep_once(site.settings, site.engine, site.now)
        site.deliver()
    (note,) = notes(site)
    both = set(object_uids(1).values()) | set(object_uids(2).values())
    assert held(orthanc, dcmtk) == both | {note.sop_instance_uid}
    stored = orthanc.data_set(note.sop_instance_uid)
    assert referenced(stored) == set(object_uids(1).values())
    assert stored.ConceptNameCodeSequence[0].CodeValue == "113001"
    assert site.job_states() == ["delivered", "delivered"]


def test_a_version_that_never_arrived_is_not_rejected(tmp_path: Path, orthanc: OrthancPeer) -> None:
    """An older result that was superseded before it was sent needs no note."""
    site = site_at(tmp_path, orthanc.dicom_port, reject_superseded=True)
    site.make_result()
    site.make_result(version=2)
    site.deliver()
    assert reject_superseded(site.settings, site.engine, site.now) == 0


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
    with reading(site.engine) as session:
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
    with reading(site.engine) as session:
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
    with reading(site.engine) as session:
        assert session.scalars(select(Study.worklist_rank)).one() is WorklistRank.URGENT


def test_a_withdrawn_report_is_no_predecessor(orthanc: OrthancPeer, tmp_path: Path) -> None:
    """The next version's SR does not name a report that must not be shown."""
    from database.results import newest_report

    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    with reading(site.engine) as session:
        assert newest_report(session, 1, before_version=2) is not None
    withdraw(site)
    with reading(site.engine) as session:
        assert newest_report(session, 1, before_version=2) is None


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


def test_the_same_in_postgresql(postgres_url: str, tmp_path: Path) -> None:
    """Commitment with a failure, a superseded version and a withdrawal at hospital size."""
    with running_committing_pacs(Answers.SAME_ASSOCIATION) as pacs:
        site = site_at(
            tmp_path,
            pacs.port,
            "PACS",
            database_url=postgres_url,
            storage_commitment=True,
            reject_superseded=True,
        )
        site.make_result()
        pacs.failing = (object_uids()["SC"],)
        site.deliver()
        assert [one.state.value for one in site.deliveries()] == ["waiting"]
        pacs.failing = ()
        site.later(10)
        site.deliver()
        site.later(60)
        site.make_result(version=2)
        site.deliver()
        assert site.job_states() == ["committed", "committed"]
        for _ in range(2):
            sweep_once(site.settings, site.engine, site.now)
            site.deliver()
        assert len(notes(site)) == 1
        withdraw(site, RejectionReason.PATIENT_SAFETY)
        site.deliver()
        assert len(notes(site)) == 2
        assert {one.state.value for one in site.deliveries()} == {"committed"}
        with reading(site.engine) as session:
            page = study_page(session, STUDY_UID)
        assert page is not None
        assert verdict_of(page.row).kind is Kind.WITHDRAWN
        site.engine.dispose()


def _deliver_in_another_process(settings: Settings) -> None:
    engine = open_engine(settings.database_address)
    deliver_one(settings, engine, lambda: later(0), lambda: 0.0)


def test_kill_in_the_middle_of_sending(orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """After kill -9 with one object stored, PACS ends with each object exactly once."""
    sizes: dict[str, int] = {}
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    with reading(site.engine) as session:
        sizes = {one.kind.value: one.size_bytes for one in session.scalars(select(ResultObject))}
    with stalling_proxy(orthanc.dicom_port, after_bytes=sizes["SEG"] + 12_000) as proxy:
        direct = site.settings
        through = direct.peers[0].model_copy(update={"port": proxy.port})
        site.settings = direct.model_copy(update={"peers": (through,), "delivery_timeout_s": 60.0})
        process = multiprocessing.get_context("spawn").Process(
            target=_deliver_in_another_process, args=(site.settings,)
        )
        process.start()
        assert proxy.stalled.wait(60)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert held(orthanc, dcmtk) == {object_uids()["SEG"]}
    site.settings = direct
    assert site.deliver() == 0, "the lease of the dead worker still holds"
    site.later(121)
    site.deliver()
    assert held(orthanc, dcmtk) == set(object_uids().values())
    assert orthanc.count(StudyInstanceUID=STUDY_UID) == 3
    assert site.job_states() == ["delivered"]


def test_a_withdrawal_while_a_worker_is_sending(
    orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path
) -> None:
    """The note comes after whatever the worker still sends, and the worker cannot revive it."""
    from database.deliveries import claim_delivery, end_delivery
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


def test_a_database_of_the_version_before(tmp_path: Path) -> None:
    """Rows that the version before wrote are there after the migration, and mean the same."""
    from alembic import command

    from database.schema import _config

    engine = open_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    _write_old_rows(engine)
    upgrade_schema(engine)
    assert schema_differences(engine) == []
    with reading(engine) as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.purpose.value, delivery.asks) == ("result", 0)
        assert [one.state.value for one in delivery.statuses] == ["stored", "waiting"]
        assert not session.execute(text("PRAGMA foreign_key_check")).all()
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    with transaction(engine) as session:
        record_event(session, "looked_at", later(0), study_id=1)
    with reading(engine) as session:
        assert session.scalars(select(Event.name)).all() == ["looked_at"]


def _write_old_rows(engine: Engine) -> None:
    moment = "2026-01-01 12:00:00"
    rows: dict[str, dict[str, object]] = {
        "study": {
            **dict.fromkeys(("patient_id", "accession_number", "patient_sex", "patient_age"), ""),
            "id": 1,
            "study_instance_uid": STUDY_UID,
            "calling_ae_title": "SCANNER",
            "priority": "ROUTINE",
            "state": "delivered",
            "version": 1,
            "worklist_rank": "0-urgent",
            "received_at": moment,
            "last_instance_at": moment,
        },
        "job": {
            **dict.fromkeys(("worker", "error_kind", "error_message", "trace"), ""),
            **dict.fromkeys(("attempts", "fencing_token", "progress_percent"), 0),
            "id": 1,
            "study_id": 1,
            "study_version": 1,
            "bundle": "bundle",
            "state": "delivered",
            "priority": "ROUTINE",
            "queued_at": moment,
            "due_at": moment,
        },
        "result": {
            **dict.fromkeys(("urgency_rule", "reason", "execution_provider"), ""),
            "id": 1,
            "job_id": 1,
            "study_id": 1,
            "study_version": 1,
            "outcome": "findings",
            "reading": "{}",
            "created_at": moment,
        },
        "delivery": {
            **dict.fromkeys(("error_kind", "error_message"), ""),
            "id": 1,
            "result_id": 1,
            "destination": "pacs",
            "state": "delivered",
            "due_at": moment,
            "attempts": 1,
            "fencing_token": 1,
        },
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            _insert(connection, table, values)
        for number, status in ((1, 0), (2, None)):
            made = {
                **dict.fromkeys(("sop_class_uid", "sop_instance_uid", "series_instance_uid"), "1"),
                "id": number,
                "result_id": 1,
                "kind": "SR",
                "path": "1.dcm",
                "size_bytes": 1,
            }
            _insert(connection, "result_object", made)
            sent = {
                "id": number,
                "delivery_id": 1,
                "result_object_id": number,
                "status": status,
                "answered_at": moment,
            }
            _insert(connection, "delivered_object", sent)


def _insert(connection: Any, table: str, values: dict[str, object]) -> None:
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)
