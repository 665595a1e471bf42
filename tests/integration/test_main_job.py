"""The main job with real peers, in both sizes: a scanner sends, PACS has the results."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom import dcmread
from sqlalchemy import Select, select

from database.session import query
from database.states import JobState
from database.tables.study.analysis import Job, Result, Study
from phantom import make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from phantom.study import write_phantom_study
from settings.peers import RequestPriority
from tests.builders.dicom.study_folder import by_position, shuffled, small_phantom, study_uid
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import ConformanceReport
from tests.peers.dicom.orthanc import start_orthanc
from tests.peers.firstreads.firstread import RunningFirstread, running_firstread
from tests.peers.firstreads.servers import servers_of
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

_RUNNING = (JobState.SELECTED, JobState.DECODED, JobState.INFERRED)


@pytest.fixture(scope="module", params=["embedded", "hospital"])
def firstread(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningFirstread]:
    """Firstread of both sizes in turn, one for all tests: each looks at studies of its own."""
    folder = tmp_path_factory.mktemp(request.param)
    dcmtk = Dcmtk(work_folder=folder / "dcmtk")
    with ExitStack() as stack:
        pacs = start_orthanc(tmp_path_factory.mktemp("orthanc"))
        stack.enter_context(pacs.process)
        yield stack.enter_context(
            running_firstread(
                request.param, folder, pacs=pacs, dcmtk=dcmtk, servers=servers_of(request, stack)
            )
        )


def test_a_scanner_sends_a_covid_study(
    firstread: RunningFirstread,
    shared_ct: Path,
    dciodvfy: Callable[..., ConformanceReport],
    tmp_path: Path,
) -> None:
    """The study is flagged, and PACS has SR, SEG and SC of it, valid and in the same study."""
    folder = shared_ct / "covid-P001"
    firstread.send(shuffled(folder, 1))
    answer = firstread.wait_for(study_uid(folder))
    assert answer.state == "delivered"
    assert answer.answer in ("suspected", "urgent")
    results = firstread.results(study_uid(folder))
    assert {kind: len(objects) for kind, objects in results.items()} == {"SR": 1, "SEG": 1, "OT": 1}
    source = dcmread(next(folder.iterdir()))
    for objects in results.values():
        assert objects[0].PatientID == source.PatientID
        assert objects[0].SeriesInstanceUID != source.SeriesInstanceUID
        report = dciodvfy(objects[0])
        assert not report.errors, report
    path = tmp_path / "sr.dcm"
    results["SR"][0].save_as(path)
    assert "Imaging Measurement Report" in firstread.dcmtk.dsrdump(path)


def test_a_normal_study_is_routine_and_has_no_segmentation(
    firstread: RunningFirstread, shared_ct: Path
) -> None:
    """A negative study gets SR and SC, no SEG, and stands below the others."""
    folder = shared_ct / "normal-001"
    firstread.send(by_position(folder))
    answer = firstread.wait_for(study_uid(folder))
    assert (answer.state, answer.answer) == ("delivered", "routine")
    assert set(firstread.results(study_uid(folder))) == {"SR", "OT"}


def test_sent_twice_gives_one_result_set(firstread: RunningFirstread, tmp_path: Path) -> None:
    """A scanner that sends a study again changes nothing."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder, salt="sent twice")
    firstread.send(shuffled(folder, 1))
    firstread.wait_for(study_uid(folder))
    jobs = firstread.job_count()
    before = {uid for (uid,) in _object_uids(firstread, study_uid(folder))}
    firstread.send(shuffled(folder, 2))
    # A new instance would have put the study back to "received" before its Success.
    (answer,) = firstread.answers_about(study_uid(folder))
    assert (answer.state, answer.version) == ("delivered", 1)
    assert {uid for (uid,) in _object_uids(firstread, study_uid(folder))} == before
    assert firstread.job_count() == jobs


def _object_uids(firstread: RunningFirstread, uid: str) -> list[tuple[str]]:
    return [
        (str(one.SOPInstanceUID),) for objects in firstread.results(uid).values() for one in objects
    ]


def test_a_late_half_supersedes_the_first_result(
    firstread: RunningFirstread, tmp_path: Path
) -> None:
    """Instances that come after the first result make a second one, which names the first."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder, salt="in two halves")
    files = by_position(folder)
    firstread.send(files[::2])
    first = firstread.wait_for(study_uid(folder))
    firstread.send(files[1::2])
    second = firstread.wait_for(study_uid(folder), version=2)
    assert (first.answer, second.state) == (second.answer, "delivered")
    assert not set(first.object_uids) & set(second.object_uids)
    with query(firstread.engine) as session:
        old, new = session.scalars(
            _results_of(study_uid(folder)).order_by(Result.study_version)
        ).all()
        assert old.superseded_by_id == new.id
        assert new.superseded_by_id is None
    reports = {one.SOPInstanceUID: one for one in firstread.results(study_uid(folder))["SR"]}
    assert len(reports) == 2
    predecessors = [
        one.PredecessorDocumentsSequence[0]
        .ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
        .ReferencedSOPInstanceUID
        for one in reports.values()
        if "PredecessorDocumentsSequence" in one
    ]
    assert len(predecessors) == 1
    assert predecessors[0] in first.object_uids


def _results_of(uid: str) -> Select[Result]:
    return select(Result).join(Study).where(Study.study_instance_uid == uid)


def test_two_patients_in_one_study_reach_no_pacs_until_they_are_corrected(
    firstread: RunningFirstread, tmp_path: Path
) -> None:
    """Three images of PAT-A in the study of PAT-B: refused; corrected at the scanner: read."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder, salt="two patients")
    files, strangers = by_position(folder), tmp_path / "strangers"
    strangers.mkdir()
    for path in files[:3]:
        image = dcmread(path)
        image.SeriesInstanceUID += ".9"
        image.SOPInstanceUID += ".9"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.save_as(strangers / path.name)
    right = by_position(strangers)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for path in right:
        image = dcmread(path)
        image.PatientID, image.PatientSex, image.AccessionNumber = "PAT-A", "F", "ACC-A"
        image.save_as(wrong / path.name)
    firstread.send([*by_position(wrong), *files])
    assert firstread.wait_for(study_uid(folder)).state == "refused"
    assert firstread.results(study_uid(folder)) == {}
    firstread.send(right)
    answer = firstread.wait_for(study_uid(folder), version=2)
    assert (answer.state, answer.version) == ("delivered", 2)
    source = dcmread(files[0])
    results = firstread.results(study_uid(folder))
    assert set(results) == {"SR", "SEG", "OT"}
    for objects in results.values():
        assert [one.PatientID for one in objects] == [source.PatientID]
        assert [one.AccessionNumber for one in objects] == [source.AccessionNumber]
    with query(firstread.engine) as session:
        study = session.scalars(
            select(Study).where(Study.study_instance_uid == study_uid(folder))
        ).one()
        named = study.patient_id, study.accession_number
        assert named == (source.PatientID, source.AccessionNumber)


def test_a_killed_worker_costs_no_study(firstread: RunningFirstread, tmp_path: Path) -> None:
    """After kill -9 in the middle of a job the study ends by itself with exactly one result set."""
    folder = tmp_path / "phantom"
    small_phantom("axial_to_head", folder, salt="killed")
    firstread.send(by_position(folder))
    wait_until(
        lambda: firstread.job_count(*_RUNNING),
        what="a worker in the middle of the job",
        limit_s=60,
        interval_s=0.01,
    )
    firstread.signal_analysis(signal.SIGKILL)
    assert firstread.job_count(*_RUNNING) == 1
    firstread.revive_analysis()
    answer = firstread.wait_for(study_uid(folder))
    assert answer.state == "delivered"
    assert {
        kind: len(objects) for kind, objects in firstread.results(study_uid(folder)).items()
    } == {"SR": 1, "SEG": 1, "OT": 1}
    with query(firstread.engine) as session:
        attempts = select(Job.attempts).join(Study)
        attempts = attempts.where(Study.study_instance_uid == study_uid(folder))
        assert session.scalars(attempts).one() == 2
        assert len(session.scalars(_results_of(study_uid(folder))).all()) == 1


def test_the_stat_study_is_analysed_next(firstread: RunningFirstread, tmp_path: Path) -> None:
    """Of four queued studies the last, requested STAT, is the first to be claimed."""
    firstread.signal_analysis(signal.SIGSTOP)
    uids = []
    for number in range(4):
        folder = tmp_path / f"phantom-{number}"
        phantom = make_phantom(
            seed=number + 1, grid=phantom_grid((60, 64, 64), (5.0, 6.0, 6.0)), lesions=()
        )
        priority = RequestPriority.STAT if number == 3 else None
        identity = StudyIdentity.of(phantom, priority=priority)
        write_phantom_study(phantom, folder, identity=identity)
        firstread.send(shuffled(folder, number))
        uids.append(study_uid(folder))
    wait_until(
        lambda: firstread.job_count(JobState.QUEUED) == 4, what="four queued jobs", limit_s=30
    )
    firstread.signal_analysis(signal.SIGCONT)
    for uid in uids:
        firstread.wait_for(uid)
    with query(firstread.engine) as session:
        order = session.scalars(
            select(Study.study_instance_uid)
            .join(Job, Job.study_id == Study.id)
            .where(Study.study_instance_uid.in_(uids))
            .order_by(Job.claimed_at)
        ).all()
    assert order[0] == uids[3]
    assert set(order[1:]) == set(uids[:3])  # among themselves first looks may have moved them
