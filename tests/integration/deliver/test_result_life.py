"""The life of a result at a real PACS: superseded, and sent again after a kill.

What PACS holds is asked by C-FIND, with dcmtk's findscu.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import open_engine, query
from database.states import RejectionReason
from database.tables.study.analysis import Result, ResultObject
from database.views.worklist.worklist_rows import study_page
from settings.environment import Settings
from tests.builders.dicom.rejections import held, notes, referenced, site_at, withdraw
from tests.builders.stored.results import STUDY_UID, object_uids
from tests.builders.stored.rows import later
from tests.peers.dicom.committing_pacs import Answers, running_committing_pacs
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.stalling_proxy import stalling_proxy
from worker.deliver.deliver_results import deliver_one
from worker.deliver.reject_results import reject_superseded
from worker.equipment import Equipment
from worker.housekeeping import sweep_once
from worklist.words.verdict import Kind, verdict_of

pytestmark = pytest.mark.integration


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
    with query(site.engine) as session:
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
        with query(site.engine) as session:
            page = study_page(session, STUDY_UID)
        assert page is not None
        assert verdict_of(page.row).kind is Kind.WITHDRAWN
        site.engine.dispose()


def _deliver_in_another_process(settings: Settings) -> None:
    engine = open_engine(settings.database_address)
    deliver_one(Equipment(settings, engine, "worker", lambda: later(0)))


def test_kill_in_the_middle_of_sending(orthanc: OrthancPeer, dcmtk: Dcmtk, tmp_path: Path) -> None:
    """After kill -9 with one object stored, PACS ends with each object exactly once."""
    sizes: dict[str, int] = {}
    site = site_at(tmp_path, orthanc.dicom_port)
    site.make_result()
    with query(site.engine) as session:
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
